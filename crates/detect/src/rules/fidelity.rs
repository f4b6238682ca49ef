//! What the `fidelity` check saw, sorted into what a person would call each difference. The check names its tests as it
//! likes; what a difference means is read from the difference first, and from the test's name only where an answer that
//! the far end did not give says nothing but that there was one.

use model::{Attempt, Confidence, Difference, DifferenceKind, Failure, FailureKind, FidelityTest, Operation, Way};

use crate::rules::Sign;
use crate::rules::tampering::{self, Found};
use crate::text::quoted;
use crate::view::View;

/// What a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    MethodRefused,
    UploadRefused,
    HeaderAdded,
    HeaderRemoved,
    HeaderAltered,
    HeaderOrder,
    BodyAltered,
    Recompressed,
    CachedAnswer,
    CookieLost,
    RangeLost,
    TrailersLost,
    HttpTranslated,
}

/// At most one sign against the path and one that explains why nothing is held against it. Where the connection ends at
/// the far end itself nothing on the path can have done it, so it is our own far end or a program on this machine that
/// stands before the network.
pub(super) fn signs(view: &View<'_>, wanted: Sort) -> Vec<Sign> {
    let mut altered = Found::default();
    let mut whole = Found::default();
    for (version, tests) in versions(view) {
        for test in tests {
            let found = if view.can_be_altered(test.connection) {
                &mut altered
            } else if view.is_whole(test.connection) {
                &mut whole
            } else {
                continue;
            };
            add(found, version, test, tests, wanted);
        }
    }
    tampering::signs(altered, whole, "")
}

/// `tests` are all those over the same version of HTTP.
fn add(found: &mut Found, version: &str, test: &FidelityTest, tests: &[FidelityTest], wanted: Sort) {
    let mut texts: Vec<(String, Confidence)> = match &test.outcome {
        Attempt::Seen(differences) => {
            let of_sort = differences.iter().filter(|difference| sort(test, difference) == wanted);
            let told = of_sort.filter(|difference| confidence(test, difference).is_some());
            let (spelling, others): (Vec<&Difference>, Vec<&Difference>) =
                told.partition(|difference| difference.kind == DifferenceKind::Recased);
            let spelling = [Way::Request, Way::Response].into_iter().filter_map(|way| recased(way, &spelling));
            let others = others
                .into_iter()
                .filter_map(|difference| Some((words(test, difference), confidence(test, difference)?)));
            others.chain(spelling.map(|text| (text, Confidence::Strong))).collect()
        }
        Attempt::Failed(failure) => broken(test, failure)
            .filter(|sort| *sort == wanted && !shares_its_fate(test, tests))
            .map(|sort| (unanswered(test, sort, failure), Confidence::Weak))
            .into_iter()
            .collect(),
        Attempt::NotTried(_) | Attempt::NotApplicable(_) => Vec::new(),
    };
    for (text, confidence) in texts.drain(..) {
        found.add(format!("{text} ({version})"), Some(test.connection), confidence);
    }
}

fn versions<'a>(view: &View<'a>) -> impl Iterator<Item = (&'static str, &'a [FidelityTest])> {
    let fidelity = view.host.fidelity.seen();
    let versions = fidelity.into_iter().flat_map(|f| [("HTTP/1.1", &f.http1), ("HTTP/2", &f.http2)]);
    versions.filter_map(|(version, tests)| Some((version, tests.seen()?.as_slice())))
}

/// The response's octets are known beforehand. What arrived at the far end is its own word, which counts where the pinned
/// key signed it; a test that needs no word is told by the response alone.
fn confidence(test: &FidelityTest, difference: &Difference) -> Option<Confidence> {
    match (difference.way, test.signature_valid) {
        (Way::Response, _) | (Way::Request, Some(true)) => Some(Confidence::Proven),
        (Way::Request, None) => Some(Confidence::Strong),
        (Way::Request, Some(false)) => None,
    }
}

fn sort(test: &FidelityTest, difference: &Difference) -> Sort {
    let what = difference.what.to_ascii_lowercase();
    match difference.kind {
        DifferenceKind::Cached => return Sort::CachedAnswer,
        DifferenceKind::Looped => return Sort::CookieLost,
        // What a request asks for is one thing, what content came in is another: many a filter takes away the codings that
        // it cannot read, and none of those compresses anything.
        DifferenceKind::Recompressed if what == "accept-encoding" => return Sort::HeaderAltered,
        DifferenceKind::Recompressed => return Sort::Recompressed,
        DifferenceKind::Translated => return Sort::HttpTranslated,
        DifferenceKind::Reordered => return Sort::HeaderOrder,
        DifferenceKind::Recased => return Sort::HeaderAltered,
        DifferenceKind::Refused => return subject(&test.name),
        DifferenceKind::Added | DifferenceKind::Removed | DifferenceKind::Changed => {}
    }
    match what.as_str() {
        "method" => Sort::MethodRefused,
        "path" => Sort::HeaderAltered,
        "version" | "transfer-encoding" | "content-length" | "framing" => Sort::HttpTranslated,
        "body" | "length" => Sort::BodyAltered,
        "trailers" | "trailer" => Sort::TrailersLost,
        "cookie" | "set-cookie" => Sort::CookieLost,
        "range" | "if-range" | "content-range" | "accept-ranges" => Sort::RangeLost,
        "content-encoding" => Sort::Recompressed,
        "status" => match subject(&test.name) {
            sort @ (Sort::RangeLost | Sort::CookieLost | Sort::TrailersLost | Sort::UploadRefused) => sort,
            _ if test.name.starts_with("method") => Sort::MethodRefused,
            _ => Sort::HeaderAltered,
        },
        _ if test.name.contains("trailer") && difference.kind != DifferenceKind::Added => Sort::TrailersLost,
        _ => match difference.kind {
            DifferenceKind::Added => Sort::HeaderAdded,
            DifferenceKind::Removed => Sort::HeaderRemoved,
            _ => Sort::HeaderAltered,
        },
    }
}

/// What a test is about, by its name.
fn subject(name: &str) -> Sort {
    let about = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if about(&["range"]) {
        Sort::RangeLost
    } else if about(&["trailer"]) {
        Sort::TrailersLost
    } else if about(&["cookie", "redirect", "login"]) {
        Sort::CookieLost
    } else if about(&["upload", "chunked", "continue", "large", "body"]) {
        Sort::UploadRefused
    } else {
        Sort::MethodRefused
    }
}

/// A connection that was ended over one request: only methods and uploads are read so, because they are what filters look at,
/// and trailers, which some proxies do not expect (mitmproxy 8.1.1 leaves such a request over HTTP/1.1 without an answer).
fn broken(test: &FidelityTest, failure: &Failure) -> Option<Sort> {
    is_broken_off(failure).then(|| filtered(&test.name)).flatten()
}

fn is_broken_off(failure: &Failure) -> bool {
    let asked = matches!(failure.operation, Operation::Request | Operation::Body);
    asked && matches!(failure.kind, FailureKind::Reset | FailureKind::Closed | FailureKind::Timeout)
}

fn filtered(name: &str) -> Option<Sort> {
    match subject(name) {
        Sort::MethodRefused if name.starts_with("method") => Some(Sort::MethodRefused),
        sort @ (Sort::UploadRefused | Sort::TrailersLost) => Some(sort),
        _ => None,
    }
}

/// What befell the connection or this version of HTTP as a whole, and not this request. Requests that share one connection over
/// HTTP/2 end together where it is reset or closed (RFC 9113 section 5.4.1), whichever of them was the reason. One that got no
/// answer counts beside a plain one that did, and while most did.
fn shares_its_fate(test: &FidelityTest, tests: &[FidelityTest]) -> bool {
    let broken_off = |test: &&FidelityTest| test.outcome.failure().is_some_and(is_broken_off);
    let by_timeout = |test: &FidelityTest| test.outcome.failure().is_some_and(|f| f.kind == FailureKind::Timeout);
    let together = tests.iter().filter(broken_off).filter(|other| other.connection == test.connection);
    let ended_together = !by_timeout(test) && together.filter(|other| !by_timeout(other)).count() > 1;
    let plain_passed = tests.iter().any(|other| filtered(&other.name).is_none() && other.outcome.seen().is_some());
    let passed = tests.iter().filter(|other| other.outcome.seen().is_some()).count();
    ended_together || !plain_passed || passed <= tests.iter().filter(broken_off).count()
}

fn ended(kind: &FailureKind) -> &'static str {
    match kind {
        FailureKind::Reset => "reset",
        FailureKind::Timeout => "left without an answer",
        _ => "closed without an answer",
    }
}

fn unanswered(test: &FidelityTest, sort: Sort, failure: &Failure) -> String {
    let ended = ended(&failure.kind);
    match sort {
        Sort::TrailersLost => format!("a request with trailers was {ended}, and others were not"),
        _ => format!("{} was {ended}", spoken(test)),
    }
}

/// "the test `method-patch`".
fn spoken(test: &FidelityTest) -> String {
    format!("the test `{}`", quoted(&test.name))
}

fn words(test: &FidelityTest, difference: &Difference) -> String {
    let what = quoted(&difference.what);
    let sent = difference.sent.as_deref().map(quoted);
    let arrived = difference.arrived.as_deref().map(quoted);
    let message = message(difference.way);
    let field = |value: &Option<String>| match value {
        Some(value) => format!("`{what}: {value}`"),
        None => format!("`{what}`"),
    };
    match difference.kind {
        DifferenceKind::Added => format!("{} was added to the {message}", field(&arrived)),
        DifferenceKind::Removed => format!("{} was taken out of the {message}", field(&sent)),
        DifferenceKind::Recompressed if sent.is_none() || arrived.is_none() => {
            format!("`{what}` of the {message} came in another coding")
        }
        DifferenceKind::Changed
        | DifferenceKind::Recased
        | DifferenceKind::Translated
        | DifferenceKind::Recompressed => match (&sent, &arrived) {
            (Some(sent), Some(arrived)) => {
                format!("`{what}` of the {message} left as `{sent}` and arrived as `{arrived}`")
            }
            (None, Some(arrived)) => format!("`{what}` of the {message} arrived as `{arrived}`"),
            _ => format!("`{what}` of the {message} was changed"),
        },
        DifferenceKind::Reordered => format!("the headers of the {message} came in another order"),
        DifferenceKind::Cached => format!("{} was answered with an older answer", spoken(test)),
        DifferenceKind::Looped => format!("{} went in circles", spoken(test)),
        DifferenceKind::Refused => match &arrived {
            Some(arrived) => format!("{} was answered with {arrived}, which is not the far end's", spoken(test)),
            None => format!("{} got an answer that is not the far end's", spoken(test)),
        },
    }
}

fn message(way: Way) -> &'static str {
    match way {
        Way::Request => "request",
        Way::Response => "response",
    }
}

/// Names in other letters are told together: whoever writes a message anew spells all of them its own way.
fn recased(way: Way, differences: &[&Difference]) -> Option<String> {
    let of_way: Vec<&&Difference> = differences.iter().filter(|difference| difference.way == way).collect();
    let first = of_way.first()?;
    let others = if of_way.len() > 1 { format!(", and {} other names so", of_way.len() - 1) } else { String::new() };
    let (sent, arrived) = (first.sent.as_deref().map(quoted), first.arrived.as_deref().map(quoted));
    let (sent, arrived) = match (sent, arrived) {
        (Some(sent), Some(arrived)) => (sent, format!("`{arrived}`")),
        _ => (quoted(&first.what), "in other letters".to_owned()),
    };
    let came = if arrived.starts_with('`') { "came as" } else { "came" };
    Some(format!("the header name `{sent}` of the {} {came} {arrived}{others}", message(way)))
}

/// Every rule over these facts tests itself through this: the same difference counts on a connection that somebody ended,
/// is explained on a whole one, and an unsigned word of the far end counts nowhere.
#[cfg(test)]
pub(super) mod tests {
    use model::{
        Attempt, Difference, DifferenceKind, Failure, FailureKind, FidelityTest, Milliseconds, Operation, Way,
    };

    use crate::testing::{self, against, silent};

    /// The evidence about refusals, where the tests over HTTP/2 went like this: name, connection, and how it was ended.
    fn refused(tests: &[(&str, usize, Option<FailureKind>)]) -> Vec<String> {
        let mut record = testing::with_decrypted_reflector();
        let test = |(name, connection, ended): &(&str, usize, Option<FailureKind>)| FidelityTest {
            name: (*name).to_owned(),
            connection: *connection,
            took_ms: Milliseconds(30.0),
            signature_valid: ended.is_none().then_some(true),
            outcome: match ended {
                None => Attempt::Seen(Vec::new()),
                Some(kind) => Attempt::Failed(Failure {
                    operation: Operation::Request,
                    kind: kind.clone(),
                    detail: String::new(),
                    after_ms: Milliseconds(30.0),
                }),
            },
        };
        testing::fidelity(&mut record, "headers", Vec::new());
        let host = &mut testing::seen(&mut record.reflector).host;
        testing::seen(&mut host.fidelity).http2 = Attempt::Seen(tests.iter().map(test).collect());
        let found = against(&record, record.hosts.len());
        found.into_iter().filter(|id| id.ends_with("-refused") || id == "trailers-lost").collect()
    }

    #[test]
    fn a_connection_that_was_reset_is_no_refusal_of_each_request_on_it() {
        let reset = || Some(FailureKind::Reset);
        let all: Vec<_> =
            ["headers", "method-put", "method-report", "upload-large", "cookies"].map(|name| (name, 0, reset())).into();
        assert!(refused(&all).is_empty(), "{:?}", refused(&all));
        let most = [
            ("headers", 0, None),
            ("cookies", 0, None),
            ("range", 0, None),
            ("method-put", 0, reset()),
            ("upload-large", 0, Some(FailureKind::Closed)),
        ];
        assert!(refused(&most).is_empty(), "they ended together");
        let alone = [
            ("headers", 0, None),
            ("cookies", 0, None),
            ("method-get", 0, None),
            ("method-put", 1, reset()),
            ("upload-large", 3, Some(FailureKind::Closed)),
        ];
        assert_eq!(refused(&alone), ["method-refused", "upload-refused"], "each on a connection of its own");
        let every = (0..).zip(["headers", "method-put", "method-report", "upload-large", "cookies"]);
        let every: Vec<_> = every.map(|(connection, name)| (name, connection, reset())).collect();
        assert!(refused(&every).is_empty(), "HTTP/2 does not pass at all");
    }

    #[test]
    fn a_request_with_trailers_that_is_ended_for_them_is_told() {
        for kind in [FailureKind::Timeout, FailureKind::Closed, FailureKind::Reset] {
            let killed = [("headers", 0, None), ("cookies", 0, None), ("upload-chunked", 0, None)];
            let killed = [killed.as_slice(), &[("trailers", 1, Some(kind))]].concat();
            assert_eq!(refused(&killed), ["trailers-lost"]);
        }
        let all = [("headers", 0, Some(FailureKind::Timeout)), ("trailers", 1, Some(FailureKind::Timeout))];
        assert!(refused(&all).is_empty(), "nothing passes");
    }

    #[test]
    fn a_request_without_an_answer_counts_beside_a_plain_one_that_had_one() {
        let silent = || Some(FailureKind::Timeout);
        let held =
            [("headers", 0, None), ("cookies", 0, None), ("method-put", 0, None), ("method-report", 0, silent())];
        assert_eq!(refused(&held), ["method-refused"]);
        let lost = [
            ("headers", 0, silent()),
            ("method-put", 0, None),
            ("method-get", 0, None),
            ("method-report", 0, silent()),
        ];
        assert!(refused(&lost).is_empty(), "no plain request was answered");
        let dead =
            [("headers", 0, None), ("method-put", 0, silent()), ("method-get", 0, silent()), ("range", 0, silent())];
        assert!(refused(&dead).is_empty(), "most were not");
    }

    #[track_caller]
    pub(in crate::rules) fn check(id: &str, test: &str, kind: DifferenceKind, way: Way, what: &str) {
        let id = id.to_owned();
        let difference = || Difference {
            way,
            kind,
            what: what.to_owned(),
            sent: Some("left".to_owned()),
            arrived: Some("arrived".to_owned()),
        };
        let mut record = testing::with_decrypted_reflector();
        let reflector = record.hosts.len();
        testing::fidelity(&mut record, test, Vec::new());
        assert!(!against(&record, reflector).contains(&id), "nothing differs");
        testing::fidelity(&mut record, test, vec![difference()]);
        assert!(against(&record, reflector).contains(&id), "{:?}", against(&record, reflector));
        let found = |record: &model::Record| {
            let judgement = crate::judge(record, &crate::Knowledge::builtin());
            judgement.findings.into_iter().find(|finding| finding.id == id || finding.id == "http-rewritten")
        };
        assert!(found(&record).is_some(), "it is told although only the reflector knows of it");

        let mut record = testing::with_reflector();
        testing::fidelity(&mut record, test, vec![difference()]);
        assert!(!against(&record, reflector).contains(&id), "not on a whole connection");
        assert!(silent(&record, reflector).contains(&id));
        assert_eq!(testing::state(&record, reflector), model::State::Intact);

        if way == Way::Request {
            let mut record = testing::with_decrypted_reflector();
            testing::fidelity(&mut record, test, vec![difference()]);
            let host = &mut testing::seen(&mut record.reflector).host;
            let tests = testing::seen(&mut testing::seen(&mut host.fidelity).http1);
            tests.iter_mut().for_each(|test| test.signature_valid = Some(false));
            assert!(!against(&record, reflector).contains(&id), "what nobody signed counts nowhere");
        }
    }
}
