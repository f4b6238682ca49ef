//! `cargo xtask bench accuracy`: how often `truepath classify` is right, on connections whose truth is known.
//!
//! Three questions, each with its line that must be reached: how many intercepted connections under a browser's name are
//! found, how many genuine ones are flagged, and whether a tool is ever called intercepted for being one. Then who: a wrong
//! vendor counts double. The same again without what was learnt of the very product, and of the very client, which tells how
//! it will do on a network that nobody captured.

#![expect(clippy::indexing_slicing, reason = "a member that a JSON object lacks is null")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::clusters::product_of;
use crate::observations::{Label, labelled};
use crate::shell::{cargo, program, root, run as execute, target_folder};
use crate::steps::Done;

/// Our own captures of November 2026, as observations.
const OWN: &str = "corpus/observations/captures-2026-11.ndjson";

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The folder of the captures of 2016 with their `labels.ndjson`, which are not ours to pass on.
    #[arg(long, value_name = "FOLDER", env = "TRUEPATH_MITM_PCAPS")]
    mitm_pcaps: Option<PathBuf>,
    /// The table of hellos for them, as `cargo xtask clusters --out FILE` makes it of the same folder.
    #[arg(long, value_name = "FILE", requires = "mitm_pcaps")]
    clusters: Option<PathBuf>,
    /// Leave out the runs without one product or client each.
    #[arg(long)]
    quick: bool,
    /// Say which lines were judged wrongly.
    #[arg(long)]
    show: bool,
}

/// What must be reached on a set of data.
struct Lines {
    found: f64,
    flagged: f64,
    named: f64,
}

struct Set {
    name: &'static str,
    lines: Vec<(String, Label)>,
    /// A table of hellos that is not the one compiled in.
    clusters: Option<String>,
    due: Lines,
}

/// What `classify` said of a line.
struct Said {
    state: String,
    /// The products named first, all of those that share the highest confidence.
    first: Vec<String>,
    all: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<Done> {
    execute(&mut cargo(["build", "--locked", "--release", "--package", "truepath"]))?;
    let mut sets = vec![Set {
        name: "captures of November 2026",
        lines: of_text(&fs::read_to_string(root().join(OWN)).context(OWN)?)?,
        clusters: None,
        due: Lines { found: 0.98, flagged: 0.005, named: 0.0 },
    }];
    match &options.mitm_pcaps {
        Some(folder) => sets.push(Set {
            name: "captures of 2016",
            lines: labelled(folder)?.iter().map(of_value).collect::<Result<_>>()?,
            clusters: options.clusters.as_ref().map(|file| file.display().to_string()),
            due: Lines { found: 0.95, flagged: 0.01, named: 0.9 },
        }),
        None => println!("captures of 2016: skipped: data not present (--mitm-pcaps FOLDER)"),
    }
    let mut failed = Vec::new();
    for set in &sets {
        let clusters: Vec<String> =
            set.clusters.iter().flat_map(|file| ["--clusters".to_owned(), file.clone()]).collect();
        let said = classify(&set.lines, &clusters)?;
        failed.extend(report(set, "", &said, options, true));
        if !options.quick {
            let said = without(set, &clusters, without_product)?;
            failed.extend(report(set, ", without what was learnt of its own product", &said, options, false));
            let said = without(set, &clusters, without_build)?;
            failed.extend(report(set, ", without what was learnt of its own client", &said, options, false));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(Done::Passed)
}

fn of_text(text: &str) -> Result<Vec<(String, Label)>> {
    text.lines().map(|line| of_value(&serde_json::from_str(line)?)).collect()
}

fn of_value(line: &Value) -> Result<(String, Label)> {
    Ok((line.to_string(), serde_json::from_value(line["label"].clone()).context("a line without a label")?))
}

/// Each line, judged without what was learnt from its own kind; in the order of the set.
fn without(set: &Set, clusters: &[String], arguments: impl Fn(&str, &Label) -> Vec<String>) -> Result<Vec<Said>> {
    let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (place, (line, label)) in set.lines.iter().enumerate() {
        groups.entry(arguments(line, label)).or_default().push(place);
    }
    let mut said: BTreeMap<usize, Said> = BTreeMap::new();
    for (arguments, places) in groups {
        let lines: Vec<_> = places.iter().filter_map(|place| set.lines.get(*place)).cloned().collect();
        said.extend(places.into_iter().zip(classify(&lines, &[clusters, &arguments].concat())?));
    }
    Ok(said.into_values().collect())
}

fn without_product(_: &str, label: &Label) -> Vec<String> {
    let product = label.product.as_deref().map(product_of);
    product.map_or_else(Vec::new, |product| vec!["--without-product".to_owned(), product.to_owned()])
}

fn without_build(line: &str, label: &Label) -> Vec<String> {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let Some(agent) = line["user_agent"].as_str() else { return Vec::new() };
    let flags = ["--without-build", &label.build, "--without-user-agent", agent];
    flags.map(str::to_owned).to_vec()
}

fn classify(lines: &[(String, Label)], arguments: &[String]) -> Result<Vec<Said>> {
    let mut command = program(target_folder().join("release").join("truepath"));
    command.arg("classify").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("truepath classify")?;
    let mut input = child.stdin.take().context("no way in")?;
    let text: String = lines.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    writing.join().map_err(|_| anyhow::anyhow!("the writing thread ended unexpectedly"))??;
    let said: Vec<Said> = String::from_utf8(output.stdout)?.lines().map(said).collect::<Result<_>>()?;
    ensure!(said.len() == lines.len(), "{} verdicts for {} lines", said.len(), lines.len());
    Ok(said)
}

fn said(line: &str) -> Result<Said> {
    let line: Value = serde_json::from_str(line)?;
    ensure!(line.get("error").is_none(), "a line was not read: {line}");
    let named: Vec<(String, f64)> = line["attribution"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let product = one["product"].as_str().unwrap_or_default().to_owned();
            (product, one["confidence"].as_f64().unwrap_or_default())
        })
        .collect();
    let most = named.iter().map(|(_, confidence)| *confidence).fold(0.0, f64::max);
    let first = named.iter().filter(|(_, confidence)| *confidence >= most).map(|(name, _)| name.clone()).collect();
    let all = named.into_iter().map(|(name, _)| name).collect();
    Ok(Said { state: line["state"].as_str().unwrap_or_default().to_owned(), first, all })
}

/// Right and wrong of one group.
#[derive(Default)]
struct Counts {
    intercepted: u32,
    found: u32,
    genuine: u32,
    flagged: u32,
    unknown: u32,
    named: u32,
    in_set: u32,
    nameless: u32,
    wrong: u32,
}

impl Counts {
    fn add(&mut self, label: &Label, said: &Said) {
        self.unknown += u32::from(said.state == "unknown");
        let against = matches!(said.state.as_str(), "intercepted" | "manipulated");
        if !label.intercepted {
            self.genuine += 1;
            self.flagged += u32::from(against);
            return;
        }
        self.intercepted += 1;
        self.found += u32::from(said.state == "intercepted");
        if !against {
            return;
        }
        let is_it = |name: &String| label.product.as_deref().is_some_and(|product| product_of(product) == name);
        let nobody = |names: &[String]| names.iter().all(|name| name.contains("unknown"));
        if said.first.len() == 1 && said.first.iter().any(is_it) {
            self.named += 1;
        } else if said.all.iter().any(is_it) {
            self.in_set += 1;
        } else if nobody(&said.first) {
            self.nameless += 1;
        } else {
            self.wrong += 1;
        }
    }
}

fn report(set: &Set, how: &str, said: &[Said], options: &Options, must: bool) -> Vec<String> {
    let mut by_product: BTreeMap<String, Counts> = BTreeMap::new();
    let mut by_build: BTreeMap<String, Counts> = BTreeMap::new();
    let (mut browsers, mut tools) = (Counts::default(), Counts::default());
    for ((line, label), said) in set.lines.iter().zip(said) {
        let of_all = if label.kind == "browser" { &mut browsers } else { &mut tools };
        of_all.add(label, said);
        let product = label.product.clone().unwrap_or_else(|| "(nothing on the path)".to_owned());
        by_product.entry(format!("{}, {}s", product, label.kind)).or_default().add(label, said);
        by_build.entry(format!("{}, {}s", label.build, label.kind)).or_default().add(label, said);
        let wrong = match label.intercepted {
            true => label.kind == "browser" && said.state != "intercepted",
            false => matches!(said.state.as_str(), "intercepted" | "manipulated"),
        };
        if options.show && wrong {
            println!(
                "wrong: {} {} intercepted={} said {}: {line}",
                label.id, label.build, label.intercepted, said.state
            );
        }
    }
    println!("\n{}{how}", set.name);
    let mut rows = vec![("browsers".to_owned(), &browsers), ("tools".to_owned(), &tools)];
    // A set with hundreds of builds is told by family, or nobody would read it.
    if must {
        rows.extend(by_product.iter().map(|(name, counts)| (name.clone(), counts)));
        let few = by_build.len() <= 60;
        rows.extend(
            by_build
                .iter()
                .filter(|(_, c)| few || c.found < c.intercepted || c.flagged > 0)
                .map(|(n, c)| (n.clone(), c)),
        );
    }
    print!("{}", table(&rows));
    if must { short(set, &browsers, &tools) } else { Vec::new() }
}

fn short(set: &Set, browsers: &Counts, tools: &Counts) -> Vec<String> {
    let mut failed = Vec::new();
    let mut hold = |what: &str, is: f64, within: bool, due: f64| {
        if !within {
            failed.push(format!("{}: {what} {:.2} %, the line is {:.2} %", set.name, is * 100.0, due * 100.0));
        }
    };
    let found = share(browsers.found, browsers.intercepted);
    hold("found", found, found >= set.due.found, set.due.found);
    let flagged = share(browsers.flagged, browsers.genuine);
    hold("genuine browsers flagged", flagged, flagged <= set.due.flagged, set.due.flagged);
    let tools = share(tools.flagged, tools.genuine);
    hold("honest tools flagged", tools, tools <= 0.0, 0.0);
    let named = share(browsers.named + browsers.in_set, browsers.intercepted);
    hold("product in the named set", named, named >= set.due.named, set.due.named);
    failed
}

fn share(of: u32, all: u32) -> f64 {
    if all == 0 { 0.0 } else { f64::from(of) / f64::from(all) }
}

fn table(rows: &[(String, &Counts)]) -> String {
    let wide = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut text = format!(
        "{:wide$}  intercepted  found          genuine  flagged        unknown  named  in set  nameless  wrong\n",
        ""
    );
    for (name, counts) in rows {
        let percent = |of, all: u32| if all == 0 { String::new() } else { format!("{:.1} %", share(of, all) * 100.0) };
        let _ = writeln!(
            text,
            "{name:wide$}  {:>11}  {:>4} {:>8}  {:>7}  {:>4} {:>8}  {:>7}  {:>5}  {:>6}  {:>8}  {:>5}",
            counts.intercepted,
            counts.found,
            percent(counts.found, counts.intercepted),
            counts.genuine,
            counts.flagged,
            percent(counts.flagged, counts.genuine),
            counts.unknown,
            counts.named,
            counts.in_set,
            counts.nameless,
            counts.wrong,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(intercepted: bool) -> Label {
        Label {
            id: "c1".to_owned(),
            kind: "browser".to_owned(),
            build: "chromium-156".to_owned(),
            intercepted,
            product: Some("Squid (squid-openssl)".to_owned()),
            product_version: None,
        }
    }

    #[test]
    fn verdicts_are_counted_for_what_they_are() {
        let verdict = |state: &str, products: &[(&str, f64)]| {
            let attribution: Vec<Value> = products
                .iter()
                .map(|(product, confidence)| serde_json::json!({"vendor": "", "product": product, "confidence": confidence}))
                .collect();
            said(&serde_json::json!({"state": state, "attribution": attribution}).to_string()).expect("it is read")
        };
        let mut counts = Counts::default();
        counts.add(&label(true), &verdict("intercepted", &[("Squid with SslBump", 0.9), ("Privoxy", 0.5)]));
        counts.add(&label(true), &verdict("intercepted", &[("Squid with SslBump", 0.5), ("Privoxy", 0.5)]));
        counts.add(&label(true), &verdict("intercepted", &[("unknown interceptor", 0.0)]));
        counts.add(&label(true), &verdict("intercepted", &[("Privoxy", 0.5)]));
        counts.add(&label(true), &verdict("intact", &[]));
        counts.add(&label(false), &verdict("manipulated", &[]));
        counts.add(&label(false), &verdict("unknown", &[]));
        assert_eq!((counts.intercepted, counts.found, counts.genuine, counts.flagged), (5, 4, 2, 1));
        assert_eq!((counts.named, counts.in_set, counts.nameless, counts.wrong), (1, 1, 1, 1));
    }
}
