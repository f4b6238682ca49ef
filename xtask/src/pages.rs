//! `cargo xtask pages`: the reports as people meet them.
//!
//! Every stored record of the corpus becomes a report. In Chromium, each is held against all rules of axe-core, light and
//! dark; its pictures on a screen, on a phone and on paper are left under `target/pages` to be looked at. A page that asks
//! for anything from elsewhere, or that has a script, fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::shell::{output, program, root, run as execute, target_folder, works};
use crate::steps::Done;
use crate::tools;

/// Before and after what the page says about itself.
const BEGIN: &str = "axe-begins";
const END: &str = "axe-ends";
/// A4 in points, as Chromium writes it.
const A4: (f64, f64) = (595.0, 842.0);

pub(crate) fn run() -> anyhow::Result<Done> {
    if let Err(error) = install() {
        return Ok(Done::Skipped(format!("no Chromium: {error:#}")));
    }
    let axe = tools::axe()?;
    let axe = std::fs::read_to_string(&axe).with_context(|| format!("cannot read {}", axe.display()))?;
    let folder = target_folder().join("pages");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut faults = Vec::new();
    for record in records()? {
        let name = record.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let page = folder.join(format!("{name}.html"));
        let mut truepath = program(target_folder().join("debug").join("truepath"));
        truepath.args(["judge", "--quiet", "--config", "/dev/null"]).arg(&record).arg("--html").arg(&page);
        // The records were taken in the lab, which has a public world of its own.
        let corpus = root().join("corpus").join("records");
        truepath.arg("--public-roots").arg(corpus.join("public-root.pem"));
        truepath.arg("--ct-logs").arg(corpus.join("ct-logs.json"));
        // The exit code tells of the record, not of the page.
        let status = truepath.status().context("cannot run truepath")?;
        if !page.is_file() || matches!(status.code(), Some(1 | 2) | None) {
            bail!("truepath made no page of {}", record.display());
        }
        let text = std::fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        faults.extend(from_elsewhere(&text).into_iter().map(|fault| format!("{name}: {fault}")));
        for scheme in ["light", "dark"] {
            let found = accessibility(&folder, &text, &axe, scheme)?;
            faults.extend(found.into_iter().map(|fault| format!("{name}, {scheme}: {fault}")));
            picture(&page, &folder.join(format!("{name}-{scheme}.png")), "1100,2600", scheme)?;
        }
        picture(&page, &folder.join(format!("{name}-phone.png")), "500,2600", "light")?;
        let paper = folder.join(format!("{name}.pdf"));
        let print = format!("--print-to-pdf={}", paper.display());
        output(chromium("light").args([print.as_str(), "--no-pdf-header-footer"]).arg(address(&page)))?;
        if !is_a4(&std::fs::read(&paper).with_context(|| format!("cannot read {}", paper.display()))?) {
            faults.push(format!("{name}: it does not print to A4"));
        }
        eprintln!("looked at {name}");
    }
    if faults.is_empty() { Ok(Done::Passed) } else { bail!("{}", faults.join("\n")) }
}

fn install() -> anyhow::Result<()> {
    if works(program("chromium").arg("--version")) {
        return Ok(());
    }
    let mut apt = program("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=500", "-qq", "install", "-y"]);
    execute(apt.args(["--no-install-recommends", "chromium"]))?;
    if works(program("chromium").arg("--version")) { Ok(()) } else { bail!("it does not start") }
}

fn records() -> anyhow::Result<Vec<PathBuf>> {
    let folder = root().join("corpus").join("records");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut records: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter(|path| path.file_name().is_some_and(|name| name != "ct-logs.json"))
        .collect();
    records.sort();
    if records.is_empty() {
        bail!("{} holds no record", folder.display());
    }
    Ok(records)
}

/// A browser with a profile of its own that talks to nobody.
fn chromium(scheme: &str) -> Command {
    let mut command = program("chromium");
    let profile = target_folder().join("pages").join("profile");
    command.env("HOME", &profile);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.arg(format!("--blink-settings=preferredColorScheme={}", u8::from(scheme == "light")));
    command
}

fn address(page: &Path) -> String {
    format!("file://{}", page.display())
}

fn picture(page: &Path, to: &Path, size: &str, scheme: &str) -> anyhow::Result<()> {
    let arguments = [format!("--screenshot={}", to.display()), format!("--window-size={size}"), address(page)];
    output(chromium(scheme).args(arguments)).map(|_| ())
}

/// What axe-core reports.
#[derive(Deserialize)]
struct Report {
    violations: Vec<Violation>,
    /// Rules that were held against something, and found it well.
    passes: usize,
    dark: bool,
}

#[derive(Deserialize)]
struct Violation {
    id: String,
    help: String,
    targets: Vec<String>,
}

/// Runs axe-core in a copy of the page, which alone is allowed to have a script.
fn accessibility(folder: &Path, page: &str, axe: &str, scheme: &str) -> anyhow::Result<Vec<String>> {
    let policy = page.find("<meta http-equiv=\"Content-Security-Policy\"").context("the page has no policy")?;
    let (before, after) = page.split_at(policy);
    let (_, after) = after.split_once('>').context("the page ends in its policy")?;
    let ask = format!(
        "axe.run(document, {{resultTypes: ['violations', 'passes']}}).then(r => {{
           const short = r.violations.map(v => ({{id: v.id, help: v.help, targets: v.nodes.map(n => n.target.join(' '))}}));
           const said = {{violations: short, passes: r.passes.length, dark: matchMedia('(prefers-color-scheme: dark)').matches}};
           const place = document.createElement('pre');
           place.textContent = '{BEGIN}' + btoa(unescape(encodeURIComponent(JSON.stringify(said)))) + '{END}';
           document.body.append(place);
         }});"
    );
    let copy = folder.join("axe.html");
    let text = format!("{before}{after}<script>{axe}</script><script>{ask}</script>");
    std::fs::write(&copy, text).with_context(|| format!("cannot write {}", copy.display()))?;
    let dom = output(chromium(scheme).args(["--virtual-time-budget=20000", "--dump-dom"]).arg(address(&copy)))?;
    let said = dom.rsplit_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(said, _)| said);
    let json = decoded(said.context("axe-core said nothing")?)?;
    let report: Report = serde_json::from_slice(&json).context("axe-core said something else")?;
    let mut faults: Vec<String> = report
        .violations
        .into_iter()
        .map(|violation| format!("{}: {} ({})", violation.id, violation.help, violation.targets.join(", ")))
        .collect();
    if report.passes < 10 {
        faults.push(format!("axe-core looked at {} rules only", report.passes));
    }
    if report.dark != (scheme == "dark") {
        faults.push("the browser did not take the colour scheme".to_owned());
    }
    Ok(faults)
}

/// Base64 without a crate: what comes is ours.
fn decoded(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("octet {c} is not base64"),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from(bits >> count & 0xff)?);
        }
    }
    Ok(octets)
}

/// Whatever would make a browser ask somebody, or run something.
fn from_elsewhere(page: &str) -> Vec<String> {
    let lower = page.to_ascii_lowercase();
    let forbidden =
        ["<script", "<link", "<img", "<iframe", "<object", "@import", "url(", " onload=", " onclick=", "javascript:"];
    let found = forbidden.into_iter().filter(|what| lower.contains(what));
    found.map(|what| format!("the page contains `{what}`")).collect()
}

/// Every page of the file has the size of A4.
fn is_a4(pdf: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pdf);
    let mut boxes = text.split("/MediaBox").skip(1).peekable();
    let fits = |text: &str| {
        let numbers = text.trim_start().trim_start_matches('[').split(']').next().unwrap_or_default();
        let numbers: Vec<f64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        matches!(numbers.as_slice(), [_, _, width, height] if (width - A4.0).abs() < 2.0 && (height - A4.1).abs() < 2.0)
    };
    boxes.peek().is_some() && boxes.all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_can_fail() {
        assert_eq!(from_elsewhere("<p>Hello</p>"), Vec::<String>::new());
        assert_eq!(from_elsewhere("<SCRIPT>1</SCRIPT>"), ["the page contains `<script`"]);
        assert!(is_a4(b"/MediaBox [0 0 594.95996 841.91998]"));
        assert!(!is_a4(b"/MediaBox [0 0 612 792]"));
        assert!(!is_a4(b"nothing"));
        assert_eq!(decoded("eyJhIjoxfQ==").unwrap(), b"{\"a\":1}");
        assert!(decoded("e y").is_err());
    }
}
