use model::HelloFacts;

use super::*;
use crate::client::testing::{self, CHROME_150, FIREFOX_153, IPHONE_26, SAFARI_26, chrome, firefox, hello};
use crate::client::user_agent::{Claim, read};

fn fit(user_agent: &str, hello: &HelloFacts) -> Fit {
    let browsers = Browsers::parse(include_str!("../../../data/browsers.toml")).expect("the table");
    fit_by(user_agent, hello, &browsers)
}

fn fit_by(user_agent: &str, hello: &HelloFacts, browsers: &Browsers) -> Fit {
    match read(Some(user_agent)) {
        Claim::Browser(browser) => compare(&browser, hello, None, browsers),
        other => panic!("{user_agent}: {other:?}"),
    }
}

fn is_impossible(fit: &Fit) -> bool {
    matches!(fit, Fit::Impossible(_))
}

/// The corpus, and what its browsers say that they are.
fn genuine() -> Vec<(&'static str, String)> {
    let safari = |version: &str| SAFARI_26.replace("26.0", version);
    let webengine = CHROME_150.replace("Chrome/150", "QtWebEngine/6.5.3 Chrome/108");
    let linux = |version| chrome(version).replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64");
    vec![
        ("chromium-131-1", linux(131)),
        ("chromium-131-2", linux(131)),
        ("chromium-153", linux(153)),
        ("chromium-156-1", linux(156)),
        ("chromium-156-2", linux(156)),
        ("chromium-156-3", linux(156)),
        ("chromium-156-quic", linux(156)),
        ("qtwebengine-6.5", webengine),
        ("curl-cffi-chrome146", chrome(146)),
        ("curl-cffi-chrome150", chrome(150)),
        ("curl-cffi-chrome150-h3", chrome(150)),
        ("curl-cffi-edge101", chrome(101) + " Edg/101.0.1210.47"),
        ("firefox-153esr-1", firefox(153)),
        ("firefox-153esr-2", firefox(153)),
        ("firefox-153esr-3", firefox(153)),
        ("firefox-153esr-quic", firefox(153)),
        ("curl-cffi-firefox133", firefox(133)),
        ("curl-cffi-firefox144", firefox(144)),
        ("curl-cffi-safari155", safari("15.5")),
        ("curl-cffi-safari184", safari("18.4")),
        ("curl-cffi-safari260", safari("26.0")),
        ("curl-cffi-safari260-h3", safari("26.0")),
        ("curl-cffi-safari260-ios", IPHONE_26.to_owned()),
    ]
}

#[test]
fn browsers_are_what_they_claim() {
    for (name, user_agent) in genuine() {
        assert_eq!(fit(&user_agent, &hello(name)), Fit::Fits, "{name}");
    }
}

/// The same where the rules know nothing of that very version: nothing of it may be impossible.
#[test]
fn browsers_that_nobody_has_recorded_are_never_impossible() {
    for (name, user_agent) in genuine() {
        let mut browsers = Browsers::parse(include_str!("../../../data/browsers.toml")).expect("the table");
        let Claim::Browser(browser) = read(Some(&user_agent)) else { panic!("{user_agent}") };
        browsers.forget_version(browser.engine, browser.engine_version().expect("a version"));
        let fit = fit_by(&user_agent, &hello(name), &browsers);
        assert!(!is_impossible(&fit), "{name}: {fit:?}");
    }
}

#[test]
fn no_interceptor_and_no_tool_passes_for_a_browser() {
    let browsers: Vec<&str> = genuine().iter().map(|(name, _)| *name).collect();
    for (name, program) in testing::all().iter().filter(|(name, _)| !browsers.contains(&name.as_str())) {
        // HTTP/3 without GREASE is what Chromium does there as well; its groups and extensions are not.
        for user_agent in [CHROME_150, FIREFOX_153, SAFARI_26, IPHONE_26] {
            let fit = fit(user_agent, &hello(name));
            assert!(is_impossible(&fit), "{name} ({program}) as {user_agent}: {fit:?}");
        }
    }
}

#[test]
fn browsers_do_not_pass_for_each_other() {
    for (name, user_agent) in [
        ("chromium-156-3", FIREFOX_153),
        ("chromium-156-3", SAFARI_26),
        ("firefox-153esr-3", CHROME_150),
        ("firefox-153esr-3", SAFARI_26),
        ("curl-cffi-safari260", CHROME_150),
        ("curl-cffi-safari260", FIREFOX_153),
        ("curl-cffi-edge101", CHROME_150),
        ("firefox-153esr-quic", CHROME_150),
        ("chromium-156-quic", FIREFOX_153),
    ] {
        let fit = fit(user_agent, &hello(name));
        assert!(is_impossible(&fit), "{name} as {user_agent}: {fit:?}");
    }
}

#[test]
fn a_newer_version_inherits_with_lower_weight() {
    let mut newer = hello("chromium-156-3");
    assert_eq!(fit(&chrome(170), &newer), Fit::Fits);
    // A suite and an extension that nobody has registered yet.
    newer.cipher_suites.push(0x1310);
    newer.extensions.insert(3, 70);
    assert!(matches!(fit(&chrome(170), &newer), Fit::Unlikely(_)));
    assert!(is_impossible(&fit(&chrome(156), &newer)));
    // What no version ever did stays impossible.
    newer.extensions.insert(3, 15);
    assert_eq!(
        fit(&chrome(170), &newer),
        Fit::Impossible(
            "no Chromium offers heartbeat, encrypt_then_mac, post_handshake_auth or max_fragment_length; here heartbeat is \
             among its extensions"
                .to_owned()
        )
    );
}

#[test]
fn what_a_policy_explains_is_unlikely() {
    let mut without = hello("chromium-131-2");
    without.supported_groups.retain(|group| *group != 0x11ec);
    without.key_shares.retain(|group| *group != 0x11ec);
    let Fit::Unlikely(why) = fit(&chrome(131), &without) else { panic!("a policy takes the group away") };
    assert!(why.ends_with("(the policy PostQuantumKeyAgreementEnabled)"), "{why}");
    // The policy is gone from 147 on.
    let mut without = hello("chromium-156-3");
    without.supported_groups.retain(|group| *group != 0x11ec);
    assert!(is_impossible(&fit(&chrome(156), &without)));
    // Other browsers on the engine may decide otherwise.
    let vivaldi = chrome(156) + " Vivaldi/8.1";
    assert!(matches!(fit(&vivaldi, &without), Fit::Unlikely(_)));
}

#[test]
fn modes_with_a_shape_of_their_own_fit() {
    let mut tor = hello("curl-cffi-firefox133");
    tor.extensions.retain(|code| ![27, 35, 45].contains(code));
    tor.certificate_compression.clear();
    tor.psk_key_exchange_modes.clear();
    tor.supported_groups.retain(|group| *group != 0x11ec);
    assert_eq!(fit(&firefox(140), &tor), Fit::Fits);
    let mut private = hello("firefox-153esr-3");
    private.extensions.retain(|code| *code != 35);
    assert_eq!(fit(FIREFOX_153, &private), Fit::Fits);
}

#[test]
fn parts_of_a_hello_are_compared_as_far_as_they_go() {
    let mut part = hello("chromium-156-3");
    part.source = HelloSource::Ja3Text;
    for list in [&mut part.cipher_suites, &mut part.extensions, &mut part.supported_groups] {
        list.retain(|code| !HelloFacts::is_grease(*code));
    }
    for list in [&mut part.signature_algorithms, &mut part.supported_versions, &mut part.key_shares] {
        list.clear();
    }
    part.alpn_octets.clear();
    assert_eq!(fit(&chrome(156), &part), Fit::Fits);
    assert!(is_impossible(&fit(FIREFOX_153, &part)));
    part.extensions.clear();
    part.point_formats.clear();
    part.source = HelloSource::SuitesAndGroups;
    assert_eq!(fit(&chrome(156), &part), Fit::Fits);
    part.supported_groups.clear();
    assert_eq!(fit(&chrome(156), &part), Fit::Fits);
    let mut squid = hello("squid");
    squid.source = HelloSource::SuitesAndGroups;
    assert!(is_impossible(&fit(&chrome(156), &squid)));
}

#[test]
fn suites_alone_of_a_hello_over_quic_are_those_of_quic() {
    let mut part = hello("chromium-156-quic");
    part.source = HelloSource::SuitesAndGroups;
    part.extensions.clear();
    let browsers = Browsers::parse(include_str!("../../../data/browsers.toml")).expect("the table");
    let Claim::Browser(browser) = read(Some(&chrome(156))) else { panic!("a browser") };
    assert_eq!(compare(&browser, &part, Some(Transport::Quic), &browsers), Fit::Fits);
    assert!(matches!(compare(&browser, &part, Some(Transport::Tcp), &browsers), Fit::Unlikely(_)));
}

#[test]
fn a_browser_that_nobody_has_recorded_is_passed_over() {
    let android =
        "Mozilla/5.0 (Linux; U; Android 4.1) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30";
    assert!(matches!(fit(android, &hello("squid")), Fit::Silent(_)));
    assert!(matches!(fit(&chrome(5), &HelloFacts::default()), Fit::Silent(_) | Fit::Impossible(_)));
}

#[test]
fn a_hello_of_any_length_is_compared() {
    let long = HelloFacts {
        cipher_suites: (0..u16::MAX).collect(),
        extensions: (0..u16::MAX).collect(),
        ..HelloFacts::default()
    };
    assert!(is_impossible(&fit(CHROME_150, &long)));
}
