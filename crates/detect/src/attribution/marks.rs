//! The table of products, and the marks that are seen in HTTP.

use model::{Attribution, Header, Transport};
use serde::Deserialize;

use super::{Kind, Signal};
use crate::text::quoted;
use crate::view::{Response, View};
use crate::{Knowledge, KnowledgeError};

/// One product and the marks by which it is told. The file's own comment explains the fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interceptor {
    pub vendor: String,
    pub product: String,
    pub without_decryption: Option<String>,
    pub class: String,
    #[serde(default)]
    pub issuer_cn: Vec<String>,
    #[serde(default)]
    pub issuer_cn_exact: Vec<String>,
    #[serde(default)]
    pub issuer_cn_with_o: Vec<String>,
    #[serde(default)]
    pub issuer_o: Vec<String>,
    #[serde(default)]
    pub root_sha1: Vec<String>,
    #[serde(default)]
    pub asn: Vec<u32>,
    #[serde(default)]
    pub headers: Vec<HeaderMark>,
    #[serde(default)]
    pub block_page: Vec<PageMark>,
    pub default_ca: String,
    pub confidence: String,
    pub bypass: Option<String>,
    pub sources: Vec<String>,
}

/// A header that a product adds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderMark {
    /// Without regard to case; a name that ends in `*` is a prefix.
    pub name: String,
    #[serde(default)]
    pub contains: String,
    pub direction: Direction,
    /// Shows that something parsed HTTP, and not which product.
    #[serde(default)]
    pub generic: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(unnameable_types, reason = "a column of the table; nobody outside has to name it")]
pub enum Direction {
    Request,
    Response,
    Both,
}

/// Words of a block page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageMark {
    /// "body", or the name of a header.
    pub at: String,
    pub contains: String,
}

/// The file as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marks {
    interceptor: Vec<Interceptor>,
}

impl Marks {
    pub(crate) fn parse(text: &str) -> Result<Vec<Interceptor>, KnowledgeError> {
        let table: Self = toml::from_str(text).map_err(|error| KnowledgeError::Interceptors(error.to_string()))?;
        for (index, row) in table.interceptor.iter().enumerate() {
            let wrong = |why| Err(KnowledgeError::Row { row: index + 1, product: row.product.clone(), why });
            let names =
                row.issuer_cn.iter().chain(&row.issuer_cn_exact).chain(&row.issuer_cn_with_o).chain(&row.issuer_o);
            let pages = row.block_page.iter().map(|mark| &mark.contains);
            let headers = row.headers.iter().map(|mark| &mark.name);
            if names.chain(pages).chain(headers).any(|mark| mark.trim().is_empty()) {
                return wrong("a mark is empty");
            }
            if !row.issuer_cn_with_o.is_empty() && row.issuer_o.is_empty() {
                return wrong("`issuer_cn_with_o` needs `issuer_o`");
            }
            if row.product.trim().is_empty() || row.vendor.trim().is_empty() {
                return wrong("a product and a vendor are needed");
            }
        }
        Ok(table.interceptor)
    }
}

impl Interceptor {
    /// The mark that a response header shows.
    pub(crate) fn response_header(&self, header: &Header) -> Option<&HeaderMark> {
        self.headers.iter().find(|mark| {
            matches!(mark.direction, Direction::Response | Direction::Both)
                && !mark.generic
                && mark.fits(&header.0, &header.1)
        })
    }

    /// The mark that a request header shows, as it arrived at the reflector.
    fn request_header(&self, name: &str, value: &str) -> Option<&HeaderMark> {
        self.headers.iter().find(|mark| {
            matches!(mark.direction, Direction::Request | Direction::Both) && !mark.generic && mark.fits(name, value)
        })
    }

    pub(crate) fn block_page_mark(&self, response: &Response<'_>) -> Option<&PageMark> {
        self.block_page.iter().find(|mark| {
            let contains = |text: &str| contains_ignoring_case(text, &mark.contains);
            if mark.at == "body" {
                response.body.is_some_and(contains)
            } else {
                response.header(&mark.at).any(contains)
            }
        })
    }

    /// What it is called where it may decrypt nothing.
    fn plain_name(&self) -> &str {
        self.without_decryption.as_deref().unwrap_or(&self.product)
    }

    /// "any" stands for whoever adds such a thing.
    pub(crate) fn is_a_product(&self) -> bool {
        self.vendor != "any"
    }
}

impl HeaderMark {
    fn fits(&self, name: &str, value: &str) -> bool {
        let named = match self.name.strip_suffix('*') {
            Some(prefix) => name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
            None => name.eq_ignore_ascii_case(&self.name),
        };
        named && contains_ignoring_case(value, &self.contains)
    }
}

pub(super) fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

const CONTENT: f64 = 0.9;

/// Product tokens in responses and in requests as they arrived, on connections that do not end at the service.
pub(super) fn signals(view: &View<'_>, knowledge: &Knowledge) -> Vec<Signal> {
    let mut signals = Vec::new();
    let own = &view.host.target.promises.own_headers;
    for interceptor in knowledge.interceptors().iter().filter(|interceptor| interceptor.is_a_product()) {
        let responses = view.responses().into_iter().chain(view.content_responses());
        for response in responses.filter(|response| view.can_be_altered(response.connection)) {
            let over_quic = view.connection(response.connection).is_some_and(|c| c.transport == Transport::Quic);
            let place = if over_quic { "response over QUIC" } else { "response" };
            let headers = response.headers.iter().filter(|h| !own.iter().any(|name| h.0.eq_ignore_ascii_case(name)));
            if let Some(header) = headers.into_iter().find(|header| interceptor.response_header(header).is_some()) {
                let because = format!("{place} header `{}: {}`", quoted(&header.0), quoted(&header.1));
                signals.push(Signal::of(interceptor, Kind::Content, CONTENT, because));
            }
            if let Some(mark) = interceptor.block_page_mark(&response) {
                let because = format!("{place} whose {} contains `{}`", mark.at, quoted(&mark.contains));
                signals.push(Signal::of(interceptor, Kind::Content, CONTENT, because));
            }
        }
        for reflection in view.reflections() {
            if view.is_whole(reflection.connection) || !reflection.signature_valid {
                continue;
            }
            let sent = &reflection.headers_sent;
            let added = reflection.answer.headers.iter().filter(|arrived| {
                !sent.iter().any(|sent| sent.0.eq_ignore_ascii_case(&arrived.0) && sent.1 == arrived.1)
            });
            for header in added {
                if interceptor.request_header(&header.0, &header.1).is_some() {
                    let because =
                        format!("request header `{}: {}` at the reflector", quoted(&header.0), quoted(&header.1));
                    signals.push(Signal::of(interceptor, Kind::Content, CONTENT, because));
                }
            }
        }
    }
    signals
}

/// The names of what was not seen to decrypt.
pub(super) fn name_plainly(who: &mut [Attribution], knowledge: &Knowledge) {
    for attribution in who {
        if let Some(interceptor) = knowledge.interceptor(&attribution.product) {
            attribution.product = interceptor.plain_name().to_owned();
        }
    }
}

/// A product that was seen to decrypt in one place and heard to answer in another is one product.
pub(crate) fn say_once(who: &mut Vec<Attribution>, knowledge: &Knowledge) {
    let decrypting: Vec<String> = who.iter().map(|attribution| attribution.product.clone()).collect();
    let known = |plain: &str| {
        let rows = decrypting.iter().filter_map(|product| knowledge.interceptor(product));
        rows.into_iter().any(|row| row.product != plain && row.plain_name() == plain)
    };
    who.retain(|attribution| !known(&attribution.product));
}

/// Who a proxy is by the Server and Via headers of its own answer, outside of any connection to the service.
pub(crate) fn of_headers(server: Option<&str>, via: Option<&str>, knowledge: &Knowledge) -> Vec<Attribution> {
    let headers = [("server", server), ("via", via)];
    let headers: Vec<Header> =
        headers.into_iter().filter_map(|(name, value)| Some(Header(name.to_owned(), value?.to_owned()))).collect();
    let products = knowledge.interceptors().iter().filter(|interceptor| interceptor.is_a_product());
    products
        .filter_map(|interceptor| {
            let header = headers.iter().find(|header| interceptor.response_header(header).is_some())?;
            Some(Attribution {
                product: interceptor.plain_name().to_owned(),
                vendor: interceptor.vendor.clone(),
                class: interceptor.class.clone(),
                confidence: CONTENT,
                because: vec![format!("its own answer carries `{}: {}`", quoted(&header.0), quoted(&header.1))],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_fit_by_name_and_token() {
        let mark = |name: &str, contains: &str| HeaderMark {
            name: name.to_owned(),
            contains: contains.to_owned(),
            direction: Direction::Both,
            generic: false,
        };
        assert!(mark("via", "(squid/").fits("Via", "1.1 gw (SQUID/5.7)"));
        assert!(!mark("via", "(squid/").fits("Via", "1.1 varnish"));
        assert!(mark("x-anyproxy-origin-*", "").fits("X-AnyProxy-Origin-Content-Length", "5"));
        assert!(!mark("x-anyproxy-origin-*", "").fits("x-any", ""));
    }
}
