//! Tests whose far end tells what arrived: methods, paths, headers, cookies, bodies and trailers.

use std::time::Duration;

use bytes::Bytes;
use model::{Attempt, Difference, DifferenceKind, Way};
use wire::http::specimen;

use super::compare::{self, difference};
use super::line::{Ended, Line};
use super::refusal;
use crate::exact::{Request, Response};

/// Beyond what devices hold in memory or in their first buffer, and not more than a slow line carries in seconds.
pub(super) const LARGE: usize = 256 << 10;
/// A few pieces of uneven length.
const SMALL: usize = 1000;
const PIECE: usize = 300;

/// A name, the path to ask, and what is sent there. `None` where the test is for HTTP/1.1 alone.
pub(super) struct Reflected {
    pub(super) name: &'static str,
    path: &'static str,
    request: fn(String, &Line<'_>) -> Option<Request>,
}

pub(super) const TESTS: &[Reflected] = &[
    test("large-upload", PLAIN, |path, _| Some(Request::new("POST", path).body(specimen::octets(0, LARGE)))),
    test("continue", PLAIN, |path, line| {
        let mut request = Request::new("POST", path).header("Expect", "100-continue").body(specimen::octets(0, SMALL));
        if let Some(body) = &mut request.body {
            body.after_continue = Some(PATIENCE);
        }
        (!line.is_http2()).then_some(request)
    }),
    test("headers", PLAIN, |path, _| Some(headers(path))),
    test("header-names", PLAIN, |path, _| {
        let request = Request::get(path).header("x_truepath_underscore", "kept");
        Some(request.header("x-truepath-!#$%&'*+.^`|~", "kept").header("9-truepath", "kept"))
    }),
    test("header-values", PLAIN, |path, _| {
        let request = Request::get(path)
            .header("x-truepath-empty", "")
            .header("x-truepath-quoted", r#""a, b"; c="d\"e""#)
            .header("x-truepath-tab", "a\tb")
            .header("x-truepath-spaces", "a   b")
            .header("x-truepath-octets", "caf\u{e9} \u{1f512}");
        Some(request.header("x-truepath-long", "l".repeat(4096)))
    }),
    test("header-order", PLAIN, |path, line| {
        let mut request = Request::get(path);
        // Neither sorted nor in the order of any browser.
        for (name, value) in [("X-Twice", "1"), ("X-TWICE", "2"), ("b-truepath", "1"), ("A-Truepath", "1")] {
            request = request.header(name, value);
        }
        // Over HTTP/2 the far end has fields of one name side by side, so there this would show nothing.
        if !line.is_http2() {
            request = request.header("x-twice", "3");
        }
        request.headers.rotate_left(2);
        Some(request)
    }),
    test("cookies", PLAIN, |path, _| {
        let long = "c".repeat(3000);
        let cookies =
            format!("truepath-a=1; truepath-b=\"x y\"; truepath.c=a%2Bb=; __Host-truepath=2; truepath-long={long}");
        Some(Request::get(path).header("Cookie", cookies))
    }),
    test("path", PLAIN, |path, _| {
        let long = "q".repeat(1500);
        Some(Request::get(format!(
            "{path}&slashes=a//b/../c&coded=%2F%2f%20%7E+&marks=~!$'()*,;:@/?&=&empty=&url=https%3A%2F%2Fa.example%2F&long={long}"
        )))
    }),
    test("response-headers", "/v1/fidelity/headers", |path, _| Some(Request::get(path))),
    test("chunked", "/v1/fidelity/chunked", |path, _| Some(in_pieces(Request::new("POST", path)))),
    test("trailers", "/v1/fidelity/trailers", |path, line| {
        let request = Request::new("POST", path).header("TE", "trailers");
        // TE is for the next hop, and must be named as such (RFC 9110 section 10.1.4). HTTP/2 knows that without.
        let request = if line.is_http2() { request } else { request.header("Connection", "TE") };
        let mut request = in_pieces(request.header("Trailer", TRAILER));
        if let Some(body) = &mut request.body {
            body.trailers.push((TRAILER.to_owned(), "arrived".to_owned()));
        }
        Some(request)
    }),
    test("method-put", PLAIN, |path, _| Some(with_text(Request::new("PUT", path)))),
    test("method-patch", PLAIN, |path, _| Some(with_text(Request::new("PATCH", path)))),
    test("method-delete", PLAIN, |path, _| Some(Request::new("DELETE", path))),
    test("method-options", PLAIN, |path, _| Some(Request::new("OPTIONS", path))),
    test("method-propfind", PLAIN, |path, _| Some(with_text(Request::new("PROPFIND", path).header("Depth", "0")))),
    test("method-report", PLAIN, |path, _| Some(with_text(Request::new("REPORT", path).header("Depth", "0")))),
    // A method is extensible (RFC 9110 section 16.1); nobody knows this one.
    test("method-unknown", PLAIN, |path, _| Some(Request::new("TRUEPATH", path))),
];

const PLAIN: &str = "/v1/reflect";
const TRAILER: &str = "x-truepath-trailer";
/// How long the body waits for the interim response: several round trips of a very long way.
const PATIENCE: Duration = Duration::from_secs(2);

const fn test(name: &'static str, path: &'static str, request: fn(String, &Line<'_>) -> Option<Request>) -> Reflected {
    Reflected { name, path, request }
}

/// What a browser sends along, as far as it is not about itself.
fn headers(path: String) -> Request {
    Request::get(path)
        .header("Accept-Language", "en-GB,en;q=0.9")
        .header("Referer", "https://outlook.office.com/mail/")
        .header("Origin", "https://outlook.office.com")
        .header("Authorization", "Bearer truepath-test-of-the-path")
        .header("Upgrade-Insecure-Requests", "1")
        .header("DNT", "1")
        .header("Sec-Fetch-Mode", "cors")
        .header("X-MS-Client-Request-Id", "6e0a2f4c-0000-4000-8000-000000000000")
        .header("x-TruePath-MiXeD-cAsE", "kept")
        .header("If-None-Match", "\"truepath\"")
}

fn with_text(request: Request) -> Request {
    let text = Bytes::from_static(b"<?xml version=\"1.0\"?><truepath/>");
    request.header("Content-Type", "application/xml").body(text)
}

fn in_pieces(request: Request) -> Request {
    let mut request = request.body(specimen::octets(0, SMALL));
    if let Some(body) = &mut request.body {
        body.piece = Some(PIECE);
    }
    request
}

pub(super) async fn run(test: &Reflected, line: &mut Line<'_>) -> Result<(Vec<Difference>, Option<bool>), Ended> {
    let question = line.question()?;
    let path = format!("{}?{}", test.path, question.brief_query());
    let Some(mut request) = (test.request)(path, line) else {
        return Err(Attempt::not_applicable("HTTP/2 has another way to wait for the far end"));
    };
    if line.is_http2() {
        request = request.lower_case();
    }
    let response = line.exchange(&request, 0).await?;
    let read = question.read(&response.body, line.key);
    let Some((answer, valid)) = read.filter(|_| response.status == 200) else {
        return Ok((vec![refusal(&response, "200")?], None));
    };
    let mut differences = compare::request(&request, &line.authority(), line.version(), &answer);
    let in_pieces = test.path.ends_with("chunked") || test.path.ends_with("trailers");
    let framing = if in_pieces { "chunked" } else { "length" };
    differences.extend(compare::response(&answer, framing, &response));
    let due = if test.path.ends_with("trailers") {
        vec![(TRAILER.to_owned(), answer.challenge.to_string())]
    } else {
        Vec::new()
    };
    differences.extend(compare::trailers(Way::Response, &due, &response.trailers));
    differences.extend(interim(&request, &response));
    Ok((differences, Some(valid)))
}

/// Whether the interim response came before the body left.
fn interim(request: &Request, response: &Response) -> Option<Difference> {
    let waits = request.body.as_ref().is_some_and(|body| body.after_continue.is_some());
    let came = response.interim.contains(&100);
    (waits && !came).then(|| difference(Way::Response, DifferenceKind::Removed, "100-continue", Some("100"), None))
}
