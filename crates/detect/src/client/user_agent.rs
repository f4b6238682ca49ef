//! What a User-Agent claims (RFC 9110 section 10.1.5): text from anybody, read without trust.
//!
//! One pass over the octets, no allocation, a limit on the length. The vocabulary is small on purpose: what decides is the
//! engine, because the network stack belongs to it, and the handful of tokens that tell engines and their versions apart.
//! Every other product name is kept as text: whoever asks further looks it up in the table of clients.
//!
//! Browsers imitate each other: nearly all say `Mozilla/5.0`, all on Chromium say `Safari`, Edge says `Chrome`. So tokens
//! are collected first and weighed then, the most specific before those that others have copied.

mod tokens;

use tokens::{Token, Tokens};

/// Longer texts are not read. Browsers stay below 300 octets; Internet Explorer, which lists what is installed, below 1000.
const MAX_LENGTH: usize = 1_024;

/// What the request says it is sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim<'a> {
    /// No User-Agent at all.
    Nothing,
    Browser(Browser),
    /// Software that names itself and is no browser: "curl", "Go-http-client", "Microsoft Office". `engine` is the browser
    /// engine that it says it is built on.
    Tool {
        name: &'a str,
        engine: Option<Browser>,
        platform: Platform,
    },
    /// Text that says nothing.
    Nonsense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Browser {
    pub(crate) family: Family,
    /// The major version that the family's own token gives: 150 of `Chrome/150.0.0.0`, 26 of `Version/26.0`.
    pub(crate) version: u16,
    pub(crate) engine: Engine,
    /// The engine's own major version, where the text gives it: that of Chromium for what is built on it, that of iOS for
    /// the browsers there.
    pub(crate) core: Option<u16>,
    pub(crate) platform: Platform,
    /// The major version of the operating system as the text gives it: 5, 6 or 10 of Windows NT, 17 of iOS; 0: not told.
    pub(crate) system: u16,
    /// A web view inside another application: its policies are not the browser's.
    pub(crate) embedded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Chrome,
    Edge,
    Firefox,
    Safari,
    Opera,
    InternetExplorer,
    /// Another one of its engine.
    Other,
}

/// What the network stack belongs to. On iOS it is WebKit's, whatever the browser calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Engine {
    Chromium,
    Gecko,
    WebKit,
    /// Edge up to 18 and Internet Explorer: Schannel.
    Trident,
    Presto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Platform {
    Windows,
    MacOs,
    Linux,
    ChromeOs,
    Android,
    Ios,
    Other,
}

impl Platform {
    /// By its name in the tables.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "windows" => Self::Windows,
            "macos" => Self::MacOs,
            "linux" => Self::Linux,
            "chromeos" => Self::ChromeOs,
            "android" => Self::Android,
            "ios" => Self::Ios,
            "other" => Self::Other,
            _ => return None,
        })
    }
}

impl Engine {
    /// By its name in the tables.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "chromium" => Self::Chromium,
            "gecko" => Self::Gecko,
            "webkit" => Self::WebKit,
            "trident" => Self::Trident,
            "presto" => Self::Presto,
            _ => return None,
        })
    }

    /// For a person.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chromium => "Chromium",
            Self::Gecko => "Firefox",
            Self::WebKit => "Safari",
            Self::Trident => "Internet Explorer",
            Self::Presto => "Opera",
        }
    }
}

impl Browser {
    /// The version of the engine, where the text gives it.
    pub(crate) fn engine_version(&self) -> Option<u16> {
        self.core
    }
}

/// Reads a User-Agent, or says that there is nothing to read.
pub(crate) fn read(user_agent: Option<&str>) -> Claim<'_> {
    let Some(text) = user_agent.map(str::trim).filter(|text| !text.is_empty()) else { return Claim::Nothing };
    if text.len() > MAX_LENGTH || text.bytes().any(|octet| octet.is_ascii_control()) {
        return Claim::Nonsense;
    }
    let tokens = Tokens::read(text);
    let browser = browser(&tokens);
    // A program that embeds an engine may put its own name anywhere; one that is none has it in front.
    match (tokens.first, tokens.marker, browser) {
        (_, Some(name), engine) => Claim::Tool { name, engine, platform: tokens.platform },
        (_, None, Some(browser)) => Claim::Browser(browser),
        (Some(name), None, None) if is_name(name) => Claim::Tool { name, engine: None, platform: tokens.platform },
        _ => Claim::Nonsense,
    }
}

/// A name that a table may know: it begins with a letter and is no pretence of being a browser.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !matches!(name, "Mozilla" | "Opera")
}

fn browser(tokens: &Tokens<'_>) -> Option<Browser> {
    let has = |token| tokens.has(token);
    let version = |token| tokens.version(token);
    let platform = tokens.platform;
    let of = |family, engine, version: u16, core: Option<u16>| Browser {
        family,
        version,
        engine,
        core: core.filter(|core| *core > 0),
        platform,
        system: tokens.system,
        embedded: tokens.embedded,
    };
    // On iOS every browser is WebKit's, and the system's version is WebKit's. From 26 on, the text goes on to say 18.6 or
    // 18.7 of the system; only Safari still tells its own version.
    if platform == Platform::Ios {
        let core = version(Token::Version).or(match tokens.system {
            0 => None,
            18 if tokens.system_minor >= 6 => Some(26),
            system => Some(system),
        });
        let (family, own) = if has(Token::Version) && has(Token::Safari) {
            (Family::Safari, version(Token::Version))
        } else if has(Token::WebKit) {
            let own = [Token::ChromeIos, Token::FirefoxIos, Token::EdgeIos].into_iter().find_map(version);
            (Family::Other, own.or(core))
        } else {
            return None;
        };
        let embedded = tokens.embedded || !has(Token::Safari);
        return Some(Browser { embedded, ..of(family, Engine::WebKit, own?, core) });
    }
    if let Some(own) = version(Token::EdgeLegacy) {
        return Some(of(Family::Edge, Engine::Trident, own, Some(own)));
    }
    if let Some(own) = version(Token::Msie).filter(|_| !has(Token::OperaPresto)) {
        // A page may ask for the view of an older version; Trident tells the true one: 4.0 came with Internet Explorer 8.
        let own = version(Token::Trident).map_or(own, |trident| trident.saturating_add(4).max(own));
        return Some(of(Family::InternetExplorer, Engine::Trident, own, Some(own)));
    }
    if let Some(trident) = version(Token::Trident) {
        let own = trident.saturating_add(4);
        return Some(of(Family::InternetExplorer, Engine::Trident, own, Some(own)));
    }
    if let Some(core) = version(Token::Chrome) {
        let (family, own) = if let Some(own) = version(Token::Edge) {
            (Family::Edge, own)
        } else if let Some(own) = version(Token::Opera) {
            (Family::Opera, own)
        } else if tokens.other_product {
            (Family::Other, core)
        } else {
            (Family::Chrome, core)
        };
        return Some(of(family, Engine::Chromium, own, Some(core)));
    }
    if has(Token::OperaPresto) {
        // Version/12.16 beside a frozen Opera/9.80. Presto ended with 12; more than that is a text that nobody sent.
        let own = version(Token::Version).or(version(Token::OperaPresto))?;
        return (own <= 12).then(|| of(Family::Opera, Engine::Presto, own, Some(own)));
    }
    if let Some(own) = version(Token::Firefox).filter(|_| has(Token::Gecko)) {
        return Some(of(Family::Firefox, Engine::Gecko, own, Some(own)));
    }
    if has(Token::WebKit) && has(Token::Version) && has(Token::Safari) {
        let own = version(Token::Version)?;
        // The browser of Android up to 4.4 says that it is Safari 4.
        let family = if platform == Platform::MacOs { Family::Safari } else { Family::Other };
        let core = (platform == Platform::MacOs).then_some(own);
        return Some(of(family, Engine::WebKit, own, core));
    }
    // Mail and other applications of macOS show pages without saying more than WebKit.
    if has(Token::WebKit) && platform == Platform::MacOs && !has(Token::Safari) {
        return Some(Browser { embedded: true, ..of(Family::Other, Engine::WebKit, 0, None) });
    }
    None
}

#[cfg(test)]
mod tests;
