//! How many of what: the tally of a run, and the table that it prints.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use model::State;

/// Rows kept; what comes after is counted together. Input may name any number of tenants.
const MOST_ROWS: usize = 10_000;
/// Products told in one row.
const MOST_PRODUCTS: usize = 3;
const OTHERS: &str = "(others)";

/// Counts, for the whole and for each tenant and location.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    /// Lines that could not be read.
    pub(crate) unread: u64,
    pub(crate) all: Counts,
    rows: HashMap<(String, String), Row>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    counts: Counts,
    products: BTreeMap<String, u64>,
}

/// Observations by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) intact: u64,
    pub(crate) unknown: u64,
    pub(crate) degraded: u64,
    pub(crate) manipulated: u64,
    pub(crate) intercepted: u64,
}

impl Counts {
    fn count(&mut self, state: State) {
        *match state {
            State::Intact => &mut self.intact,
            State::Unknown => &mut self.unknown,
            State::Degraded => &mut self.degraded,
            State::Manipulated => &mut self.manipulated,
            State::Intercepted => &mut self.intercepted,
        } += 1;
    }

    fn add(&mut self, other: Self) {
        self.intact += other.intact;
        self.unknown += other.unknown;
        self.degraded += other.degraded;
        self.manipulated += other.manipulated;
        self.intercepted += other.intercepted;
    }

    fn all(self) -> u64 {
        self.judged() + self.unknown
    }

    fn judged(self) -> u64 {
        self.intact + self.degraded + self.manipulated + self.intercepted
    }

    /// Intercepted or manipulated, of those that could be judged.
    fn share(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = (self.intercepted + self.manipulated) as f64 / self.judged() as f64;
        (self.judged() > 0).then_some(share)
    }
}

impl Tally {
    pub(super) fn count(&mut self, tenant: &str, location: &str, state: State, product: Option<&str>) {
        self.all.count(state);
        let row = self.row(tenant, location);
        row.counts.count(state);
        if let Some(product) = product {
            match row.products.get_mut(product) {
                Some(count) => *count += 1,
                None => {
                    row.products.insert(product.to_owned(), 1);
                }
            }
        }
    }

    fn row(&mut self, tenant: &str, location: &str) -> &mut Row {
        let key = (tenant.to_owned(), location.to_owned());
        let full = self.rows.len() >= MOST_ROWS && !self.rows.contains_key(&key);
        self.rows.entry(if full { (OTHERS.to_owned(), String::new()) } else { key }).or_default()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.unread += other.unread;
        self.all.add(other.all);
        for ((tenant, location), row) in other.rows {
            let own = self.row(&tenant, &location);
            own.counts.add(row.counts);
            for (product, count) in row.products {
                *own.products.entry(product).or_default() += count;
            }
        }
    }

    /// One line for each tenant and location, those with the most interception first.
    pub(crate) fn table(&self) -> String {
        let mut rows: Vec<_> = self.rows.iter().collect();
        let weight = |row: &Row| row.counts.intercepted + row.counts.manipulated;
        rows.sort_by(|a, b| weight(b.1).cmp(&weight(a.1)).then_with(|| a.0.cmp(b.0)));
        let mut cells = vec![
            ["tenant", "location", "seen", "judged", "intercepted", "manipulated", "share", "by"].map(str::to_owned),
        ];
        for ((tenant, location), row) in rows {
            let counts = row.counts;
            cells.push([
                crate::report::clean(tenant),
                if location.is_empty() { "-".to_owned() } else { crate::report::clean(location) },
                counts.all().to_string(),
                counts.judged().to_string(),
                counts.intercepted.to_string(),
                counts.manipulated.to_string(),
                counts.share().map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0)),
                row.by(),
            ]);
        }
        laid_out(&cells)
    }
}

impl Row {
    fn by(&self) -> String {
        let mut products: Vec<_> = self.products.iter().collect();
        products.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let more = products.len().saturating_sub(MOST_PRODUCTS);
        let named = products.iter().take(MOST_PRODUCTS).map(|(product, count)| format!("{product} {count}"));
        let mut by = named.collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(by, " and {more} more");
        }
        by
    }
}

/// Columns as wide as their widest cell, numbers to the right.
fn laid_out(cells: &[[String; 8]]) -> String {
    const TO_THE_RIGHT: std::ops::RangeInclusive<usize> = 2..=6;
    let wide = |column: usize| {
        cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..8).map(wide).collect();
    let mut text = String::new();
    for row in cells {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if TO_THE_RIGHT.contains(&column) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_begins_with_the_worst() {
        let mut tally = Tally::default();
        for _ in 0..7 {
            tally.count("contoso", "Lisbon", State::Intercepted, Some("Squid"));
        }
        tally.count("contoso", "Lisbon", State::Intact, None);
        tally.count("contoso", "Lisbon", State::Unknown, None);
        tally.count("fabrikam", "", State::Intact, None);
        tally.count("evil\u{1b}[2J", "", State::Unknown, None);
        insta::assert_snapshot!(tally.table());
    }

    #[test]
    fn tenants_without_end_are_counted_together() {
        let mut tally = Tally::default();
        for number in 0..MOST_ROWS + 500 {
            tally.count(&number.to_string(), "", State::Intact, None);
        }
        assert!(tally.rows.len() <= MOST_ROWS + 1);
        assert_eq!(tally.all.intact, (MOST_ROWS + 500) as u64);
        let mut both = tally.clone();
        both.add(tally);
        assert!(both.rows.len() <= MOST_ROWS + 1);
        assert_eq!(both.rows.values().map(|row| row.counts.all()).sum::<u64>(), 2 * (MOST_ROWS + 500) as u64);
    }
}
