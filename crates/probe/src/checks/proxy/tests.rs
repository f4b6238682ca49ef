use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Attempt, FailureKind, HostName, ProxyAnswer, ProxyDecision, ProxyFacts, ProxySetting, ProxySourceKind, Target,
    Timestamp,
};
use tokio::time::Instant;
use wire::pac::SCRIPT_LIMIT;
use wire::x509::{CtLogs, Roots};

use super::bypass::{Bypass, Style};
use super::script::From;
use super::{Deadlines, Source, decide};
use crate::checks::route::Turns;
use crate::failure::Stopwatch;
use crate::host::Context;
use crate::net::SystemNet;
use crate::proxy::Proxy;
use crate::settings::{ScriptWorker, Settings};
use crate::trust::Trust;

/// A peer that does the same to every connection, in threads that end with the test process.
fn peer(serve: impl Fn(TcpStream) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// The request up to its empty line, or what there was of it.
fn request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut octet = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap_or(0) == 1 {
        read.push(octet[0]);
    }
    String::from_utf8(read).unwrap()
}

pub(super) fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Clone + 'static) -> SocketAddr {
    peer(move |mut stream| {
        let asked = request(&mut stream);
        let _ = stream.write_all(&answer(&asked));
    })
}

pub(super) fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Later than anything that a test waits for.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

pub(super) fn context() -> Arc<Context> {
    let none = || Roots::from_der(Vec::<Vec<u8>>::new());
    let trust = Trust {
        public: none(),
        public_source: "none".to_owned(),
        system: Ok(none()),
        given: None,
        logs: CtLogs::builtin(),
        logs_source: "compiled in".to_owned(),
        public_issuers: Vec::new(),
    };
    let settings = Settings {
        checks: vec!["proxy"],
        timeout: Duration::from_secs(2),
        budget: Duration::from_secs(10),
        resolve: vec!["pac.contoso.example:80:127.0.0.1".parse().unwrap()],
        turn: None,
        life: None,
        call: None,
        pac: None,
        interface: None,
        script_worker: worker(),
        via: None,
        reflector: None,
        environment_proxies: BTreeMap::new(),
        tool: "test".to_owned(),
    };
    let started = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
    Arc::new(Context {
        net: Arc::new(SystemNet::new()),
        settings,
        trust: Arc::new(trust),
        started,
        watch: Stopwatch::start(),
        routes: Turns::new(&[]),
        openings: tokio::sync::Semaphore::new(64),
    })
}

/// This very program, told to run one test, which is the worker.
fn worker() -> ScriptWorker {
    let arguments = ["--exact", "checks::proxy::tests::evaluates_scripts", "--ignored", "--nocapture"];
    ScriptWorker {
        program: std::env::current_exe().unwrap(),
        arguments: arguments.into_iter().map(str::to_owned).collect(),
    }
}

#[test]
#[ignore = "a process that other tests start"]
fn evaluates_scripts() {
    let mut output = std::io::stdout();
    // What the test harness has written so far is a line of its own.
    output.write_all(b"\n").unwrap();
    crate::evaluate_script(std::io::stdin().lock(), output).unwrap();
}

fn targets(hosts: &[&str]) -> Vec<Target> {
    let target = |host: &&str| {
        let json = serde_json::json!({
            "host": host, "port": 443, "workload": "Test", "path": "/",
            "promises": {
                "trust": "public", "certificate_transparency": true, "http3": false, "alt_svc": false, "tls13": true,
                "http2": true, "hybrid_key_exchange": true, "websocket": null, "stream": null, "download": null,
            },
        });
        serde_json::from_value(json).unwrap()
    };
    hosts.iter().map(target).collect()
}

async fn facts(sources: Vec<Source>, hosts: &[&str]) -> ProxyFacts {
    facts_within(context(), sources, hosts).await
}

async fn facts_within(context: Arc<Context>, sources: Vec<Source>, hosts: &[&str]) -> ProxyFacts {
    let deadlines = Deadlines::of(&context);
    match decide(&context, sources, &targets(hosts), deadlines).await {
        Attempt::Seen(facts) => facts,
        other => panic!("{other:?}"),
    }
}

async fn from_script(url: &str) -> Source {
    Source::script(&context(), soon(), ProxySourceKind::Given, "script", url, From::Anywhere).await
}

/// Result, rule and line.
fn route(decision: &ProxyDecision) -> (&str, Option<&str>, Option<u32>) {
    let route = decision.outcome.seen().unwrap();
    (&route.result, route.rule.as_deref(), route.line)
}

fn answer<'a>(facts: &'a ProxyFacts, proxy: &str) -> &'a ProxyAnswer {
    facts.proxies.iter().find(|answer| answer.proxy == proxy).unwrap()
}

#[tokio::test]
async fn a_script_is_fetched_and_decides_for_every_host() {
    let proxy = answering(|asked| {
        assert!(asked.starts_with("CONNECT outlook.office.com:443 HTTP/1.1\r\n"), "{asked}");
        assert!(!asked.to_ascii_lowercase().contains("authorization"), "{asked}");
        b"HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/5.7\r\nVia: 1.1 gate\r\n\
          Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"a, b\", NTLM\r\n\r\n"
            .to_vec()
    });
    let script = format!(
        "function FindProxyForURL(url, host) {{\n\
         if (shExpMatch(host, '*.office.com'))\n  return 'DIRECT';\n\
         return 'PROXY {proxy}';\n}}"
    );
    let length = script.len() as u64;
    let server = answering(move |asked| {
        if asked.starts_with("GET /old.pac?token=secret ") {
            b"HTTP/1.1 302 Found\r\nLocation: /new.pac\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            assert!(asked.starts_with("GET /new.pac HTTP/1.1\r\n"), "{asked}");
            ok(script.as_bytes())
        }
    });
    let source = from_script(&format!("http://{server}/old.pac?token=secret")).await;
    let facts = facts(vec![source], &["outlook.office.com", "a.example"]).await;
    match facts.sources[0].setting.seen() {
        Some(ProxySetting::Script(script)) => {
            assert_eq!(script.url, format!("http://{server}/old.pac"));
            assert_eq!(script.length, length);
            assert_eq!(script.content_type.as_deref(), Some("application/x-ns-proxy-autoconfig"));
        }
        other => panic!("{other:?}"),
    }
    let [first, second] = &facts.decisions[..] else { panic!("{:?}", facts.decisions) };
    let rule = "if (shExpMatch(host, '*.office.com')) return 'DIRECT'; true: shExpMatch(\"outlook.office.com\", \"*.office.com\")";
    assert_eq!(route(first), ("DIRECT", Some(rule), Some(3)));
    let otherwise = format!("PROXY {proxy}");
    assert_eq!(route(second), (&*otherwise, Some(&*format!("return 'PROXY {proxy}'")), Some(4)));
    let asked = answer(&facts, &format!("http://{proxy}"));
    assert_eq!(asked.address, Some(proxy.ip()));
    let connect = asked.outcome.seen().unwrap();
    assert_eq!(connect.status, Some(407));
    assert_eq!(connect.schemes, ["Negotiate", "Basic", "NTLM"]);
    assert_eq!((connect.server.as_deref(), connect.via.as_deref()), (Some("squid/5.7"), Some("1.1 gate")));
}

#[tokio::test]
async fn scripts_from_files_and_by_names() {
    let file = std::env::temp_dir().join(format!("truepath-{}.pac", std::process::id()));
    std::fs::write(
        &file,
        "function FindProxyForURL(u, h) { return isResolvable(h) ? 'DIRECT' : 'SOCKS 127.0.0.1:1'; }",
    )
    .unwrap();
    let source = from_script(&format!("file://{}", file.display())).await;
    let facts = facts(vec![source], &["localhost", "no-such-name.invalid"]).await;
    std::fs::remove_file(&file).unwrap();
    let results: Vec<&str> = facts.decisions.iter().map(|decision| route(decision).0).collect();
    assert_eq!(results, ["DIRECT", "SOCKS 127.0.0.1:1"]);
    let resolved = &facts.decisions[0].outcome.seen().unwrap().resolved;
    assert_eq!(resolved.as_slice(), ["localhost"]);
    let failure = answer(&facts, "socks4://127.0.0.1:1").outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Refused);
}

async fn fetch_failure(url: &str) -> FailureKind {
    match from_script(url).await.facts.setting {
        Attempt::Failed(failure) => failure.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn scripts_that_cannot_be_had() {
    let of = |address: SocketAddr| format!("http://{address}/proxy.pac");
    let missing = answering(|_| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec());
    assert_eq!(fetch_failure(&of(missing)).await, FailureKind::Status(404));
    let large = answering(|_| ok(&vec![b' '; SCRIPT_LIMIT + 1]));
    assert_eq!(fetch_failure(&of(large)).await, FailureKind::TooLarge);
    let around = answering(|_| b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n".to_vec());
    assert_eq!(fetch_failure(&of(around)).await, FailureKind::Protocol);
    let closing = peer(drop);
    assert!(matches!(fetch_failure(&of(closing)).await, FailureKind::Closed | FailureKind::Reset));
    let silent = peer(|stream| {
        std::thread::sleep(Duration::from_secs(20));
        drop(stream);
    });
    assert_eq!(fetch_failure(&of(silent)).await, FailureKind::Timeout);
    let garbage = answering(|_| b"\x00\xff".repeat(50_000));
    assert_ne!(fetch_failure(&of(garbage)).await, FailureKind::Timeout);
    for url in ["ftp://a.example/x.pac", "x", "http://", "file:///no/such/file.pac", "file:///dev/zero"] {
        assert_eq!(fetch_failure(url).await, FailureKind::Local, "{url}");
    }
}

/// A browser would not take a script from it.
#[tokio::test]
async fn a_script_by_https_needs_a_trusted_certificate() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let server = peer(move |mut stream| {
        let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut tls = rustls::Stream::new(&mut tls, &mut stream);
        let mut read = [0; 2048];
        let _ = tls.read(&mut read);
        let _ = tls.write_all(&ok(b"function FindProxyForURL(u, h) { return 'DIRECT'; }"));
    });
    let url = format!("https://localhost:{}/proxy.pac", server.port());
    assert_eq!(fetch_failure(&url).await, FailureKind::Protocol);
    let mut given = Arc::into_inner(context()).unwrap();
    let trust = Trust {
        given: Some((Roots::from_der([key.cert.der()]), "test".to_owned())),
        system: Ok(Roots::from_der(Vec::<Vec<u8>>::new())),
        public: Roots::from_der(Vec::<Vec<u8>>::new()),
        public_source: "none".to_owned(),
        logs: CtLogs::builtin(),
        logs_source: "compiled in".to_owned(),
        public_issuers: Vec::new(),
    };
    given.trust = Arc::new(trust);
    given.started = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
    let source = Source::script(&given, soon(), ProxySourceKind::Given, "script", &url, From::Anywhere).await;
    assert!(source.facts.setting.seen().is_some(), "{:?}", source.facts);
}

#[tokio::test]
async fn a_script_that_fails_says_why_for_every_host() {
    for (script, kind) in [
        ("function FindProxyForURL(u, h) {", FailureKind::Protocol),
        ("function FindProxyForURL(u, h) { for (;;) {} }", FailureKind::TooLarge),
        ("function FindProxyForURL(u, h) { return 1 }", FailureKind::Protocol),
    ] {
        let server = answering(move |_| ok(script.as_bytes()));
        let facts = facts(vec![from_script(&format!("http://{server}/")).await], &["a.example", "b.example"]).await;
        let kinds: Vec<_> =
            facts.decisions.iter().map(|decision| decision.outcome.failure().unwrap().kind.clone()).collect();
        assert_eq!(kinds, [kind.clone(), kind], "{script}");
        assert!(facts.proxies.is_empty());
    }
}

#[tokio::test]
async fn fixed_proxies_and_what_goes_past_them() {
    // Chooses user name and password (RFC 1928 section 3).
    let socks = peer(|mut stream| {
        let mut greeting = [0; 5];
        let _ = stream.read_exact(&mut greeting);
        assert_eq!(greeting, [5, 3, 0, 1, 2]);
        let _ = stream.write_all(&[5, 2]);
    });
    let silent = peer(|stream| {
        std::thread::sleep(Duration::from_secs(20));
        drop(stream);
    });
    let fixed = |url: String| {
        let bypass = Bypass::new(Style::Names, ["office.com"]);
        Source::fixed(ProxySourceKind::Environment, "HTTPS_PROXY", Proxy::from_setting(&url).unwrap(), bypass)
    };
    let sources = vec![
        Source::without(ProxySourceKind::System, "GNOME", Attempt::Seen(ProxySetting::Direct)),
        fixed(format!("socks5://ann:secret@{socks}")),
        fixed(format!("http://{silent}")),
    ];
    let facts = facts(sources, &["outlook.office.com", "a.example"]).await;
    let decided: Vec<(usize, &str, Option<&str>)> =
        facts.decisions.iter().map(|decision| (decision.source, route(decision).0, route(decision).1)).collect();
    assert_eq!(
        decided,
        [
            (1, "DIRECT", Some("office.com")),
            (1, &*format!("SOCKS5 {socks}"), None),
            (2, "DIRECT", Some("office.com")),
            (2, &*format!("PROXY {silent}"), None),
        ]
    );
    let connect = answer(&facts, &format!("socks5://{socks}")).outcome.seen().unwrap();
    assert_eq!((connect.status, connect.schemes.as_slice()), (None, &["Username/Password".to_owned()][..]));
    let failure = answer(&facts, &format!("http://{silent}")).outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(!serde_json::to_string(&facts).unwrap().contains("secret"));
}

/// Each of these is at one operation for longer than anybody waits, or at very many without a jump between them.
#[tokio::test]
async fn no_script_outlives_its_deadline() {
    let statements = "a==b;".repeat(60_000);
    let bodies = [
        "var a = 3n ** 320000n, b; for (;;) b = a * a;".to_owned(),
        "var a = 10n ** 300000n; for (;;) a.toString();".to_owned(),
        // Two texts of a gigabyte, in pieces that take no memory.
        "var a = 'x'.repeat(9000), b = 'x'.repeat(9000); while (a.length < 5e8) { a += a; b += b } \
         for (;;) { a == b; a == b; a == b; a == b; a == b; a == b; a == b; a == b; }"
            .to_owned(),
        format!("var a = 'x'.repeat(1e6) + 1, b = 'x'.repeat(1e6) + 1; for (;;) {{ {statements} }}"),
        "var o = {}, a = 'x'.repeat(4e6); for (;;) { o[a + 1]; o[a + 2]; o[a + 3]; o[a + 4]; o[a + 5]; o[a + 6]; }"
            .to_owned(),
        "var c = '(' + ';'.repeat(1e6); for (;;) { try { eval(c) } catch (e) {} }".to_owned(),
        "var o = {}; for (var n = 0; n < 90000; n++) o[n + 'x'] = n; for (;;) for (var k in o) break;".to_owned(),
    ];
    let mut sources = Vec::new();
    for body in &bodies {
        let script = format!("function FindProxyForURL(u, h) {{ {body} }}");
        let server = answering(move |_| ok(script.as_bytes()));
        sources.push(from_script(&format!("http://{server}/")).await);
    }
    let mut context = Arc::into_inner(context()).unwrap();
    context.settings.budget = Duration::from_secs(6);
    context.watch = Stopwatch::start();
    let watch = Stopwatch::start();
    let facts = facts_within(Arc::new(context), sources, &["a.example", "b.example"]).await;
    assert!(watch.elapsed() < Duration::from_millis(5_500), "{:?}", watch.elapsed());
    assert_eq!(facts.decisions.len(), 2 * bodies.len());
    for decision in &facts.decisions {
        let kind = &decision.outcome.failure().unwrap().kind;
        assert!(matches!(kind, FailureKind::Timeout | FailureKind::TooLarge), "{decision:?}");
    }
}

/// A worker that nobody ends, and that is at an operation without end, ends itself.
#[test]
fn a_worker_that_is_left_behind_ends() {
    let ScriptWorker { program, arguments } = worker();
    let mut child = std::process::Command::new(program);
    let mut child =
        child.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let script = "function FindProxyForURL(u, h) { var a = 3n ** 320000n; for (;;) { a * a; a * a } }";
    let question = serde_json::json!({
        "script": script, "hosts": [["a.example", 443]], "now": "2026-11-23T22:30:15Z", "offset_seconds": 0, "own": [],
        "milliseconds": 300,
    });
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{question}\n").as_bytes()).unwrap();
    let watch = Stopwatch::start();
    child.wait().unwrap();
    let took = watch.elapsed();
    assert!(took > Duration::from_millis(250) && took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_worker_that_cannot_be_started_and_one_that_says_nonsense() {
    for (program, arguments) in [("/no/such/program", &[][..]), ("echo", &["{}"]), ("yes", &[]), ("false", &[])] {
        let mut context = Arc::into_inner(context()).unwrap();
        let arguments = arguments.iter().map(|argument: &&str| (*argument).to_owned()).collect();
        context.settings.script_worker = ScriptWorker { program: program.into(), arguments };
        let server = answering(|_| ok(b"function FindProxyForURL(u, h) { return 'DIRECT'; }"));
        let source = from_script(&format!("http://{server}/")).await;
        let facts = facts_within(Arc::new(context), vec![source], &["a.example"]).await;
        assert_eq!(facts.decisions[0].outcome.failure().unwrap().kind, FailureKind::Local, "{program}");
    }
}

/// What is fixed is kept beside a script that does not come.
#[tokio::test]
async fn a_script_that_does_not_come_costs_its_own_place_alone() {
    let silent = peer(|stream| {
        std::thread::sleep(Duration::from_secs(20));
        drop(stream);
    });
    let mut context = Arc::into_inner(context()).unwrap();
    context.settings.timeout = Duration::from_secs(60);
    context.settings.budget = Duration::from_millis(2_500);
    context.watch = Stopwatch::start();
    let deadlines = Deadlines::of(&context);
    let fixed = Source::fixed(
        ProxySourceKind::System,
        "KDE",
        Proxy::from_setting("http://127.0.0.1:1").unwrap(),
        Bypass::new(Style::Names, []),
    );
    let url = format!("http://{silent}/");
    let script = Source::script(&context, deadlines.fetches, ProxySourceKind::System, "GNOME", &url, From::Anywhere);
    let both = async { vec![script.await, fixed] };
    let found = deadlines.found(ProxySourceKind::System, "system", both).await;
    let [slow, fixed] = &found[..] else { panic!("{} sources", found.len()) };
    assert!(matches!(&slow.facts.setting, Attempt::Failed(failure) if failure.kind == FailureKind::Timeout));
    assert!(fixed.rule.is_some());
}

/// A hostile script costs its own decisions, and no others.
#[tokio::test]
async fn one_script_without_end_spoils_no_other_source() {
    // Takes more than the time there is, in steps that are each charged as little as can be.
    let endless = "function FindProxyForURL(u, h) { for (;;) { var a = new Array(60000).fill(1); a.slice(); } }";
    let slow = answering(move |_| ok(endless.as_bytes()));
    let quick = answering(|_| ok(b"function FindProxyForURL(u, h) { return 'DIRECT'; }"));
    let named = answering(|_| ok(b"function FindProxyForURL(u, h) { isResolvable('slow.example'); return 'DIRECT'; }"));
    let mut context = Arc::into_inner(context()).unwrap();
    context.settings.budget = Duration::from_secs(3);
    context.watch = Stopwatch::start();
    let fixed = Source::fixed(
        ProxySourceKind::Environment,
        "HTTPS_PROXY",
        Proxy::from_setting("http://127.0.0.1:1").unwrap(),
        Bypass::new(Style::Names, []),
    );
    let sources = vec![
        from_script(&format!("http://{slow}/")).await,
        from_script(&format!("http://{quick}/")).await,
        fixed,
        from_script(&format!("http://{named}/")).await,
    ];
    let hosts: Vec<String> = (0..100).map(|n| format!("h{n}.localhost")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let watch = Stopwatch::start();
    let facts = facts_within(Arc::new(context), sources, &hosts).await;
    assert!(watch.elapsed() < Duration::from_millis(2_800), "{:?}", watch.elapsed());
    let of = |source: usize| facts.decisions.iter().filter(move |decision| decision.source == source);
    assert_eq!((of(0).count(), of(1).count(), of(2).count()), (100, 100, 100));
    assert_eq!(of(0).next_back().unwrap().outcome.failure().unwrap().kind, FailureKind::Timeout);
    assert!(of(1).chain(of(2)).all(|decision| decision.outcome.seen().is_some()));
}

#[tokio::test]
async fn passwords_of_a_result_are_not_recorded() {
    let script = "function FindProxyForURL(u, h) { return 'PROXY ann:secret@127.0.0.1:1; DIRECT'; }";
    let server = answering(move |_| ok(script.as_bytes()));
    let facts = facts(vec![from_script(&format!("http://{server}/")).await], &["a.example"]).await;
    assert_eq!(route(&facts.decisions[0]).0, "PROXY 127.0.0.1:1; DIRECT");
    assert!(!serde_json::to_string(&facts).unwrap().contains("secret"));
}

#[test]
fn the_environment_is_always_a_source() {
    let sources = super::environment::sources(&BTreeMap::new());
    assert_eq!(sources[0].facts.name, "HTTPS_PROXY");
    assert!(HostName::parse("a.example").is_ok());
}
