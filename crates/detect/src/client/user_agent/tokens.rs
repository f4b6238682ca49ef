//! The tokens of a User-Agent: products with their versions, and what stands in the comments.

use super::Platform;

/// The products and marks that tell engines apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    WebKit,
    Chrome,
    ChromeIos,
    Edge,
    EdgeIos,
    EdgeLegacy,
    Firefox,
    FirefoxIos,
    Gecko,
    Msie,
    Opera,
    OperaPresto,
    Safari,
    Trident,
    Version,
}

const TOKENS: usize = 15;

#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    versions: [Option<u16>; TOKENS],
    /// What stands in front: the name of a tool, or `Mozilla`.
    pub(super) first: Option<&'a str>,
    /// A product that is known for embedding an engine, or for sitting in the comment of another's text.
    pub(super) marker: Option<&'a str>,
    /// A product that is none of those above: another browser on the same engine.
    pub(super) other_product: bool,
    pub(super) platform: Platform,
    pub(super) system: u16,
    pub(super) system_minor: u16,
    pub(super) embedded: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut tokens = Self {
            versions: [None; TOKENS],
            first: first_name(text),
            marker: None,
            other_product: false,
            platform: Platform::Other,
            system: 0,
            system_minor: 0,
            embedded: false,
        };
        let (mut depth, mut start) = (0_u32, 0);
        for (place, octet) in text.bytes().enumerate() {
            // Products are divided by spaces, and what stands in a comment by semicolons (RFC 9110 section 5.6.5).
            let ends = match octet {
                b'(' | b')' => true,
                b' ' => depth == 0,
                b';' | b',' => depth > 0,
                _ => false,
            };
            if ends {
                tokens.take(text.get(start..place).unwrap_or_default(), depth > 0);
                start = place.saturating_add(1);
                match octet {
                    b'(' => depth = depth.saturating_add(1),
                    b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
        tokens.take(text.get(start..).unwrap_or_default(), depth > 0);
        tokens
    }

    pub(super) fn has(&self, token: Token) -> bool {
        self.version(token).is_some()
    }

    pub(super) fn version(&self, token: Token) -> Option<u16> {
        self.versions.get(token as usize).copied().flatten()
    }

    fn set(&mut self, token: Token, version: u16) {
        if let Some(slot @ None) = self.versions.get_mut(token as usize) {
            *slot = Some(version);
        }
    }

    fn take(&mut self, token: &'a str, in_comment: bool) {
        let token = token.trim_matches(' ');
        if token.is_empty() {
        } else if in_comment {
            self.take_comment(token);
        } else {
            self.take_product(token);
        }
    }

    fn take_product(&mut self, token: &'a str) {
        let (name, version) = token.split_once('/').unwrap_or((token, ""));
        let number = major(version);
        match name {
            "AppleWebKit" => self.set(Token::WebKit, number),
            "Chrome" | "HeadlessChrome" | "Chromium" => self.set(Token::Chrome, number),
            "CriOS" => self.set(Token::ChromeIos, number),
            "FxiOS" => self.set(Token::FirefoxIos, number),
            "EdgiOS" => self.set(Token::EdgeIos, number),
            "Edg" | "EdgA" => self.set(Token::Edge, number),
            "Edge" => self.set(Token::EdgeLegacy, number),
            "Firefox" => self.set(Token::Firefox, number),
            "Gecko" => self.set(Token::Gecko, 0),
            "OPR" | "OPRGX" | "OPX" => self.set(Token::Opera, number),
            "Opera" => self.set(Token::OperaPresto, number),
            "Presto" => self.set(Token::OperaPresto, 0),
            "Safari" => self.set(Token::Safari, number),
            "Version" => self.set(Token::Version, number),
            "Mozilla" | "Mobile" | "like" | "Ubuntu" => {}
            // Applications that are built on a browser engine and say so.
            "Electron" | "QtWebEngine" | "CEF" | "WebView2" | "MicrosoftEdgeWebview" => {
                (self.other_product, self.embedded) = (true, true);
            }
            "CFNetwork" => self.marker = self.marker.or(Some(name)),
            "Teams"
            | "TeamsMobile-Android"
            | "TeamsMobile-iOS"
            | "Outlook-Android"
            | "Outlook-iOS"
            | "WindowsPowerShell"
            | "PowerShell"
            | "OneOutlook" => {
                self.embedded = true;
                self.marker = self.marker.or(Some(name));
            }
            _ if name.starts_with(|c: char| c.is_ascii_alphabetic()) && !version.is_empty() => {
                self.other_product = true;
            }
            _ => {}
        }
    }

    fn take_comment(&mut self, token: &'a str) {
        if let Some(version) = token.strip_prefix("Windows NT ") {
            (self.platform, self.system) = (Platform::Windows, major(version));
        } else if let Some(version) = token.strip_prefix("Android ") {
            (self.platform, self.system) = (Platform::Android, major(version));
        } else if let Some(version) = token.strip_prefix("MSIE ") {
            self.set(Token::Msie, major(version));
        } else if let Some(version) = token.strip_prefix("Trident/") {
            self.set(Token::Trident, major(version));
        } else if token.starts_with("iPhone") || token.starts_with("iPad") || token.starts_with("iPod") {
            self.platform = Platform::Ios;
        } else if token.starts_with("CPU ") {
            self.take_apple_system(token);
        } else if token.starts_with("CrOS ") {
            self.platform = Platform::ChromeOs;
        } else if token.starts_with("Microsoft Outlook ") || token.starts_with("Microsoft Office ") {
            self.marker = self.marker.or(token.get(.."Microsoft Outlook".len()));
        } else {
            match token {
                "Macintosh" => self.platform = Platform::MacOs,
                "X11" | "Linux" if self.platform == Platform::Other => self.platform = Platform::Linux,
                "Android" => self.platform = Platform::Android,
                "Windows" if self.platform == Platform::Other => self.platform = Platform::Windows,
                "wv" => self.embedded = true,
                "ms-office" | "MSOffice" => self.marker = self.marker.or(Some("ms-office")),
                // A robot that shows pages with a browser's engine: `compatible; Googlebot/2.1`.
                _ if is_robot(token) => {
                    (self.other_product, self.embedded) = (true, true);
                }
                // `(KHTML, like Gecko)` is what everybody but Gecko says.
                _ => {}
            }
        }
    }

    /// `CPU iPhone OS 17_1_2 like Mac OS X`, `CPU OS 8_3 like Mac OS X`.
    fn take_apple_system(&mut self, token: &str) {
        let Some((_, version)) = token.split_once("OS ") else { return };
        self.platform = Platform::Ios;
        self.system = major(version);
        self.system_minor = version.split_once(['_', '.']).map_or(0, |(_, minor)| major(minor));
    }
}

fn is_robot(token: &str) -> bool {
    let name = token.split_once('/').map_or("", |(name, _)| name);
    let end = name.len().checked_sub("bot".len()).and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case("bot"))
}

/// The leading number; 0 where there is none or it is too great for any version.
fn major(version: &str) -> u16 {
    let mut number = 0_u16;
    for digit in version.bytes().take_while(u8::is_ascii_digit) {
        match number.checked_mul(10).and_then(|n| n.checked_add(u16::from(digit & 0x0f))) {
            Some(next) => number = next,
            None => return 0,
        }
    }
    number
}

/// The name of the first product. It may have spaces in it, as in "Microsoft Office/16.0", so it goes on to the slash, the
/// comment or the first word that begins with a digit.
fn first_name(text: &str) -> Option<&str> {
    let end = text.find(['/', '(', ';', ',']).unwrap_or(text.len());
    let mut name = text.get(..end)?.trim_end();
    if let Some(digit) = name.match_indices(' ').find(|(place, _)| {
        name.get(place.saturating_add(1)..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }) {
        name = name.get(..digit.0)?.trim_end();
    }
    (!name.is_empty()).then_some(name)
}
