//! Reverse proxies that stand in a service's place under a name of their own.

use model::HostName;
use serde::Deserialize;

use crate::KnowledgeError;

/// One product, by the names that it gives to what it stands before. The file's own comment explains the fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReverseProxy {
    pub(crate) product: String,
    #[serde(default)]
    suffix: Vec<String>,
    #[serde(default)]
    cookie: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the file; a test looks at it"))]
    seen: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the file; a test looks at it"))]
    sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    reverse_proxy: Vec<ReverseProxy>,
}

impl ReverseProxy {
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, KnowledgeError> {
        let table: Table = toml::from_str(text).map_err(|error| KnowledgeError::ReverseProxies(error.to_string()))?;
        Ok(table.reverse_proxy)
    }

    /// Whether the product answers under this name. A host that is itself below the suffix, as the product's own portal is,
    /// was asked for by that name.
    pub(crate) fn answers_as(&self, name: &str, asked: &HostName) -> bool {
        self.suffix.iter().any(|suffix| is_below(name, suffix) && !is_below(asked.as_str(), suffix))
    }

    pub(crate) fn sets(&self, cookie: &str) -> bool {
        self.cookie.iter().any(|mark| match mark.strip_suffix('*') {
            Some(prefix) => cookie.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
            None => cookie.eq_ignore_ascii_case(mark),
        })
    }
}

fn is_below(name: &str, suffix: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Knowledge;

    #[test]
    fn every_row_is_read_and_names_a_product_a_day_and_its_sources() {
        let text = include_str!("../../data/casb.toml");
        let table = ReverseProxy::parse(text).expect("the file that is compiled in");
        assert_eq!(table.len(), text.lines().filter(|line| *line == "[[reverse_proxy]]").count());
        let knowledge = Knowledge::builtin();
        for row in table {
            assert!(
                knowledge.interceptor(&row.product).is_some(),
                "{} is not in the table of interceptors",
                row.product
            );
            assert!(!row.sources.is_empty() && row.seen.parse::<jiff::civil::Date>().is_ok(), "{}", row.product);
            assert!(!row.suffix.is_empty() || !row.cookie.is_empty(), "{} has no mark", row.product);
            let marks = row.suffix.iter().chain(&row.cookie);
            assert!(marks.into_iter().all(|mark| mark.len() >= 6 && !mark.starts_with('.')), "{}", row.product);
        }
    }

    #[test]
    fn a_suffix_fits_after_a_dot_and_not_the_product_itself() {
        let table = ReverseProxy::parse(include_str!("../../data/casb.toml")).expect("the file that is compiled in");
        let asked = HostName::parse("outlook.office.com").expect("a name");
        let fits = |name: &str, asked: &HostName| table.iter().any(|row| row.answers_as(name, asked));
        assert!(fits("outlook.office.com.mcas.ms", &asked) && fits("Outlook.Office.com.MCAS.ms.", &asked));
        assert!(!fits("notmcas.ms", &asked) && !fits("mcas.ms.example", &asked) && !fits("outlook.office.com", &asked));
        let portal = HostName::parse("contoso.access.mcas.ms").expect("a name");
        assert!(!fits("login.access.mcas.ms", &portal));
        assert!(table.iter().any(|row| row.sets("bcsi-cs-53631f2127934e24")));
        assert!(!table.iter().any(|row| row.sets("BCSI") || row.sets("session")));
    }
}
