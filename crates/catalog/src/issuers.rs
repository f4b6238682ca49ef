//! Named lists of certificate authorities, for profiles to refer to: `issuers = "@microsoft"`.

use crate::service::{ServiceError, Table};

/// The lists that are compiled in, each row with its source and date.
const LISTS: &[(&str, &str)] = &[("@microsoft", include_str!("../data/issuers-microsoft.toml"))];

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(name, _)| *name)
}

/// The common names of a list; `None` where no list is called so.
pub(crate) fn issuers(name: &str) -> Option<Result<Vec<String>, ServiceError>> {
    LISTS.iter().find(|(known, _)| *known == name).map(|(_, text)| read(text))
}

fn read(text: &str) -> Result<Vec<String>, ServiceError> {
    let mut file = Table::parse(text)?;
    let rows = file.required("issuer", "tables")?.array(crate::limits::LIST_ENTRIES, "tables")?;
    file.finish(&["issuer"])?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.table()?;
            let name = row.required("name", "a common name")?.text()?;
            row.required("source", "where the row comes from")?.text()?;
            row.required("date", "the day of the source")?.text()?;
            row.finish(&["name", "source", "date"])?;
            Ok(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_list_reads() {
        for name in super::names() {
            let issuers = super::issuers(name).unwrap().unwrap();
            assert!(issuers.is_sorted(), "{name} is sorted, so that it diffs well");
            assert!(issuers.iter().any(|issuer| issuer == "Microsoft Azure RSA TLS Issuing CA 04"));
        }
    }
}
