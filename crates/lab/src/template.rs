//! `${name}` in a scenario's files and commands.

use std::{
    collections::BTreeMap,
    net::{TcpListener, UdpSocket},
};

use anyhow::{Context, Result, bail};

/// Below Linux's default range for outgoing connections, so that none of those takes a port between choice and use.
const FIRST_PORT: u16 = 20_000;
const LAST_PORT: u16 = 32_000;

/// Values by name. `${port.NAME}` is a free port, chosen at first use and the same from then on.
#[derive(Debug, Default)]
pub(crate) struct Values {
    known: BTreeMap<String, String>,
}

impl Values {
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.known.insert(name.into(), value.into());
    }

    pub(crate) fn expand(&mut self, text: &str) -> Result<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, behind) = behind.split_once('}').with_context(|| format!("`${{` without `}}` in `{rest}`"))?;
            out.push_str(before);
            out.push_str(&self.get(name)?);
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    pub(crate) fn expand_all(&mut self, words: &[String]) -> Result<Vec<String>> {
        words.iter().map(|word| self.expand(word)).collect()
    }

    pub(crate) fn get(&mut self, name: &str) -> Result<String> {
        if let Some(value) = self.known.get(name) {
            return Ok(value.clone());
        }
        if !name.starts_with("port.") {
            bail!(
                "`${{{name}}}` is not known here; known are {}",
                self.known.keys().cloned().collect::<Vec<_>>().join(", ")
            );
        }
        let port = free_port()?.to_string();
        self.set(name, &port);
        Ok(port)
    }
}

/// A port that is free on every address, over TCP and UDP.
pub(crate) fn free_port() -> Result<u16> {
    for _ in 0..200 {
        let mut octets = [0; 2];
        aws_lc_rs::rand::fill(&mut octets)?;
        let port = FIRST_PORT + u16::from_be_bytes(octets) % (LAST_PORT - FIRST_PORT);
        if TcpListener::bind(("0.0.0.0", port)).is_ok() && UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {FIRST_PORT} and {LAST_PORT}")
}

#[cfg(test)]
mod tests {
    use super::Values;

    #[test]
    fn names_are_replaced_and_ports_stay() {
        let mut values = Values::default();
        values.set("dir", "/d");
        assert_eq!(values.expand("a ${dir}/x $host {y}").unwrap(), "a /d/x $host {y}");
        let port = values.expand("${port.proxy}").unwrap();
        assert!(port.parse::<u16>().is_ok());
        assert_eq!(values.expand("${port.proxy}").unwrap(), port);
        assert_ne!(values.expand("${port.other}").unwrap(), "");
        assert!(values.expand("${unknown}").is_err());
        assert!(values.expand("${dir").is_err());
    }
}
