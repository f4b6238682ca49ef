use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use model::{HostName, Timestamp};
use proptest::prelude::*;

use super::{Decision, Moment, Pac, PacError, SCRIPT_LIMIT, World};

/// A small world: two names, and a record of what was asked.
#[derive(Default)]
struct Little {
    asked: RefCell<Vec<String>>,
}

impl World for Little {
    fn resolve(&self, name: &str) -> Vec<IpAddr> {
        self.asked.borrow_mut().push(name.to_owned());
        match name {
            "outlook.office.com" => vec!["2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap()],
            "six.example" => vec!["2001:db8::2".parse().unwrap()],
            _ => Vec::new(),
        }
    }

    fn own_addresses(&self) -> Vec<IpAddr> {
        vec!["2001:db8::9".parse().unwrap(), "10.1.2.3".parse().unwrap()]
    }
}

fn moment() -> Moment {
    Moment { now: Timestamp("2026-11-23T22:30:15Z".parse().unwrap()), offset_seconds: 7_200 }
}

fn load(script: &str) -> Result<Pac, PacError> {
    Pac::load(script, Rc::new(Little::default()), moment())
}

fn decide(script: &str, host: &str) -> Result<Decision, PacError> {
    load(script)?.find(&HostName::parse(host).unwrap(), 443)
}

/// The value of an expression over `url` and `host`.
fn value(expression: &str) -> String {
    let script = format!("function FindProxyForURL(url, host) {{ return String({expression}); }}");
    match decide(&script, "outlook.office.com") {
        Ok(decision) => decision.result,
        Err(error) => error.to_string(),
    }
}

#[test]
fn helpers_answer_as_those_of_browsers() {
    for (expression, expected) in [
        ("url", "https://outlook.office.com/"),
        ("isPlainHostName('www')", "true"),
        ("isPlainHostName(host)", "false"),
        ("isPlainHostName('::1')", "false"),
        ("dnsDomainIs(host, '.office.com')", "true"),
        ("dnsDomainIs(host, 'office.com')", "true"),
        ("dnsDomainIs('xoffice.com', 'office.com')", "true"),
        ("dnsDomainIs(host, '.OFFICE.com')", "false"),
        ("localHostOrDomainIs('www', 'www.a.example')", "true"),
        ("localHostOrDomainIs('ww', 'www.a.example')", "false"),
        ("localHostOrDomainIs('www.b.example', 'www.a.example')", "false"),
        ("isResolvable(host)", "true"),
        ("isResolvable('six.example')", "false"),
        ("isResolvableEx('six.example')", "true"),
        ("isResolvable('none.example')", "false"),
        ("dnsResolve(host)", "192.0.2.1"),
        ("dnsResolve('192.0.2.7')", "192.0.2.7"),
        ("dnsResolve('none.example')", "null"),
        ("dnsResolveEx(host)", "2001:db8::1;192.0.2.1"),
        ("'[' + dnsResolveEx('none.example') + ']'", "[]"),
        ("isInNet(host, '192.0.2.0', '255.255.255.0')", "true"),
        ("isInNet('192.0.3.1', '192.0.2.0', '255.255.254.0')", "true"),
        ("isInNet('192.0.4.1', '192.0.2.0', '255.255.254.0')", "false"),
        ("isInNet('none.example', '192.0.2.0', '0.0.0.0')", "false"),
        ("isInNet(dnsResolve('none.example'), '192.0.2.0', '0.0.0.0')", "false"),
        ("isInNet()", "false"),
        ("dnsResolve(null)", "null"),
        ("isInNet('192.0.2.1', '192.0.2.0', '255.255.255')", "false"),
        ("isInNet('010.001.000.001', '10.0.0.0', '255.0.0.0')", "true"),
        ("isInNetEx('2001:db8::1', '2001:db8::/32')", "true"),
        ("isInNetEx('2001:db9::1', '2001:db8::/32')", "false"),
        ("isInNetEx('192.0.2.1', '192.0.2.0/24')", "true"),
        ("isInNetEx('192.0.2.1', '0.0.0.0/0')", "true"),
        ("isInNetEx('192.0.2.1', '::/0')", "false"),
        ("isInNetEx('192.0.2.1', '192.0.2.0/33')", "false"),
        ("isInNetEx(host, '192.0.2.0/24')", "false"),
        ("myIpAddress()", "10.1.2.3"),
        ("myIpAddressEx()", "2001:db8::9;10.1.2.3"),
        ("dnsDomainLevels(host)", "2"),
        ("convert_addr('104.16.41.2')", "1745889538"),
        ("convert_addr('192.0.2.1')", "-1073741311"),
        ("convert_addr('x')", "0"),
        ("shExpMatch(host, '*.office.com')", "true"),
        ("shExpMatch(host, 'outlook.office.co?')", "true"),
        ("shExpMatch(host, '*.office')", "false"),
        ("shExpMatch(host, '*')", "true"),
        ("shExpMatch('', '?')", "false"),
        ("shExpMatch('a.b', 'a[.]b')", "false"),
        ("shExpMatch(url, 'https://*.office.com/*')", "true"),
        ("shExpMatch('aXbXc', 'a*b*c')", "true"),
        (
            "sortIpAddressList('192.0.2.1; 2001:db8::2;2001:db8::1;10.0.0.1')",
            "2001:db8::1;2001:db8::2;10.0.0.1;192.0.2.1",
        ),
        ("sortIpAddressList('x')", "null"),
        ("getClientVersion()", "1.0"),
        ("alert('x', 1)", "undefined"),
        ("weekdayRange('TUE')", "true"),
        ("dateRange(24, 'NOV', 2026, 25, 'NOV', 2026)", "true"),
        ("timeRange(0, 30, 0, 31)", "true"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn the_time_and_the_dice_are_given() {
    for (expression, expected) in [
        ("new Date().getTime()", "1795473015000"),
        ("Date.now()", "1795473015000"),
        ("new Date().getHours() + ':' + new Date().getMinutes()", "0:30"),
        ("new Date().getUTCHours()", "22"),
        ("new Date().getDay()", "2"),
        ("new Date().getTimezoneOffset()", "-120"),
        ("new Date(2026, 10, 24).toISOString()", "2026-11-23T22:00:00.000Z"),
        ("new Date('2026-11-24T00:00:00').toISOString()", "2026-11-23T22:00:00.000Z"),
        ("new Date('2026-11-24').toISOString()", "2026-11-24T00:00:00.000Z"),
        ("new Date(new Date(5)).getTime()", "5"),
        ("typeof Date()", "string"),
        ("new Date() instanceof Date", "true"),
        ("(function () { var d = new Date(0); d.setHours(5); return d.toISOString(); })()", "1970-01-01T03:00:00.000Z"),
        ("Math.random() == 0.5", "false"),
        ("typeof performance + typeof require + typeof std + typeof os + typeof fetch", &"undefined".repeat(5)),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
    assert_eq!(value("Math.random()"), value("Math.random()"));
}

const RULES: &str = "\
var proxies = ['PROXY a.example:8080', 'PROXY b.example:8080'];
function pick(host) {
    return proxies[host.length % 2];
}
function isOurs(host) {
    if (host == 'intranet') return true;
    return dnsDomainIs(host, '.contoso.example');
}
function FindProxyForURL(url, host) {
    if (isPlainHostName(host) || isOurs(host))
        return 'DIRECT';
    /* return 'PROXY comment:1'; */
    if (shExpMatch(host, '*.office.com') ||
        shExpMatch(host, '*.office365.com'))
    {
        // Near.
        if (isInNet(dnsResolve(host), '192.0.2.0', '255.255.255.0')) { return 'DIRECT'; }
    }
    [1, 2].forEach(function (n) { return pick(host); });
    var text = 'return \"PROXY string:1\"';
    return pick(host);
}";

#[test]
fn the_rule_that_decided_is_told() {
    let decide = |host: &str| {
        let decision = decide(RULES, host).unwrap();
        let rule = decision.rule.unwrap();
        (decision.result, rule.line, rule.text, decision.resolved)
    };
    let ours = "if (isPlainHostName(host) || isOurs(host)) return 'DIRECT'";
    assert_eq!(decide("www"), ("DIRECT".into(), 11, format!("{ours}; true: isPlainHostName(\"www\")"), vec![]));
    let helper = "true: dnsDomainIs(\"a.contoso.example\", \".contoso.example\")";
    assert_eq!(decide("a.contoso.example"), ("DIRECT".into(), 11, format!("{ours}; {helper}"), vec![]));
    assert_eq!(
        decide("outlook.office.com"),
        (
            "DIRECT".into(),
            17,
            "if (isInNet(dnsResolve(host), '192.0.2.0', '255.255.255.0')) return 'DIRECT'; \
             true: isInNet(\"192.0.2.1\", \"192.0.2.0\", \"255.255.255.0\")"
                .into(),
            vec!["outlook.office.com".into()]
        )
    );
    assert_eq!(
        decide("a.example"),
        ("PROXY b.example:8080".into(), 3, "return proxies[host.length % 2]".into(), vec![])
    );
}

#[test]
fn a_rule_is_told_only_where_both_agree() {
    // Tells the copy apart by the text of its own function.
    let script =
        "function FindProxyForURL(u, h) { return FindProxyForURL.toString().length > 120 ? 'DIRECT' : 'PROXY a:1'; }";
    let decision = decide(script, "a.example").unwrap();
    assert_eq!((decision.result.as_str(), decision.rule), ("PROXY a:1", None));
    // Ends without a return of its own.
    let script = "function g() { return 1 } function FindProxyForURL(u, h) { try { throw g() } catch (e) {} }";
    assert_eq!(decide(script, "a.example"), Err(PacError::NoResult));
    // A function by another name, and one that is called twice.
    let script = "const f = (u, h) => {\n return 'PROXY a:1' };\nFindProxyForURL = (u, h) => {\n  return f(u, h) }";
    let rule = decide(script, "a.example").unwrap().rule.unwrap();
    assert_eq!((rule.line, rule.text.as_str()), (2, "return 'PROXY a:1'"));
    // The last call of several, and one of which only a part is returned.
    let functions = "function a() { return 'A' }\nfunction b(x) {\n return x + 'B' }\nfunction c(x) { return b(a()) }";
    let script = format!("{functions}\nfunction FindProxyForURL(u, h) {{ if (a()) return c(a()) }}");
    assert_eq!(decide(&script, "a.example").unwrap().rule.unwrap().line, 3);
    let script = format!("{functions}\nfunction FindProxyForURL(u, h) {{ return b(a()) + a() }}");
    assert_eq!(decide(&script, "a.example").unwrap().rule.unwrap().line, 5);
}

#[test]
fn a_script_of_microsoft_alone_is_asked_too() {
    let script = "function FindProxyForURLEx(url, host) { return 'PROXY [2001:db8::3]:80'; }";
    assert_eq!(decide(script, "a.example").unwrap().result, "PROXY [2001:db8::3]:80");
}

#[test]
fn scripts_that_fail_say_why() {
    for (script, expected) in [
        ("", "no function FindProxyForURL"),
        ("var FindProxyForURL = 1;", "no function FindProxyForURL"),
        ("function FindProxyForURL(u, h) {", "the script failed:"),
        ("function FindProxyForURL(u, h) {\n\n return nothing; }", "nothing is not defined"),
        ("function FindProxyForURL(u, h) { throw 'up'; }", "it threw `up`"),
        ("function FindProxyForURL(u, h) { return 5; }", "did not return a string"),
        ("function FindProxyForURL(u, h) { return null; }", "did not return a string"),
        ("function FindProxyForURL(u, h) { return 'x'.repeat(5000); }", "did not return a string of at most"),
        ("while (true) {}", "longer than it may"),
        ("function FindProxyForURL(u, h) { for (;;) { try { for (;;) {} } catch (e) {} } }", "longer than it may"),
        ("function FindProxyForURL(u, h) { while (true) isInNet('1.2.3.4', '1.2.3.0', '255.0.0.0'); }", "longer than"),
        (
            "function FindProxyForURL(u, h) { for (;;) shExpMatch('a'.repeat(8000), '*a*a*a*a*b'); }",
            "longer than it may",
        ),
        ("function FindProxyForURL(u, h) { return /^(a+)+$/.test('a'.repeat(64) + 'b') }", "longer than it may"),
        ("function FindProxyForURL(u, h) { return FindProxyForURL(u, h) + 1; }", "call stack"),
        (
            "function FindProxyForURL(u, h) { var a = []; for (;;) a.push('x'.repeat(99999) + a.length); }",
            "out of memory",
        ),
        ("function FindProxyForURL(u, h) { return shExpMatch('a'.repeat(1e6), '*'); }", "the argument is too long"),
        ("function FindProxyForURL(u, h) { return eval('h') == h ? import('x').then : 'DIRECT'; }", "did not return"),
    ] {
        let error = decide(script, "a.example").unwrap_err().to_string();
        assert!(error.contains(expected), "{script}: {error}");
    }
    assert_eq!(load(&" ".repeat(SCRIPT_LIMIT + 1)).err(), Some(PacError::TooLong));
    let error = decide("function FindProxyForURL(u, h) {\n\n return nothing; }", "a.example").unwrap_err().to_string();
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn questions_are_counted_and_asked_once() {
    let world = Rc::new(Little::default());
    let script = "function FindProxyForURL(u, h) { dnsResolve(dnsResolve('none.example')); return 'DIRECT' }";
    let pac = Pac::load(script, world.clone(), moment()).unwrap();
    assert_eq!(pac.find(&HostName::parse("a.example").unwrap(), 443).unwrap().resolved, ["none.example"]);
    world.asked.borrow_mut().clear();
    let script = "function FindProxyForURL(u, h) {\n\
         for (var i = 0; i < 100; i++) { isResolvable('n' + i + '.example'); isResolvable('n0.example'); }\n\
         return 'DIRECT' }";
    let pac = Pac::load(script, world.clone(), moment()).unwrap();
    let decision = pac.find(&HostName::parse("a.example").unwrap(), 8443).unwrap();
    assert_eq!(decision.resolved.len(), super::NAMES_LIMIT);
    assert_eq!(world.asked.borrow().len(), 2 * super::NAMES_LIMIT);
}

#[test]
fn the_world_can_end_a_script() {
    struct Impatient(std::cell::Cell<u32>);
    impl World for Impatient {
        fn resolve(&self, _: &str) -> Vec<IpAddr> {
            Vec::new()
        }

        fn own_addresses(&self) -> Vec<IpAddr> {
            Vec::new()
        }

        fn may_go_on(&self) -> bool {
            self.0.set(self.0.get() + 1);
            self.0.get() < 3
        }
    }
    // Each operation costs what the count of jumps does not see.
    let script = "function FindProxyForURL(u, h) { var a = 'x'.repeat(1e3).split(''); for (;;) a.slice().reverse(); }";
    let world = Rc::new(Impatient(std::cell::Cell::new(0)));
    let pac = Pac::load(script, world.clone(), moment()).unwrap();
    assert_eq!(pac.find(&HostName::parse("a.example").unwrap(), 443), Err(PacError::TooMuchWork));
    assert_eq!(world.0.get(), 3);
}

/// What the engine works through without asking: each of these would take from half a minute to years.
#[test]
fn one_operation_cannot_take_long() {
    let texts = "var a = 'a'.repeat(1e6), b = 'a'.repeat(5e5) + 'b';";
    for body in [
        "a.indexOf(b)",
        "a.lastIndexOf('b' + b)",
        "a.includes(b)",
        "a.split(b)",
        "a.replace(b, '')",
        "a.replaceAll(b, '')",
        "a.replace({ toString: function () { return b } }, '')",
        "String.prototype.indexOf.call({ toString: function () { return a } }, b)",
        "(function () { for (;;) try { a.indexOf(b) } catch (e) {} })()",
        "(function () { for (;;) a.toLowerCase() })()",
        "(function () { for (;;) a.substring(1) })()",
        "(function () { for (;;) 'x'.padStart(1e6) })()",
        "new Array(4294967295).indexOf(1)",
        "new Array(4294967295).join('')",
        "new Array(4294967295).reverse()",
        "new Array(4294967295).forEach(String)",
        "String(new Array(4294967295))",
        "[].concat(new Array(4294967295))",
        "[new Array(4294967295)].flat()",
        "Array.prototype.includes.call({ length: Math.pow(2, 53) - 1 }, 1)",
        "Array.prototype.fill.call({ length: Math.pow(2, 53) - 1 }, 1)",
        "new Set(new Array(4294967295))",
        "new Map(new Array(4294967295).entries())",
        "Array.from(new Set(new Array(4294967295).keys()))",
        "[].values.call(new Array(4294967295)).drop(4294967295).next()",
        "(function () { for (var x of new Array(4294967295)); })()",
        "(function () { var a = [1]; for (var n = 0; n < 40; n++) a = [a, a]; for (;;) try { JSON.stringify(a) } catch (e) {} })()",
        "(function () { var a = [1]; for (var n = 0; n < 40; n++) a = [a, a]; return String(a) })()",
    ] {
        let script = format!("{texts} function FindProxyForURL(u, h) {{ return String({body}) }}");
        let started = std::time::Instant::now();
        let outcome = decide(&script, "a.example");
        assert_eq!(outcome, Err(PacError::TooMuchWork), "{body}");
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{body}: {:?}", started.elapsed());
    }
    let lying = "[].fill.call({ get length() { return Math.pow(2, 53) - 1 } }, 1)";
    assert!(value(lying).contains("this is not a list"));
}

#[test]
fn what_is_charged_for_does_what_it_did() {
    for (expression, expected) in [
        ("'a.b.c'.split('.').length + 'abcabc'.lastIndexOf('c') + 'abc'.indexOf('c', 1)", "10"),
        ("'a.b'.replace(/\\./g, '-') + 'aa'.replaceAll('a', function (x) { return x + 1 })", "a-ba1a1"),
        ("'y' + 'x'.padStart(3) + 'ab'.repeat(2) + 'A'.toLowerCase() + 'abc'.substr(1, 1)", "y  xababab"),
        ("[3, 1, 10].sort() + ';' + [3, 1, 10].sort(function (a, b) { return a - b })", "1,10,3;1,3,10"),
        (
            "[[1, 2, 1].indexOf(1, 1), [1, 2, 1].lastIndexOf(1), [1, 2, 1].lastIndexOf(1, -2), [NaN].indexOf(NaN)]",
            "2,2,0,-1",
        ),
        (
            "[[NaN].includes(NaN), ['a'].includes('a', -1), [1, [2, [3]]].flat().length, [1, 2].flatMap(String)]",
            "true,true,3,1,2",
        ),
        ("(function () { return Array.prototype.slice.call(arguments, 1) })(1, 2, 3)", "2,3"),
        (
            "[1, 2].concat([3], 4).map(function (n) { return n * 2 }).filter(function (n) { return n > 2 }).join('-')",
            "4-6-8",
        ),
        ("new Uint8Array([3, 1, 2]).sort().join()", "1,2,3"),
        ("[...new Set([1, 2, 1])].length + Math.max(...[3, 7]) + new Map([['a', 5]]).get('a')", "14"),
        ("JSON.stringify({ a: [1] }) + JSON.stringify(undefined) + [...'ab'].length", "{\"a\":[1]}undefined2"),
        ("String.prototype.indexOf.name + 'a,b'.split(',', 1)", "indexOfa"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn a_script_that_failed_once_can_be_asked_again() {
    let pac =
        load("var n = 0; function FindProxyForURL(u, h) { if (n++ == 0) for (;;) {} return 'PROXY a:1'; }").unwrap();
    let host = HostName::parse("a.example").unwrap();
    assert_eq!(pac.find(&host, 443), Err(PacError::TooMuchWork));
    assert_eq!(pac.find(&host, 443).unwrap().result, "PROXY a:1");
}

#[test]
fn large_tables_fit() {
    let table: Vec<String> = (0..25_000).map(|n| format!("'host{n}.department.contoso.example': 1")).collect();
    let script = format!(
        "var t = {{{}}}; function FindProxyForURL(u, h) {{ return t[h] ? 'DIRECT' : 'PROXY a:1'; }}",
        table.join(",")
    );
    assert!(script.len() > SCRIPT_LIMIT * 9 / 10, "{}", script.len());
    assert_eq!(decide(&script, "host24999.department.contoso.example").unwrap().result, "DIRECT");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn globs_match_as_a_slow_model_does(text in "[ab.]{0,8}", pattern in "[ab.*?]{0,8}") {
        fn model(text: &[u8], pattern: &[u8]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), _) => model(text, rest) || (!text.is_empty() && model(&text[1..], pattern)),
                (Some((b'?', rest)), Some((_, after))) => model(after, rest),
                (Some((p, rest)), Some((t, after))) => p == t && model(after, rest),
                _ => false,
            }
        }
        let expected = model(text.as_bytes(), pattern.as_bytes());
        prop_assert_eq!(value(&format!("shExpMatch('{text}', '{pattern}')")), expected.to_string());
    }

    /// Any text is a script or not, and the copy of a script answers what the script does.
    #[test]
    fn pieces_of_scripts_do_no_harm(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "return ", "if (h) ", "{", "}", "else ", "'a'", "\"", "`${", "`", "/", "//", "/*", "*/", "\n", ";", "(", ")",
                "function ", "f", "=> ", "switch (h) ", "case 1: ", "var x = ", "isPlainHostName(h)", "'PROXY a:1'",
            ]),
            0..24,
        )
    ) {
        let body = pieces.concat();
        let _ = decide(&body, "a.example");
        let script = format!("function FindProxyForURL(u, h) {{\n{body}\nreturn 'DIRECT'; }}");
        if let Ok(Decision { rule: Some(rule), .. }) = decide(&script, "a.example") {
            prop_assert!(rule.text.contains("return"));
            prop_assert!((rule.line as usize) <= script.lines().count());
        }
    }
}
