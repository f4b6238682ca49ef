//! Whether somebody wrote the header fields of a browser's request anew.

use model::ObservedHttp;

use super::{all_names, is_http1};
use crate::client::Fit;
use crate::client::user_agent::{Browser, Engine};

/// The fields whose places are looked at.
const FIELDS: [&str; 8] = [
    "user-agent",
    "accept",
    "accept-language",
    "accept-encoding",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "host",
];
const USER_AGENT: usize = 0;
const ACCEPT: usize = 1;
const LANGUAGE: usize = 2;
const ENCODING: usize = 3;
const SITE: usize = 4;
const MODE: usize = 5;
const DEST: usize = 6;
const HOST: usize = 7;

/// Pairs that never turn round in these browsers, from captures of the lab (2026-11: Chromium 108 to 156, Firefox 133 to
/// 153; documents, scripts, images and WebSockets) and from 2016 on for the pairs without fetch metadata.
const CHROMIUM: &[(usize, usize)] =
    &[(USER_AGENT, ENCODING), (ACCEPT, ENCODING), (ENCODING, LANGUAGE), (SITE, MODE), (MODE, DEST), (DEST, ENCODING)];
const GECKO: &[(usize, usize)] =
    &[(USER_AGENT, ACCEPT), (ACCEPT, LANGUAGE), (LANGUAGE, ENCODING), (DEST, MODE), (MODE, SITE)];
/// Chromium 80 to 88 sent fetch metadata in other orders.
const SETTLED_CHROMIUM: u16 = 89;

/// Finds fields in an order, and names in letters, that the claimed browser does not send. Needs the list of all names.
///
/// An own proxy of the service in front of the recorder does the same, so this is no sign by itself.
pub(in crate::client) fn rewritten(browser: &Browser, http: &ObservedHttp<'_>) -> Fit {
    let Some(names) = all_names(http) else { return Fit::Silent("not all header names were recorded") };
    if is_sorted(names.clone()) {
        return Fit::Silent("the recorder sorted the header names");
    }
    let mut places: [Option<usize>; FIELDS.len()] = [None; FIELDS.len()];
    for (place, name) in names.clone().enumerate() {
        let slot = places.iter_mut().zip(FIELDS).find(|(_, field)| field.eq_ignore_ascii_case(name));
        if let Some((slot, _)) = slot {
            slot.get_or_insert(place);
        }
    }
    let at = |field: usize| places.get(field).copied().flatten();
    let name = |field: usize| FIELDS.get(field).copied().unwrap_or_default();
    let pairs = match browser.engine {
        Engine::Chromium => CHROMIUM,
        Engine::Gecko => GECKO,
        Engine::WebKit => &[],
        Engine::Trident | Engine::Presto => return Fit::Silent("a browser whose order of headers varies"),
    };
    let unsettled =
        browser.engine == Engine::Chromium && browser.engine_version().is_none_or(|version| version < SETTLED_CHROMIUM);
    let metadata = SITE..=DEST;
    let pairs = pairs.iter().filter(|(first, _)| !(unsettled && metadata.contains(first)));
    for (first, second) in pairs {
        if let (Some(earlier), Some(later)) = (at(*first), at(*second))
            && later < earlier
        {
            return Fit::Unlikely(format!("`{}` comes before `{}`", name(*second), name(*first)));
        }
    }
    if is_http1(http) {
        if let (Some(host), Some(user_agent)) = (at(HOST), at(USER_AGENT))
            && user_agent < host
        {
            return Fit::Unlikely("`host` comes after `user-agent` over HTTP/1".to_owned());
        }
        if small_letters(names.clone()) {
            return Fit::Unlikely("names in small letters, as in HTTP/2, over HTTP/1".to_owned());
        }
    }
    if at(USER_AGENT).is_none() { Fit::Silent("no User-Agent among the header names") } else { Fit::Fits }
}

/// `user-agent` in small letters (RFC 9113 section 8.2 demands them of HTTP/2) beside names with capitals: what came over
/// HTTP/2 was sent on over HTTP/1. Where every name is in small letters, the recorder has made them so.
pub(super) fn small_letters<'o>(mut names: impl Iterator<Item = &'o str> + Clone) -> bool {
    names.clone().any(|name| name == "user-agent")
        && names.any(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// A list of a few names may be in the order of the alphabet by chance.
fn is_sorted<'o>(names: impl Iterator<Item = &'o str> + Clone) -> bool {
    const CHANCE: usize = 6;
    let later = names.clone().skip(1);
    names.clone().count() >= CHANCE
        && names.zip(later).all(|(one, next)| {
            let small = |name: &'o str| name.bytes().map(|byte| byte.to_ascii_lowercase());
            small(one).le(small(next))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::user_agent::{Claim, read};

    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";

    fn check(user_agent: &str, version: &'static str, names: &'static str) -> Fit {
        let Claim::Browser(browser) = read(Some(user_agent)) else { panic!("a browser") };
        let names = names.split(' ').map(Into::into).collect();
        let http = ObservedHttp { version: Some(version.into()), header_names: Some(names), ..ObservedHttp::default() };
        rewritten(&browser, &http)
    }

    #[test]
    fn browsers_keep_their_own_order() {
        let chrome = ":method :authority sec-ch-ua user-agent accept sec-fetch-site sec-fetch-mode sec-fetch-user sec-fetch-dest \
                      accept-encoding accept-language priority";
        assert_eq!(check(CHROME, "2", chrome), Fit::Fits);
        let firefox = "Host User-Agent Accept Accept-Language Accept-Encoding Connection Sec-Fetch-Dest Sec-Fetch-Mode \
                       Sec-Fetch-Site";
        assert_eq!(check(FIREFOX, "1.1", firefox), Fit::Fits);
    }

    #[test]
    fn proxies_that_write_anew_are_seen() {
        let squid = "User-Agent Accept Accept-Encoding Accept-Language Host Via Connection";
        assert_eq!(
            check(CHROME, "1.1", squid),
            Fit::Unlikely("`host` comes after `user-agent` over HTTP/1".to_owned())
        );
        let go = "Host User-Agent Accept Accept-Language Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Accept-Encoding";
        assert!(matches!(check(CHROME, "1.1", go), Fit::Unlikely(_)));
        let nginx = "Host Connection user-agent accept accept-encoding accept-language";
        assert!(matches!(check(CHROME, "1.1", nginx), Fit::Unlikely(_)));
        assert_eq!(check(CHROME, "2", nginx), Fit::Fits);
    }

    #[test]
    fn what_the_recorder_did_is_not_held_against_the_path() {
        let sorted = "accept accept-encoding accept-language host sec-fetch-dest user-agent";
        assert_eq!(check(FIREFOX, "1.1", sorted), Fit::Silent("the recorder sorted the header names"));
        let small = "host user-agent accept accept-language accept-encoding";
        assert_eq!(check(FIREFOX, "1.1", small), Fit::Fits);
        let Claim::Browser(browser) = read(Some(CHROME)) else { panic!("a browser") };
        let logged = ObservedHttp { headers: vec![("host".into(), "a".into())], ..ObservedHttp::default() };
        assert!(matches!(rewritten(&browser, &logged), Fit::Silent(_)));
    }
}
