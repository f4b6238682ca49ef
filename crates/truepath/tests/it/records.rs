//! Stored records of real runs: still read, and told as they were.

use std::path::{Path, PathBuf};

use crate::program::truepath;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/records").join(name)
}

fn judged(name: &str, more: &[&str]) -> (i32, String) {
    let [record, roots, logs] =
        [name, "public-root.pem", "ct-logs.json"].map(|file| corpus(file).display().to_string());
    let mut arguments = vec!["judge", &record, "--public-roots", &roots, "--ct-logs", &logs];
    arguments.extend(more);
    let ran = truepath(&arguments);
    assert_eq!(ran.err, "");
    (ran.code, ran.out)
}

#[test]
fn a_decrypting_proxy() {
    let (code, text) = judged("squid-bump.json", &[]);
    assert_eq!(code, 10);
    insta::assert_snapshot!(text);
}

#[test]
fn a_clean_path() {
    let (code, text) = judged("direct.json", &[]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
}

#[test]
fn records_of_before_the_later_checks_are_still_understood() {
    assert_eq!(judged("direct-early.json", &["--quiet"]).0, 0);
    assert_eq!(judged("squid-bump-early.json", &["--quiet"]).0, 10);
}

#[test]
fn nobody_at_the_far_end() {
    let (code, text) = judged("origin-down.json", &[]);
    assert_eq!(code, 12);
    insta::assert_snapshot!(text);
}

#[test]
fn with_other_roots_the_same_record_means_something_else() {
    let record = corpus("direct.json").display().to_string();
    // The lab's root is not Mozilla's: nobody that the world trusts vouches for this certificate.
    assert_eq!(truepath(&["judge", &record, "--quiet"]).code, 10);
}
