//! Labelled captures to labelled observations: what `bench accuracy` judges.
//!
//! A folder of captures has `labels.ndjson`, in one of two shapes: that of our own captures (one object for each, with the
//! flows as the server saw them) or that of the older set of others (`file` and `flows` with a label for each client port).
//! Every ClientHello comes from the capture itself, by `truepath inspect`; headers and the HTTP/2 preface, which a capture
//! holds encrypted, come from the label. One line comes out for each labelled flow: an observation, as an edge would have
//! sent it, and beside it the field `label`, which readers of observations leave alone.

#![expect(clippy::indexing_slicing, reason = "a member that a JSON object lacks is null")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::shell::{cargo, program, run as execute, target_folder};
use crate::steps::Done;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The folder with `labels.ndjson` and the captures.
    folder: PathBuf,
    /// Write the observations here.
    out: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<Done> {
    execute(&mut cargo(["build", "--locked", "--release", "--package", "truepath"]))?;
    let lines = labelled(&options.folder)?;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&options.out, text).with_context(|| options.out.display().to_string())?;
    println!("{} observations in {}", lines.len(), options.out.display());
    Ok(Done::Passed)
}

/// What is known of a flow, beside what is seen of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Label {
    /// The capture.
    pub(crate) id: String,
    /// "browser" for what shows a browser's user agent, else "tool".
    pub(crate) kind: String,
    /// The client, as exactly as it is known: "chromium-156", "firefox-44-windows-7".
    pub(crate) build: String,
    pub(crate) intercepted: bool,
    /// The product on the path, whether or not it touched this flow.
    pub(crate) product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) product_version: Option<String>,
}

/// All labelled flows of a folder.
pub(crate) fn labelled(folder: &Path) -> Result<Vec<Value>> {
    let labels = folder.join("labels.ndjson");
    let text = fs::read_to_string(&labels).with_context(|| labels.display().to_string())?;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let capture: Value = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
        let shape = if capture.get("server_flows").is_some() { ours } else { others };
        lines.extend(shape(folder, &capture).with_context(|| format!("{}, line {}", labels.display(), number + 1))?);
    }
    ensure!(!lines.is_empty(), "no labelled flow in {}", labels.display());
    Ok(lines)
}

fn ours(folder: &Path, capture: &Value) -> Result<Vec<Value>> {
    let Some(file) = capture["files"]["server_pcap"].as_str() else { return Ok(Vec::new()) };
    let seen = inspected(&folder.join(file))?;
    let agent = capture["user_agent_at_server"].as_str();
    let mut lines = Vec::new();
    for flow in capture["server_flows"].as_array().into_iter().flatten() {
        let transport = flow["proto"].as_str().unwrap_or("tcp");
        let port = flow["sport"].as_u64().context("a flow without a port")?;
        let Some(handshake) = seen.get(&(transport.to_owned(), port)) else { continue };
        let Some(intercepted) = flow["intercepted"].as_bool() else { continue };
        let label = Label {
            id: capture["id"].as_str().unwrap_or_default().to_owned(),
            kind: if agent.is_some_and(|agent| agent.starts_with("Mozilla/")) { "browser" } else { "tool" }.to_owned(),
            build: capture["client"]["name"].as_str().unwrap_or_default().to_owned(),
            intercepted,
            product: capture["product"].as_str().map(str::to_owned),
            product_version: capture["product_version"].as_str().map(str::to_owned),
        };
        let mut line = observation(handshake, transport, &label)?;
        line["host"] = capture["host"].clone();
        set(&mut line, "user_agent", agent.map(Value::from));
        let mut http = json!({});
        set(
            &mut http,
            "version",
            flow["http"].as_str().map(|version| version.replace("http/", "").replace('h', "").into()),
        );
        if let Some(headers) = flow["request_headers_in_order"].as_array() {
            let names: Vec<Value> = headers.iter().map(|header| header[0].clone()).collect();
            http["headers"] = headers.clone().into();
            http["header_names"] = names.into();
        }
        set(&mut http, "h2", flow["h2_fp"].as_str().map(Value::from));
        if http != json!({}) {
            line["http"] = http;
        }
        lines.push(line);
    }
    Ok(lines)
}

fn others(folder: &Path, capture: &Value) -> Result<Vec<Value>> {
    if capture["label_confidence"].as_str() != Some("high") {
        return Ok(Vec::new());
    }
    let file = capture["file"].as_str().context("no file")?;
    let seen = inspected(&folder.join(file))?;
    let text = |key: &str| capture[key].as_str().unwrap_or_default();
    let Some(agent) = capture["client_ua"].as_str() else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    for flow in capture["flows"].as_array().into_iter().flatten() {
        let port = flow["client_port"].as_u64().context("a flow without a port")?;
        let Some(handshake) = seen.get(&("tcp".to_owned(), port)) else { continue };
        let label = Label {
            id: Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            kind: "browser".to_owned(),
            build: [text("browser"), text("browser_version"), text("os"), text("os_version")].join("-"),
            intercepted: match flow["intercepted"].as_str() {
                Some("yes") => true,
                Some("no") => false,
                _ => continue,
            },
            product: capture["product"].as_str().map(str::to_owned),
            product_version: capture["product_detail"].as_str().map(str::to_owned),
        };
        let mut line = observation(handshake, "tcp", &label)?;
        line["user_agent"] = agent.into();
        lines.push(line);
    }
    Ok(lines)
}

/// What an edge would say of a handshake, whoever asked for what.
fn observation(handshake: &Value, transport: &str, label: &Label) -> Result<Value> {
    let mut line = json!({
        "v": 1,
        "time": handshake["time"],
        "tenant": "corpus",
        "host": handshake["sni"].as_str().unwrap_or("none.example"),
        "vantage": "capture",
        "transport": transport,
        "client_hello": handshake["client_hello"],
        "label": serde_json::to_value(label)?,
    });
    set(&mut line, "tcp", handshake.get("syn").filter(|syn| !syn.is_null()).map(|syn| json!({ "syn": syn })));
    Ok(line)
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[key] = value;
    }
}

/// The handshakes of a capture by transport and client port. The first of a port counts.
fn inspected(capture: &Path) -> Result<HashMap<(String, u64), Value>> {
    let mut command = program(target_folder().join("release").join("truepath"));
    command.arg("inspect").arg(capture).stderr(Stdio::piped()).stdout(Stdio::piped());
    let output = command.output().context("truepath inspect")?;
    ensure!(output.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&output.stderr));
    let mut seen = HashMap::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let handshake: Value = serde_json::from_str(line)?;
        let port = handshake["src"].as_str().and_then(|src| src.rsplit_once(':')?.1.parse().ok());
        let transport = handshake["transport"].as_str().unwrap_or("tcp").to_owned();
        if let (Some(port), true) = (port, handshake["client_hello"].is_string()) {
            seen.entry((transport, port)).or_insert(handshake);
        }
    }
    Ok(seen)
}
