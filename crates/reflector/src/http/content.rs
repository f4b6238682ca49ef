//! `/v1/content/...`: what scanners look for, and harmless content of the same length to hold it against.
//!
//! | path | answer |
//! |---|---|
//! | `eicar`, `eicar.zip` | the EICAR test file, and an archive of it |
//! | `harmless?length=N`, `harmless.zip` | text without meaning, and an archive of as much of it as the test file has |
//!
//! The test file is served nowhere else and to nobody who did not ask for this path.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use wire::http::specimen;

use super::body::Content;
use super::problem::Problem;
use super::query::number;
use super::route::text;

const MAX_LENGTH: u64 = 64 << 10;

pub(super) fn answer(path: &str, method: &Method, query: &str) -> Result<Response<Content>, Problem> {
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "there is nothing here");
    let archive = |name: &str, content: &[u8]| specimen::zip(name, content).ok_or_else(nothing);
    if method != Method::GET && path.starts_with("/v1/content/") {
        return Err(Problem::method_not_allowed("GET"));
    }
    let eicar = specimen::eicar();
    // Names of the same length, so that the archives have one too.
    let (octets, kind, disposition) = match path {
        "/v1/content/eicar" => (eicar, "application/octet-stream", "attachment; filename=\"eicar.com\""),
        "/v1/content/eicar.zip" => {
            (archive("eicar.com", &eicar)?, "application/zip", "attachment; filename=\"eicar.zip\"")
        }
        "/v1/content/harmless" => {
            let wrong = "length: a number of octets up to 65536 is needed";
            let default = u64::try_from(eicar.len()).unwrap_or_default();
            let length = number(query, "length", default, MAX_LENGTH, wrong)?;
            let octets = specimen::harmless(usize::try_from(length).unwrap_or_default());
            (octets, "application/octet-stream", "attachment; filename=\"plain.txt\"")
        }
        "/v1/content/harmless.zip" => {
            let content = specimen::harmless(eicar.len());
            (archive("plain.txt", &content)?, "application/zip", "attachment; filename=\"plain.zip\"")
        }
        _ => return Err(nothing()),
    };
    let mut response = text(StatusCode::OK, octets);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    Ok(response)
}
