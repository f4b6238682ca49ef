use proptest::prelude::*;

use super::*;

fn check(text: &str, family: Family, version: u16, engine: Engine, core: Option<u16>, platform: Platform) {
    match read(Some(text)) {
        Claim::Browser(found) => {
            let found = (found.family, found.version, found.engine, found.core, found.platform);
            assert_eq!(found, (family, version, engine, core, platform), "{text}");
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn check_tool(text: &str, name: &str) {
    match read(Some(text)) {
        Claim::Tool { name: found, .. } => assert_eq!(found, name, "{text}"),
        other => panic!("{text}: {other:?}"),
    }
}

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";

#[test]
fn chromium_and_what_is_built_on_it() {
    let chromium = |tail: &str, family, version| {
        let text = format!("{WINDOWS} {WEBKIT} {tail}");
        check(&text, family, version, Engine::Chromium, Some(150), Platform::Windows);
    };
    chromium("Chrome/150.0.0.0 Safari/537.36", Family::Chrome, 150);
    chromium("HeadlessChrome/150.0.0.0 Safari/537.36", Family::Chrome, 150);
    chromium("Chrome/150.0.0.0 Safari/537.36 Edg/150.0.3405.86", Family::Edge, 150);
    chromium("Chrome/150.0.0.0 Safari/537.36 OPR/134.0.0.0", Family::Opera, 134);
    chromium("Chrome/150.0.0.0 Safari/537.36 Vivaldi/8.1", Family::Other, 150);
    chromium("QtWebEngine/6.5.3 Chrome/150.0.0.0 Safari/537.36", Family::Other, 150);
    let android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)";
    let mobile = format!("{android} Chrome/131.0.0.0 Mobile Safari/537.36");
    check(&mobile, Family::Chrome, 131, Engine::Chromium, Some(131), Platform::Android);
    let samsung = format!("{android} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36");
    check(&samsung, Family::Other, 130, Engine::Chromium, Some(130), Platform::Android);
    let chromebook = format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/149.0.0.0 Safari/537.36");
    check(&chromebook, Family::Chrome, 149, Engine::Chromium, Some(149), Platform::ChromeOs);
}

#[test]
fn web_views_are_embedded() {
    for text in [
        "Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 \
         Chrome/120.0.6099.43 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) app/1.0 Chrome/120.0.0.0 Electron/28.1 \
         Safari/537.36",
    ] {
        assert!(matches!(read(Some(text)), Claim::Browser(Browser { embedded: true, .. })), "{text}");
    }
    let teams =
        format!("{WINDOWS} {WEBKIT} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0 Teams/24004.1307.2669.7070/49");
    match read(Some(&teams)) {
        Claim::Tool { name: "Teams", engine: Some(engine), .. } => {
            assert_eq!((engine.engine, engine.core, engine.embedded), (Engine::Chromium, Some(120), true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_browser_on_ios_is_webkit() {
    let ios = |system: &str, tail: &str| {
        format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {tail}"
        )
    };
    let check = |text: &str, family, version, core| {
        check(text, family, version, Engine::WebKit, Some(core), Platform::Ios);
    };
    check(&ios("26_0", "Version/26.0 Mobile/15E148 Safari/604.1"), Family::Safari, 26, 26);
    check(&ios("18_6", "Version/26.0 Mobile/15E148 Safari/604.1"), Family::Safari, 26, 26);
    check(&ios("17_1", "CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1"), Family::Other, 120, 17);
    check(&ios("17_1", "FxiOS/121.0 Mobile/15E148 Safari/605.1.15"), Family::Other, 121, 17);
    check(&ios("17_1", "Version/17.0 EdgiOS/120.0.2210.116 Mobile/15E148 Safari/604.1"), Family::Safari, 17, 17);
    check(&ios("18_7", "CriOS/142.0.0.0 Mobile/15E148 Safari/604.1"), Family::Other, 142, 26);
}

#[test]
fn firefox_safari_opera_and_internet_explorer() {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
    check(firefox, Family::Firefox, 153, Engine::Gecko, Some(153), Platform::Linux);
    let android = "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0";
    check(android, Family::Firefox, 133, Engine::Gecko, Some(133), Platform::Android);
    let safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                  Version/18.4 Safari/605.1.15";
    check(safari, Family::Safari, 18, Engine::WebKit, Some(18), Platform::MacOs);
    let presto = "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.16";
    check(presto, Family::Opera, 12, Engine::Presto, Some(12), Platform::Windows);
    let ie11 = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko";
    check(ie11, Family::InternetExplorer, 11, Engine::Trident, Some(11), Platform::Windows);
    let view = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/7.0; SLCC2; .NET CLR 2.0.50727)";
    check(view, Family::InternetExplorer, 11, Engine::Trident, Some(11), Platform::Windows);
    let edge = format!("{WINDOWS} {WEBKIT} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763");
    check(&edge, Family::Edge, 18, Engine::Trident, Some(18), Platform::Windows);
}

#[test]
fn tools_name_themselves() {
    for (text, name) in [
        ("curl/7.88.1", "curl"),
        ("Go-http-client/2.0", "Go-http-client"),
        ("Python/3.11 aiohttp/3.14.5", "Python"),
        ("Java-http-client/17.0.15", "Java-http-client"),
        ("node", "node"),
        ("Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", "Lynx"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)", "Microsoft Outlook"),
        ("Microsoft SkyDriveSync 23.226.1031.0003 ship; Windows NT 10.0 (19045)", "Microsoft SkyDriveSync"),
        ("Outlook-iOS/723.4027091.prod.iphone (4.28.0)", "Outlook-iOS"),
        (
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; ms-office; MSOffice 16)",
            "ms-office",
        ),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1682", "WindowsPowerShell"),
    ] {
        check_tool(text, name);
    }
}

#[test]
fn nonsense_is_told_from_nothing() {
    assert_eq!(read(None), Claim::Nothing);
    assert_eq!(read(Some("  ")), Claim::Nothing);
    for text in [
        "-",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible)",
        "curl/8\r\nX-Injected: 1",
        "(((((((((((((",
        "\u{1f600}",
        "Opera/9.80 (Windows NT 6.2; WOW64) Presto/2.12.388 Version/24",
        &"Mozilla/5.0 ".repeat(1_000),
    ] {
        assert_eq!(read(Some(text)), Claim::Nonsense, "{text}");
    }
}

#[test]
fn a_version_too_great_is_none() {
    let text = format!("{WINDOWS} {WEBKIT} Chrome/99999999999.0 Safari/537.36");
    check(&text, Family::Chrome, 0, Engine::Chromium, None, Platform::Windows);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,1100}") {
        let _ = read(Some(&text));
    }

    #[test]
    fn any_order_of_known_words_is_read(words in proptest::collection::vec(
        prop_oneof![
            Just("Mozilla/5.0"), Just("("), Just(")"), Just(";"), Just("Chrome/150.0"), Just("Trident/7.0"), Just("MSIE 9.0"),
            Just("CPU iPhone OS 17_1 like Mac OS X"), Just("Version/"), Just("Safari"), Just("Android 99999999"),
            Just("Presto/2"), Just("Opera/"), Just("Edge/65536"), Just("Gecko/"), Just("Firefox/65535"),
        ],
        0..40,
    )) {
        let text = words.join(" ");
        let claim = read(Some(&text));
        // Prefixes may change what is claimed and never break.
        for (place, _) in text.char_indices() {
            let _ = read(text.get(..place));
        }
        prop_assert_eq!(claim, read(Some(&text)));
    }
}
