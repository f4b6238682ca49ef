//! A table for people: which client asked for which name, and what it got, most frequent first.

use std::collections::HashMap;
use std::fmt::Write;

use model::{CapturedHandshake, Transport};
use wire::tls::names;

/// Rows that are kept; handshakes beyond them are counted together. A capture of a whole network has some thousand.
const MAX_ROWS: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Summary {
    rows: HashMap<Row, u64>,
    beyond: u64,
}

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Row {
    name: String,
    transport: &'static str,
    ja4: String,
    version: String,
    issuer: String,
}

impl Summary {
    pub(super) fn add(&mut self, found: &CapturedHandshake) {
        let server = found.server.as_ref();
        let alert = || Some(format!("{} alert", names::alert(server?.alert?.1)));
        let row = Row {
            name: found.sni.clone().unwrap_or_else(|| found.dst.to_string()),
            transport: match found.transport {
                Transport::Tcp => "tcp",
                Transport::Quic => "quic",
            },
            ja4: found.ja4.clone().unwrap_or_else(|| "-".to_owned()),
            version: server.and_then(|server| server.version).map(names::version).or_else(alert).unwrap_or_default(),
            issuer: server.and_then(|server| server.issuer.clone()).unwrap_or_default(),
        };
        let is_full = self.rows.len() >= MAX_ROWS;
        match self.rows.get_mut(&row) {
            Some(count) => *count = count.saturating_add(1),
            None if is_full => self.beyond = self.beyond.saturating_add(1),
            None => {
                self.rows.insert(row, 1);
            }
        }
    }

    pub(super) fn render(&self) -> String {
        let mut rows: Vec<(&Row, u64)> = self.rows.iter().map(|(row, count)| (row, *count)).collect();
        rows.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        let wide = rows.iter().map(|(row, _)| row.name.chars().count()).max().unwrap_or_default().clamp(4, 60);
        let mut text =
            format!("{:>7}  {:wide$}  {:9}  {:36}  {:8}  ISSUER\n", "COUNT", "NAME", "TRANSPORT", "JA4", "VERSION");
        for (Row { name, transport, ja4, version, issuer }, count) in rows {
            let line = format!("{count:>7}  {name:wide$}  {transport:9}  {ja4:36}  {version:8}  {issuer}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if self.beyond > 0 {
            let _ = writeln!(text, "{:>7}  in further rows", self.beyond);
        }
        text
    }
}
