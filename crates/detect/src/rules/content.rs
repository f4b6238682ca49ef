//! What the `content` check saw, sorted: a test pattern was refused, altered or delayed where harmless text of the same
//! length passed. Without that contrast nothing is concluded: a path that takes no upload at all is not looking for
//! card numbers.

use model::{Attempt, Confidence, ContentOutcome, ContentTest, Failure, FailureKind, Milliseconds, Way};

use crate::rules::Sign;
use crate::rules::tampering::{self, Found};
use crate::text::quoted;
use crate::view::{Response, View};

/// What became of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Refused,
    Altered,
    Delayed,
}

/// Which patterns: the EICAR test file is looked for by antivirus, the others by data loss prevention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Eicar,
    Data,
}

/// Harmless text, or an archive of it.
pub(crate) fn is_control(test: &ContentTest) -> bool {
    test.pattern.starts_with("control") || test.pattern.starts_with("harmless")
}

/// A scan that holds a file costs a person's patience from about a second on; less than that is lost in the jitter of a
/// path. Three times the slower control, so that a slow line, which slows both, is no scan.
const DELAY_AT_LEAST_MS: f64 = 1_000.0;
const DELAY_TIMES: f64 = 3.0;

pub(super) fn signs(view: &View<'_>, pattern: Pattern, fate: Fate) -> Vec<Sign> {
    let Some(content) = view.host.content.seen() else { return Vec::new() };
    let controls: Vec<&ContentTest> = content.tests.iter().filter(|test| is_control(test)).collect();
    let of_pattern = content.tests.iter().filter(|test| {
        let eicar = test.pattern.starts_with("eicar");
        !is_control(test) && eicar == (pattern == Pattern::Eicar)
    });
    let (mut altered, mut whole) = (Found::default(), Found::default());
    for test in of_pattern {
        let Some((what, confidence)) =
            became(view, test, &controls).filter(|(found, ..)| *found == fate).map(|f| (f.1, f.2))
        else {
            continue;
        };
        let found = match test.connection {
            Some(connection) if view.is_whole(connection) => &mut whole,
            Some(connection) if !view.can_be_altered(connection) => continue,
            None if !view.some_connection_ended() => &mut whole,
            _ => &mut altered,
        };
        found.add(format!("{} {what}", spoken(test)), test.connection, confidence);
    }
    tampering::signs(altered, whole, ", where harmless text of the same length passed")
}

/// What became of one test, in the words that follow its name.
fn became(view: &View<'_>, test: &ContentTest, controls: &[&ContentTest]) -> Option<(Fate, String, Confidence)> {
    let same_way = || controls.iter().filter(|control| control.way == test.way);
    let is_archive = |test: &ContentTest| test.pattern.ends_with("zip");
    // A path that takes no archives at all is not looking for viruses in them.
    let control = same_way().find(|control| is_archive(control) == is_archive(test)).or_else(|| same_way().next())?;
    passed(control)?;
    match &test.outcome {
        Attempt::Failed(failure) => {
            let (what, confidence) = ended(failure)?;
            Some((Fate::Refused, what.to_owned(), confidence))
        }
        Attempt::Seen(outcome) if is_refusal(view, outcome) => {
            Some((Fate::Refused, format!("was answered with status {}", outcome.status), Confidence::Proven))
        }
        Attempt::Seen(outcome) if !outcome.arrived => {
            // Another answer than the far end's signed one is no word on what arrived there.
            let confidence = if test.way == Way::Response || outcome.signature_valid == Some(true) {
                Confidence::Proven
            } else {
                Confidence::Strong
            };
            Some((Fate::Altered, "did not arrive as it was sent".to_owned(), confidence))
        }
        Attempt::Seen(outcome) => {
            let slowest = controls.iter().filter_map(|control| passed(control)).map(|took| took.0).reduce(f64::max)?;
            let late = outcome.took_ms.0 - slowest;
            let is_late = late.is_finite() && late >= DELAY_AT_LEAST_MS.max(DELAY_TIMES * slowest);
            is_late.then(|| {
                let words = format!("took {}, {} the other", outcome.took_ms, Milliseconds(slowest));
                (Fate::Delayed, words, Confidence::Strong)
            })
        }
        Attempt::NotTried(_) | Attempt::NotApplicable(_) => None,
    }
}

/// How long it took, where it came through.
fn passed(test: &ContentTest) -> Option<Milliseconds> {
    let outcome = test.outcome.seen()?;
    ((200..300).contains(&outcome.status) && outcome.arrived).then_some(outcome.took_ms)
}

/// The reflector answers 200 to each of these; some filters say so as well and send their page.
fn is_refusal(view: &View<'_>, outcome: &ContentOutcome) -> bool {
    let page =
        Response { connection: 0, status: outcome.status, headers: &outcome.headers, body: outcome.text.as_deref() };
    let blocked = || view.knowledge.interceptors().iter().any(|i| i.block_page_mark(&page).is_some());
    !(200..300).contains(&outcome.status) || !outcome.arrived && blocked()
}

fn ended(failure: &Failure) -> Option<(&'static str, Confidence)> {
    match failure.kind {
        FailureKind::Reset => Some(("was reset", Confidence::Strong)),
        FailureKind::Closed => Some(("was closed without an answer", Confidence::Strong)),
        FailureKind::Timeout => Some(("got no answer", Confidence::Weak)),
        _ => None,
    }
}

/// "the upload of `payment-cards`".
fn spoken(test: &ContentTest) -> String {
    let way = if test.way == Way::Request { "upload" } else { "download" };
    format!("the {way} of `{}`", quoted(&test.pattern))
}

/// What every rule over these facts tests itself through.
#[cfg(test)]
pub(super) mod tests {
    use model::{Attempt, ContentOutcome, FailureKind, State};

    use crate::testing::{self, against, silent};

    #[track_caller]
    pub(in crate::rules) fn check(id: &str, pattern: &str, change: impl Fn(&mut Attempt<ContentOutcome>)) {
        let id = id.to_owned();
        let reflector = testing::clean().hosts.len();
        let with = |mut record: model::Record, control_too: bool| {
            testing::content(&mut record, pattern);
            let host = &mut testing::seen(&mut record.reflector).host;
            for test in &mut testing::seen(&mut host.content).tests {
                if test.pattern == pattern || control_too {
                    change(&mut test.outcome);
                }
            }
            record
        };
        let decrypted = || testing::with_decrypted_reflector();
        assert!(against(&with(decrypted(), false), reflector).contains(&id));
        assert!(!against(&with(decrypted(), true), reflector).contains(&id), "the control fares the same");
        let mut passed = decrypted();
        testing::content(&mut passed, pattern);
        assert!(!against(&passed, reflector).contains(&id), "it passed");
        let whole = with(testing::with_reflector(), false);
        assert!(!against(&whole, reflector).contains(&id), "not on a whole connection");
        assert!(silent(&whole, reflector).contains(&id));
        assert_eq!(testing::state(&whole, reflector), State::Intact);
    }

    pub(in crate::rules) fn refuse(outcome: &mut Attempt<ContentOutcome>) {
        testing::seen(outcome).status = 403;
        testing::seen(outcome).arrived = false;
    }

    pub(in crate::rules) fn alter(outcome: &mut Attempt<ContentOutcome>) {
        testing::seen(outcome).arrived = false;
    }

    pub(in crate::rules) fn delay(outcome: &mut Attempt<ContentOutcome>) {
        testing::seen(outcome).took_ms.0 += 4_000.0;
    }

    #[test]
    fn a_reset_is_a_refusal_and_a_short_wait_is_nothing() {
        check("eicar-refused", "eicar", |outcome| *outcome = Attempt::Failed(testing::failure(FailureKind::Reset)));
        let mut record = testing::with_decrypted_reflector();
        testing::content(&mut record, "eicar");
        let host = &mut testing::seen(&mut record.reflector).host;
        for test in &mut testing::seen(&mut host.content).tests {
            if test.pattern == "eicar" {
                testing::seen(&mut test.outcome).took_ms.0 += 900.0;
            }
        }
        assert!(!against(&record, record.hosts.len()).contains(&"eicar-delayed".to_owned()));
    }

    #[test]
    fn an_archive_is_held_against_a_harmless_archive() {
        let mut record = testing::with_decrypted_reflector();
        testing::content(&mut record, "eicar-zip");
        let host = &mut testing::seen(&mut record.reflector).host;
        let tests = &mut testing::seen(&mut host.content).tests;
        let mut harmless = tests[0].clone();
        harmless.pattern = "control-zip".to_owned();
        tests.push(harmless);
        for test in tests.iter_mut().filter(|test| test.pattern.ends_with("zip")) {
            refuse(&mut test.outcome);
        }
        let upload = |record: &model::Record| {
            let judgement = crate::judge(record, &crate::Knowledge::builtin());
            let found =
                judgement.hosts.iter().flat_map(|host| &host.evidence).find(|e| e.id == "eicar-refused").cloned();
            found.is_some_and(|evidence| evidence.detail.contains("upload"))
        };
        assert!(!upload(&record), "no archive goes up");
        let host = &mut testing::seen(&mut record.reflector).host;
        testing::seen(&mut host.content).tests.retain(|test| test.pattern != "control-zip");
        assert!(upload(&record));
    }

    #[test]
    fn a_known_block_page_with_status_200_is_a_refusal() {
        check("content-refused", "payment-cards", |outcome| {
            let outcome = testing::seen(outcome);
            outcome.arrived = false;
            outcome.text = Some("<html>Powered By FortiGuard</html>".to_owned());
        });
    }
}
