//! The page over all rules, from the table.

use core::fmt::Write as _;

use model::Class;

use crate::client::client_signs;
use crate::path::path_rules;
use crate::rules::rules;

/// `docs/evidence.md`: every rule with its class, title and page, in Markdown.
pub fn evidence_page() -> String {
    let mut page = String::from(
        "# Evidence\n\n\
         What `check` concludes from, rule by rule. This page is made from the table of rules in `crates/detect`; a test \
         keeps the two equal.\n\n\
         Each rule looks at the facts of one host. It may speak for an intact path, against it, or say why nothing can be \
         said; a missing answer is never read as a clean path. Class A is about who ends TLS, B about altered content, D \
         about what is on the path, E about what does not work.\n\n\
         A host is `intercepted` with anything of class A against it, `manipulated` with class B, `degraded` with class E, \
         `intact` with positive proof and nothing against it, and `unknown` otherwise.\n",
    );
    for (class, heading) in [
        (Class::A, "A: who ends TLS"),
        (Class::B, "B: what was altered"),
        (Class::C, "C: who the client is"),
        (Class::D, "D: what is on the path"),
        (Class::E, "E: what does not work"),
    ] {
        let mut rules = rules().iter().filter(|rule| rule.class == class).peekable();
        if rules.peek().is_none() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {heading}\n");
        for rule in rules {
            let _ = write!(page, "\n### `{}`\n\n{}.\n\n", rule.id, rule.title);
            push_text(&mut page, rule.page);
        }
    }
    page.push_str(
        "\n## The path as a whole\n\n\
         These rules look at the record and not at one host: at the settings and routes of this machine, at what the outside \
         sees of it, and at the endpoint list. Class E counts as degradation.\n",
    );
    for rule in path_rules() {
        let _ = write!(page, "\n### `{}`\n\n{} ({:?}).\n\n", rule.id, rule.title, rule.class);
        push_text(&mut page, rule.page);
    }
    page.push_str(
        "\n## The client of a request\n\n\
         These signs are named by `classify`, which looks at one request at the service's own edge. The verdict weighs them \
         together: see `docs/classify.md`.\n",
    );
    for sign in client_signs() {
        let _ = write!(page, "\n### `{}`\n\n{} ({:?}).\n\n", sign.id, sign.title, sign.class);
        push_text(&mut page, sign.page);
    }
    page
}

fn push_text(page: &mut String, text: &str) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    page.push_str(lines.join("\n").trim());
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_page_in_the_repository_is_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/evidence.md");
        let page = super::evidence_page();
        if std::env::var_os("TRUEPATH_UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).expect("docs/evidence.md can be written");
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == page, "docs/evidence.md is not the table of rules; run the test with TRUEPATH_UPDATE_DOCS=1");
    }
}
