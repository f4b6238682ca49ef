//! The table of prefaces, as data.

use serde::Deserialize;

use super::Preface;
use crate::client::user_agent::{Browser, Engine, Platform};

/// What browsers and other HTTP/2 stacks send first.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Http2 {
    browsers: Vec<Row>,
    stacks: Vec<Stack>,
}

/// A preface, and the versions of an engine that send it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    engine: Engine,
    /// Empty: all.
    platforms: Vec<Platform>,
    pub(super) from: u16,
    to: Option<u16>,
    newest: u16,
    pub(super) preface: Preface,
}

/// An HTTP/2 library that is no browser's.
#[derive(Clone, Debug)]
pub(in crate::client) struct Stack {
    pub(in crate::client) name: String,
    preface: Preface,
    /// Rows of the table of interceptors.
    pub(in crate::client) products: Vec<String>,
    /// Programs that intercept nothing and send the same.
    pub(in crate::client) also: Vec<String>,
}

impl Http2 {
    pub(in crate::client) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let browsers = file.browser.into_iter().map(|row| row.read().ok_or(row.preface)).collect::<Result<_, _>>();
        let stacks = file.stack.into_iter().map(|row| row.read()).collect::<Result<_, _>>();
        let wrong = |preface| format!("`{preface}` is no row of HTTP/2 prefaces");
        Ok(Self { browsers: browsers.map_err(wrong)?, stacks: stacks.map_err(wrong)? })
    }

    pub(super) fn browsers(&self) -> &[Row] {
        &self.browsers
    }

    /// The library that sends this; one that is known with its order of pseudo-headers first.
    pub(in crate::client) fn stack(&self, preface: &Preface) -> Option<&Stack> {
        let mut fitting = self.stacks.iter().filter(|stack| stack.preface.same(preface));
        let first = fitting.next()?;
        if first.preface.tells_order() {
            return Some(first);
        }
        Some(fitting.find(|stack| stack.preface.tells_order()).unwrap_or(first))
    }

    /// As if nobody had ever captured this product.
    pub(in crate::client) fn forget_product(&mut self, product: &str) {
        for stack in &mut self.stacks {
            stack.products.retain(|known| known != product);
        }
        self.stacks.retain(|stack| !stack.products.is_empty() || !stack.also.is_empty());
    }

    /// As if nobody had ever captured these versions of the engine.
    pub(in crate::client) fn forget_versions(&mut self, engine: Engine, from: u16, to: u16) {
        for row in self.browsers.iter_mut().filter(|row| row.engine == engine) {
            let inside = |version: u16| (from..=to).contains(&version);
            if inside(row.newest) && row.to.is_none() {
                row.newest = from.saturating_sub(1).max(row.from);
            }
        }
        self.browsers.retain(|row| row.engine != engine || row.from < from || row.newest > to || row.to.is_some());
    }
}

impl Row {
    pub(super) fn concerns(&self, browser: &Browser) -> bool {
        self.engine == browser.engine && (self.platforms.is_empty() || self.platforms.contains(&browser.platform))
    }

    pub(super) fn covers(&self, version: u16) -> bool {
        version >= self.from && self.to.is_none_or(|to| version <= to)
    }

    pub(super) fn newest_seen(&self) -> u16 {
        self.newest
    }

    /// "Chromium 58 to 84".
    pub(super) fn versions(&self) -> String {
        let engine = name(self.engine);
        match self.to {
            Some(to) if to == self.from => format!("{engine} {to}"),
            Some(to) => format!("{engine} {} to {to}", self.from),
            None => format!("{engine} {} and newer", self.from),
        }
    }
}

/// What people call an engine.
pub(super) const fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Chromium => "Chromium",
        Engine::Gecko => "Firefox",
        Engine::WebKit => "Safari",
        Engine::Trident => "Internet Explorer",
        Engine::Presto => "Opera's Presto",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    browser: Vec<BrowserRow>,
    #[serde(default)]
    stack: Vec<StackRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrowserRow {
    engine: String,
    #[serde(default)]
    platforms: Vec<String>,
    from: u16,
    to: Option<u16>,
    newest: Option<u16>,
    preface: String,
    source: String,
}

impl BrowserRow {
    fn read(&self) -> Option<Row> {
        let engine = Engine::named(&self.engine)?;
        let platforms = self.platforms.iter().map(|text| Platform::named(text)).collect::<Option<_>>()?;
        // Without either, nobody could tell which versions are newer than the table.
        let newest = self.to.or(self.newest)?;
        if newest < self.from || self.source.is_empty() {
            return None;
        }
        let preface = Preface::parse(&self.preface)?;
        Some(Row { engine, platforms, from: self.from, to: self.to, newest, preface })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StackRow {
    name: String,
    preface: String,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    source: String,
}

impl StackRow {
    fn read(self) -> Result<Stack, String> {
        match Preface::parse(&self.preface) {
            Some(preface) if !self.source.is_empty() => {
                Ok(Stack { name: self.name, preface, products: self.products, also: self.also })
            }
            _ => Err(self.preface),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_cannot_be_read_are_refused() {
        let row =
            "[[browser]]\nengine = \"chromium\"\nfrom = 58\nnewest = 60\npreface = \"1:2|3|0|m\"\nsource = \"us\"\n";
        assert!(Http2::parse(row).is_ok());
        for (from, to) in [("chromium", "netscape"), ("1:2|3", "1:2"), ("newest = 60\n", ""), ("\"us\"", "\"\"")] {
            assert!(Http2::parse(&row.replace(from, to)).is_err(), "{to}");
        }
    }
}
