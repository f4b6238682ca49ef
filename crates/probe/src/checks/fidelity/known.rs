//! Tests whose response is known beforehand: ranges, a large download, content codings, caches and a sign-in.

use std::io::Read;

use aws_lc_rs::rand;
use flate2::read::{GzDecoder, ZlibDecoder};
use model::{Attempt, Difference, DifferenceKind, Failure, FailureKind, Operation, Way};
use wire::http::specimen;

use super::compare::{self, difference};
use super::line::{Ended, Line};
use super::reflected::LARGE;
use super::refusal;
use crate::exact::{BODY_LIMIT, Request, Response};

pub(super) struct Known {
    pub(super) name: &'static str,
    kind: Kind,
}

enum Kind {
    /// If-Range with the right validator, or with another one.
    Range {
        current: bool,
    },
    Download,
    /// What we accept, what we ask for in the query, and the coding that is due.
    Page {
        accept: &'static str,
        query: &'static str,
        coding: Option<&'static str>,
    },
    Cache {
        store: &'static str,
    },
    SignIn,
}

pub(super) const TESTS: &[Known] = &[
    known("large-download", Kind::Download),
    known("cookie-loop", Kind::SignIn),
    known("cache-public", Kind::Cache { store: "yes" }),
    known("cache-no-store", Kind::Cache { store: "no" }),
    known("range", Kind::Range { current: true }),
    known("range-outdated", Kind::Range { current: false }),
    known("coding-none", Kind::Page { accept: "identity", query: "coding=identity", coding: None }),
    known("coding-offered", Kind::Page { accept: "gzip, deflate", query: "coding=identity", coding: None }),
    known(
        "coding-no-transform",
        Kind::Page { accept: "gzip, deflate", query: "coding=identity&transform=no", coding: None },
    ),
    known("coding-gzip", Kind::Page { accept: "gzip, deflate", query: "coding=gzip", coding: Some("gzip") }),
];

/// Redirects followed before a sign-in counts as a loop. An intact path needs two; browsers give up at 20.
const REDIRECTS_LIMIT: usize = 6;

const fn known(name: &'static str, kind: Kind) -> Known {
    Known { name, kind }
}

pub(super) async fn run(test: &Known, line: &mut Line<'_>) -> Result<Vec<Difference>, Ended> {
    match test.kind {
        Kind::Range { current } => range(line, current).await,
        Kind::Download => download(line).await,
        Kind::Page { accept, query, coding } => page(line, accept, query, coding).await,
        Kind::Cache { store } => cache(line, store).await,
        Kind::SignIn => sign_in(line).await,
    }
}

/// RFC 9110 sections 13.1.5 and 14.
async fn range(line: &mut Line<'_>, current: bool) -> Result<Vec<Difference>, Ended> {
    const LENGTH: usize = 4096;
    const FIRST: usize = 1000;
    const LAST: usize = 1999;
    let tag = if current { format!("\"splitmix64-{LENGTH}\"") } else { "\"outdated\"".to_owned() };
    let request = Request::get(format!("/v1/bytes?length={LENGTH}"))
        .header("Range", format!("bytes={FIRST}-{LAST}"))
        .header("If-Range", tag);
    let response = line.exchange(&request, 0).await?;
    let (status, part, first, length) = match current {
        true => ("206", Some(format!("bytes {FIRST}-{LAST}/{LENGTH}")), FIRST, LAST + 1 - FIRST),
        false => ("200", None, 0, LENGTH),
    };
    if !matches!(response.status, 200 | 206) {
        return Ok(vec![refusal(&response, status)?]);
    }
    let way = Way::Response;
    let mut differences = Vec::new();
    let got = response.status.to_string();
    if got != status {
        // Both are answers of the far end: either Range or If-Range did not get there as it was.
        differences.push(difference(way, DifferenceKind::Changed, "status", Some(status), Some(&got)));
        return Ok(differences);
    }
    differences.extend(header(&response, "content-range", part.as_deref()));
    differences.extend(header(&response, "accept-ranges", Some("bytes")));
    differences.extend(header(&response, "etag", Some(&format!("\"splitmix64-{LENGTH}\""))));
    differences.extend(compare::body(way, &specimen::octets(first as u64, length), &response.body));
    Ok(differences)
}

async fn download(line: &mut Line<'_>) -> Result<Vec<Difference>, Ended> {
    let request = Request::get(format!("/v1/bytes?length={LARGE}"));
    let response = line.exchange(&request, LARGE as u64).await?;
    if response.status != 200 {
        return Ok(vec![refusal(&response, "200")?]);
    }
    let mut differences = Vec::new();
    differences.extend(header(&response, "content-type", Some("application/octet-stream")));
    differences.extend(header(&response, "content-encoding", None));
    differences.extend(header(&response, "cache-control", Some("no-store, no-transform")));
    differences.extend(compare::framing(Way::Response, "length", response.framing));
    differences.extend(compare::body(Way::Response, &specimen::octets(0, LARGE), &response.body));
    Ok(differences)
}

/// RFC 9110 section 8.4 and, for what may not be altered, section 7.7.
async fn page(line: &mut Line<'_>, accept: &str, query: &str, coding: Option<&str>) -> Result<Vec<Difference>, Ended> {
    let request = Request::get(format!("/v1/fidelity/page?{query}")).instead("Accept-Encoding", accept);
    let response = line.exchange(&request, specimen::PAGE.len() as u64).await?;
    if response.status != 200 {
        return Ok(vec![refusal(&response, "200")?]);
    }
    let sent = if coding.is_some() { specimen::PAGE_GZIP } else { specimen::PAGE.as_bytes() };
    let mut differences = Vec::new();
    let tag = if coding.is_some() { "\"page-gzip\"" } else { "\"page\"" };
    differences.extend(header(&response, "content-type", Some("text/html; charset=utf-8")));
    differences.extend(header(&response, "etag", Some(tag)));
    differences.extend(header(&response, "vary", Some("Accept-Encoding")));
    differences.extend(coded(coding, sent, &response));
    Ok(differences)
}

/// Whether the same page came in the same coding, the same in another one, or another page.
fn coded(coding: Option<&str>, sent: &[u8], response: &Response) -> Vec<Difference> {
    let way = Way::Response;
    let there = response.value("content-encoding");
    if there == coding && response.body == sent {
        return Vec::new();
    }
    let told =
        |coding: Option<&str>, octets: &[u8]| format!("{}, {} octets", coding.unwrap_or("identity"), octets.len());
    match decoded(there, &response.body) {
        Some(plain) if plain == specimen::PAGE.as_bytes() => {
            let (sent, arrived) = (told(coding, sent), told(there, &response.body));
            vec![difference(way, DifferenceKind::Recompressed, "body", Some(&sent), Some(&arrived))]
        }
        plain => {
            let mut differences = Vec::new();
            differences.extend(header(response, "content-encoding", coding));
            let arrived = plain.as_deref().unwrap_or(&response.body);
            differences.extend(compare::body(way, specimen::PAGE.as_bytes(), arrived));
            differences
        }
    }
}

/// The content without its coding; `None` where it is in one that was not offered, or broken. No more than a body may have.
fn decoded(coding: Option<&str>, octets: &[u8]) -> Option<Vec<u8>> {
    let limit = u64::try_from(BODY_LIMIT).ok()?;
    let mut plain = Vec::new();
    match coding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => plain.extend_from_slice(octets),
        Some("gzip" | "x-gzip") => {
            GzDecoder::new(octets).take(limit).read_to_end(&mut plain).ok()?;
        }
        Some("deflate") => {
            ZlibDecoder::new(octets).take(limit).read_to_end(&mut plain).ok()?;
        }
        Some(_) => return None,
    }
    Some(plain)
}

/// The same address twice: the far end never gives the same answer (RFC 9111).
async fn cache(line: &mut Line<'_>, store: &str) -> Result<Vec<Difference>, Ended> {
    // An address that nobody asked for before, so that only an answer to ourselves can be old.
    let request = Request::get(format!("/v1/fidelity/nonce?store={store}&id={}", random()?));
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let response = line.exchange(&request, 0).await?;
        let nonce = String::from_utf8_lossy(&response.body).into_owned();
        if response.status != 200 || nonce.len() != 32 || !nonce.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return Ok(vec![refusal(&response, "200")?]);
        }
        nonces.push(nonce);
    }
    let old = match nonces.as_slice() {
        [first, second] if first == second => Some(first),
        _ => None,
    };
    let cached = old.map(|old| {
        let sent = format!("a new answer, store={store}");
        difference(Way::Response, DifferenceKind::Cached, "body", Some(&sent), Some(old))
    });
    Ok(cached.into_iter().collect())
}

/// A sign-in as browsers walk through it: sent to the sign-in page, given a cookie, sent back, let in. Where the cookie is lost
/// on the way it never ends.
async fn sign_in(line: &mut Line<'_>) -> Result<Vec<Difference>, Ended> {
    let id = random()?;
    let (app, login) = (format!("/v1/fidelity/app?id={id}"), format!("/v1/fidelity/login?id={id}"));
    let due = format!("truepath-session={id}; Path=/v1/fidelity; Secure; HttpOnly; SameSite=Lax");
    let mut differences: Vec<Difference> = Vec::new();
    let mut tell = |found: Option<Difference>| {
        differences.extend(found.filter(|found| !differences.contains(found)).into_iter().collect::<Vec<_>>());
    };
    let mut cookie: Option<String> = None;
    let mut at = app.clone();
    for _ in 0..=REDIRECTS_LIMIT {
        let request = Request::get(at.clone());
        let request = match &cookie {
            Some(cookie) => request.header(if line.is_http2() { "cookie" } else { "Cookie" }, cookie.clone()),
            None => request,
        };
        let response = line.exchange(&request, 0).await?;
        if response.status == 200 && response.body == b"signed in\n" {
            return Ok(differences);
        }
        if response.status != 302 {
            tell(Some(refusal(&response, "302")?));
            return Ok(differences);
        }
        let (next, sets) = if at == app { (&login, None) } else { (&app, Some(due.as_str())) };
        let moved = header(&response, "location", Some(next));
        tell(header(&response, "set-cookie", sets));
        if let Some(set) = response.value("set-cookie") {
            cookie = set.split(';').next().map(|pair| pair.trim().to_owned());
        }
        if moved.is_some() {
            // Where this leads is not the far end's business, and not to be followed.
            tell(moved);
            return Ok(differences);
        }
        at.clone_from(next);
    }
    let arrived = format!("{REDIRECTS_LIMIT} redirects and no end");
    tell(Some(difference(Way::Request, DifferenceKind::Looped, "cookie", Some("2 redirects"), Some(&arrived))));
    Ok(differences)
}

/// One header of the response against what it must be; several of one name count as one list.
fn header(response: &Response, name: &str, due: Option<&str>) -> Option<Difference> {
    let values: Vec<&str> = response.values(name).collect();
    let arrived = (!values.is_empty()).then(|| values.join(", "));
    let kind = match (due, &arrived) {
        (due, arrived) if due == arrived.as_deref() => return None,
        (Some(_), None) => DifferenceKind::Removed,
        (None, _) => DifferenceKind::Added,
        (Some(_), Some(_)) => DifferenceKind::Changed,
    };
    Some(difference(Way::Response, kind, name, due, arrived.as_deref()))
}

fn random() -> Result<String, Ended> {
    let mut octets = [0; 16];
    rand::fill(&mut octets).map_err(|_| {
        Attempt::Failed(Failure {
            operation: Operation::Request,
            kind: FailureKind::Local,
            detail: "the system gives no random octets".to_owned(),
            after_ms: model::Milliseconds(0.0),
        })
    })?;
    Ok(hex::encode(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(coding: Option<&str>, body: &[u8]) -> Response {
        Response {
            version: "1.1",
            interim: Vec::new(),
            status: 200,
            headers: coding.map(|coding| ("Content-Encoding".to_owned(), coding.to_owned())).into_iter().collect(),
            framing: "length",
            body: body.to_vec(),
            broke: None,
            trailers: Vec::new(),
            took_ms: model::Milliseconds(0.0),
        }
    }

    #[test]
    fn another_coding_is_told_from_another_page() {
        use DifferenceKind::{Added, Changed, Recompressed};
        let page = specimen::PAGE.as_bytes();
        let altered = specimen::PAGE.replace("https://", "http://");
        for (coding, sent, arrived, expected) in [
            (None, page, response(None, page), vec![]),
            (None, page, response(Some("gzip"), specimen::PAGE_GZIP), vec![Recompressed]),
            (Some("gzip"), specimen::PAGE_GZIP, response(None, page), vec![Recompressed]),
            (None, page, response(None, altered.as_bytes()), vec![Changed]),
            (None, page, response(Some("br"), b"\x0b"), vec![Added, Changed]),
            (None, page, response(Some("gzip"), b"\x1f\x8b\x08broken"), vec![Added, Changed]),
        ] {
            let kinds: Vec<_> = coded(coding, sent, &arrived).iter().map(|difference| difference.kind).collect();
            assert_eq!(kinds, expected);
        }
    }
}
