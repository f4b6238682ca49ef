//! The HTTP/2 connection preface, held against what the browser that the request claims sends.
//!
//! SETTINGS, the first WINDOW_UPDATE (RFC 9113 sections 6.5 and 6.9) and the order of pseudo-headers are the HTTP library's
//! own, whatever the TLS below it looks like: who copies a browser's hello and ends HTTP/2 by himself is seen here. The text
//! comes from an edge's log and is hostile; what cannot be read is no preface at all, and that is no sign either.
//!
//! The order of pseudo-headers has never changed within an engine but for one release of WebKit, so an order that no version
//! had is impossible even for versions that nobody has seen. Values do change with releases, and Firefox lets its user
//! change some: one that differs is unlikely, settings and window together are impossible, and in a version newer than
//! the table no more than unlikely.

mod ceiling;
mod table;

use super::Fit;
use super::user_agent::Browser;
pub(super) use ceiling::{ceiling, is_websocket};
pub(super) use table::{Http2, Stack};

/// Longer texts are not read: no client's comes near it.
const MAX_TEXT: usize = 512;
/// More settings than are registered.
const MAX_SETTINGS: usize = 16;

/// One preface, read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preface {
    settings: [Option<(u16, u32)>; MAX_SETTINGS],
    /// 0: none was sent.
    window_update: u32,
    /// The letters of the pseudo-headers in order; zeros where the text has none.
    pseudo_headers: [u8; 4],
}

impl Preface {
    /// Reads `SETTINGS|WINDOW_UPDATE|PRIORITY|PSEUDO-HEADERS`. Settings are divided by semicolons or commas.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut parts = text.split('|');
        let (settings, window, _priority, order) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let mut preface = Self { window_update: window.parse().ok()?, ..Self::default() };
        let mut slots = preface.settings.iter_mut();
        for setting in settings.split([';', ',']).filter(|setting| !setting.is_empty()) {
            let (id, value) = setting.split_once(':')?;
            *slots.next()? = Some((id.parse().ok()?, value.parse().ok()?));
        }
        let mut slots = preface.pseudo_headers.iter_mut();
        for letter in order.split(',').filter(|letter| !letter.is_empty()) {
            let [letter @ (b'm' | b'a' | b's' | b'p')] = letter.as_bytes() else { return None };
            *slots.next()? = *letter;
        }
        Some(preface)
    }

    fn tells_order(&self) -> bool {
        self.pseudo_headers != [0; 4]
    }

    fn same_order(&self, other: &Self) -> bool {
        self.pseudo_headers == other.pseudo_headers || !self.tells_order() || !other.tells_order()
    }

    /// Equal but for settings that nobody has registered: 0x0a0a, 0x1a1a and so on are sent at random by whoever wants to
    /// keep servers tolerant (RFC 9113 section 6.5.2: unknown settings are ignored).
    fn same_settings(&self, other: &Self) -> bool {
        let known = |preface: &Self| {
            preface.settings.into_iter().flatten().filter(|(id, _)| !model::HelloFacts::is_grease(*id))
        };
        known(self).eq(known(other))
    }

    fn same(&self, other: &Self) -> bool {
        self.window_update == other.window_update && self.same_order(other) && self.same_settings(other)
    }
}

/// Holds a preface against the browser that is claimed.
pub(super) fn compare(browser: &Browser, preface: &Preface, table: &Http2) -> Fit {
    let rows = || table.browsers().iter().filter(|row| row.concerns(browser));
    let Some(version) = browser.engine_version() else {
        return match rows().any(|row| row.preface.same(preface)) {
            true => Fit::Fits,
            false => unknown_version(browser, preface, rows().map(|row| &row.preface)),
        };
    };
    if rows().any(|row| row.covers(version) && row.preface.same(preface)) {
        return Fit::Fits;
    }
    let (mut oldest, mut newest) = (u16::MAX, 0);
    let (mut elsewhere, mut order, mut settings, mut window) = (None, false, false, false);
    for row in rows() {
        oldest = oldest.min(row.from);
        newest = newest.max(row.newest_seen());
        if row.preface.same(preface) {
            elsewhere = Some(row);
        }
        order |= row.preface.same_order(preface);
        if row.covers(version) {
            settings |= row.preface.same_settings(preface);
            window |= row.preface.window_update == preface.window_update;
        }
    }
    if version < oldest {
        return Fit::Silent("nobody has recorded the HTTP/2 preface of that version");
    }
    if let Some(row) = elsewhere {
        return Fit::Unlikely(format!("its HTTP/2 preface is that of {} and not of {version}", row.versions()));
    }
    let engine = table::name(browser.engine);
    if !order {
        return impossible(browser, format!("no {engine} sends the HTTP/2 pseudo-headers in this order"));
    }
    if version > newest {
        return Fit::Unlikely(format!("its HTTP/2 settings are not those of {engine} up to {newest}"));
    }
    if settings || window {
        let what = if settings { "window" } else { "settings" };
        return Fit::Unlikely(format!("its HTTP/2 {what} is not that of {engine} {version}"));
    }
    impossible(browser, format!("neither its HTTP/2 settings nor its window are those of {engine} {version}"))
}

/// For browsers whose own number says nothing about the engine's: all of its versions are possible.
fn unknown_version<'p>(browser: &Browser, preface: &Preface, mut known: impl Iterator<Item = &'p Preface>) -> Fit {
    let engine = table::name(browser.engine);
    let mut any = false;
    if known.any(|row| {
        any = true;
        row.same_order(preface)
    }) {
        Fit::Unlikely(format!("its HTTP/2 settings are not those of any known {engine}"))
    } else if any {
        impossible(browser, format!("no {engine} sends the HTTP/2 pseudo-headers in this order"))
    } else {
        Fit::Silent("nobody has recorded the HTTP/2 preface of that engine")
    }
}

/// An application may have configured the engine that it embeds.
fn impossible(browser: &Browser, detail: String) -> Fit {
    if browser.embedded { Fit::Unlikely(detail) } else { Fit::Impossible(detail) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::user_agent::{Claim, read};

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
    const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15";
    const NEW: &str = "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p";

    pub(super) fn table() -> Http2 {
        Http2::parse(include_str!("../../data/http2.toml")).expect("the table")
    }

    fn browser(user_agent: &str) -> Browser {
        match read(Some(user_agent)) {
            Claim::Browser(browser) => browser,
            other => panic!("{other:?}"),
        }
    }

    fn check(user_agent: &str, preface: &str) -> Fit {
        compare(&browser(user_agent), &Preface::parse(preface).expect("a preface"), &table())
    }

    fn is_impossible(fit: &Fit) -> bool {
        matches!(fit, Fit::Impossible(_))
    }

    #[test]
    fn each_engine_sends_its_own() {
        assert_eq!(check(CHROME, NEW), Fit::Fits);
        assert_eq!(check(FIREFOX, "1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s"), Fit::Fits);
        assert_eq!(check(SAFARI, "2:0;3:100;4:2097152;9:1|10420225|0|m,s,a,p"), Fit::Fits);
        // PRIORITY frames and those of HEADERS, settings divided by commas, and the setting that asks servers for tolerance.
        assert_eq!(check(FIREFOX, "1:65536,2:0,4:131072,5:16384|12517377|3:0:0:22|m,p,a,s"), Fit::Fits);
        assert_eq!(check(CHROME, "1:65536;2:0;4:6291456;6:262144;2570:77|15663105|0|m,a,s,p"), Fit::Fits);
    }

    #[test]
    fn a_preface_of_somebody_else_is_impossible() {
        let mitmproxy = "1:4096;2:0;4:2147483647;5:131072;8:0;3:100;6:65536|2147418112|0|m,s,p,a";
        let go = "2:0;4:4194304;6:10485760|1073741824|0|a,m,p,s";
        for user_agent in [CHROME, FIREFOX, SAFARI] {
            assert!(is_impossible(&check(user_agent, mitmproxy)), "{user_agent}");
            assert!(is_impossible(&check(user_agent, go)), "{user_agent}");
        }
        // The order is copied from the client, the rest is not.
        let copied = "2:0;4:33554432|4128769|0|m,p,a,s";
        assert!(is_impossible(&check(FIREFOX, copied)));
    }

    #[test]
    fn other_versions_and_single_values_are_unlikely() {
        let old = check(CHROME, "1:65536;2:0;3:1000;4:6291456;6:262144|15663105|0|m,a,s,p");
        assert_eq!(old, Fit::Unlikely("its HTTP/2 preface is that of Chromium 106 to 118 and not of 150".to_owned()));
        let pushed = check(FIREFOX, "1:65536;2:0;4:32768;5:16384|12517377|0|m,p,a,s");
        assert!(matches!(pushed, Fit::Unlikely(_)), "{pushed:?}");
    }

    #[test]
    fn what_is_new_in_a_version_that_nobody_saw_is_not_impossible() {
        let future = CHROME.replace("150", "400");
        assert_eq!(check(&future, NEW), Fit::Fits);
        let settings = "1:65536;2:0;4:6291456;6:262144;77:1|20000000|0|m,a,s,p";
        assert!(matches!(check(&future, settings), Fit::Unlikely(_)));
        assert!(is_impossible(&check(CHROME, settings)));
        assert!(is_impossible(&check(&future, "1:65536;2:0;4:6291456;6:262144|15663105|0|m,s,p,a")));
        assert!(matches!(check(&CHROME.replace("150", "40"), NEW), Fit::Silent(_)));
    }

    #[test]
    fn leaving_versions_out_makes_them_unseen_and_not_impossible() {
        let mut table = table();
        table.forget_versions(crate::client::user_agent::Engine::Chromium, 119, 400);
        let preface = Preface::parse(NEW).expect("a preface");
        assert_eq!(compare(&browser(CHROME), &preface, &table), Fit::Fits);
        let mut table = self::table();
        table.forget_versions(crate::client::user_agent::Engine::Chromium, 110, 400);
        assert!(matches!(compare(&browser(CHROME), &preface, &table), Fit::Unlikely(_) | Fit::Fits));
    }

    #[test]
    fn stacks_are_told_with_and_without_an_order() {
        let table = table();
        let stack =
            |text: &str| table.stack(&Preface::parse(text).expect("a preface")).map(|stack| stack.name.as_str());
        assert_eq!(stack("2:0;4:33554432|4128769|0|m,p,s,a"), Some("mockttp's use of Node.js http2"));
        assert_eq!(stack("3:100;4:33554432;2:0|33488897|0|m,p,s,a"), Some("nghttp2 in curl"));
        assert_eq!(stack(NEW), None);
    }

    #[test]
    fn damage_is_no_preface() {
        for text in [
            "",
            "|||",
            "1:2|3|0",
            "1|2|0|m",
            "1:2|x|0|m",
            "1:2|3|0|q",
            "1:2|3|0|m,a,s,p,m",
            "1:2|3|0|m|",
            "70000:1|0|0|",
        ] {
            assert_eq!(Preface::parse(text), None, "{text}");
        }
        let many = vec!["1:1"; MAX_SETTINGS + 1].join(";");
        assert_eq!(Preface::parse(&format!("{many}|0|0|m")), None);
        assert!(Preface::parse("||0|").is_none() && Preface::parse("|0|0|").is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,600}") {
            let _ = Preface::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_again(
            settings in prop::collection::vec((any::<u16>(), any::<u32>()), 0..MAX_SETTINGS),
            window in any::<u32>(),
            order in Just(vec!["m", "a", "s", "p"]).prop_shuffle(),
        ) {
            let listed: Vec<String> = settings.iter().map(|(id, value)| format!("{id}:{value}")).collect();
            let text = format!("{}|{window}|0|{}", listed.join(";"), order.join(","));
            let preface = Preface::parse(&text).expect("well formed");
            prop_assert_eq!(preface.settings.into_iter().flatten().collect::<Vec<_>>(), settings);
            prop_assert_eq!(preface.window_update, window);
            prop_assert_eq!(preface.pseudo_headers.to_vec(), order.concat().into_bytes());
        }

        #[test]
        fn no_preface_of_a_browser_is_impossible_for_its_newer_versions(version in 58_u16..2_000, row in 0_usize..4) {
            let known = table();
            let preface = known.browsers().get(row).expect("a row of Chromium").preface;
            let fit = compare(&browser(&CHROME.replace("150", &version.to_string())), &preface, &known);
            prop_assert!(!is_impossible(&fit), "{:?}", fit);
        }
    }
}
