//! Three network namespaces in a row: client, middle, server, with documentation addresses (RFC 5737).
//!
//! ```text
//!   client 192.0.2.2 ── 192.0.2.1 middle 198.51.100.1 ── 198.51.100.11… server
//! ```
//!
//! The middle forwards; what an intermediary needs beyond that are nft rules in there. The machine's own rules, routes and
//! trust stores are never touched: names come from the lab's DNS server by a `resolv.conf` under `/etc/netns`, which `ip
//! netns exec` mounts over the real one for that program only.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::process::output;

pub(crate) const MIDDLE_TO_CLIENT: &str = "192.0.2.1";
pub(crate) const CLIENT: &str = "192.0.2.2";
pub(crate) const MIDDLE_TO_SERVER: &str = "198.51.100.1";
pub(crate) const NAME_SERVER: &str = "198.51.100.53";
/// How every address of the server begins.
pub(crate) const SERVERS: &str = "198.51.100.";

/// Every namespace of every lab run begins so; the id of the run's process follows.
const PREFIX: &str = "tplab";
const OVERLAYS: &str = "/etc/netns";

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Where {
    Client,
    Middle,
    Server,
}

/// The three namespaces. Dropping it removes them and everything that runs in them.
#[derive(Debug)]
pub(crate) struct Network {
    run: String,
}

impl Network {
    /// `slot` tells the networks of one run apart; `addresses` are the server's.
    pub(crate) fn create(slot: usize, addresses: &[String]) -> Result<Self> {
        let network = Self { run: format!("{PREFIX}-{}-{slot}", std::process::id()) };
        network.build(addresses)?;
        Ok(network)
    }

    fn build(&self, addresses: &[String]) -> Result<()> {
        for place in [Where::Client, Where::Middle, Where::Server] {
            let name = self.name(place);
            ip(&["netns", "add", &name])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
            let overlay = PathBuf::from(OVERLAYS).join(&name);
            fs::create_dir_all(&overlay).with_context(|| overlay.display().to_string())?;
            fs::write(overlay.join("hosts"), "127.0.0.1 localhost\n")?;
            fs::write(overlay.join("resolv.conf"), resolv_conf(&[NAME_SERVER], &[]))?;
        }
        let (client, middle, server) = (self.name(Where::Client), self.name(Where::Middle), self.name(Where::Server));
        ip(&["link", "add", "name", "m0", "netns", &middle, "type", "veth", "peer", "name", "c0", "netns", &client])?;
        ip(&["link", "add", "name", "m1", "netns", &middle, "type", "veth", "peer", "name", "s0", "netns", &server])?;
        ip(&["-n", &client, "address", "add", &format!("{CLIENT}/24"), "dev", "c0"])?;
        ip(&["-n", &middle, "address", "add", &format!("{MIDDLE_TO_CLIENT}/24"), "dev", "m0"])?;
        ip(&["-n", &middle, "address", "add", &format!("{MIDDLE_TO_SERVER}/24"), "dev", "m1"])?;
        for address in addresses.iter().map(String::as_str).chain([NAME_SERVER]) {
            ip(&["-n", &server, "address", "add", &format!("{address}/24"), "dev", "s0"])?;
        }
        for (name, link) in [(&client, "c0"), (&middle, "m0"), (&middle, "m1"), (&server, "s0")] {
            ip(&["-n", name, "link", "set", link, "up"])?;
        }
        ip(&["-n", &client, "route", "add", "default", "via", MIDDLE_TO_CLIENT])?;
        ip(&["-n", &server, "route", "add", "default", "via", MIDDLE_TO_SERVER])?;
        let mut forward = self.command(Where::Middle, "sh");
        output(forward.args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]))?;
        Ok(())
    }

    /// Gives the client these name servers and search domains instead of the lab's own, before anything runs in there.
    pub(crate) fn ask(&self, servers: &[String], search: &[String]) -> Result<()> {
        let servers: Vec<&str> = if servers.is_empty() { vec![NAME_SERVER] } else { strs(servers) };
        let file = PathBuf::from(OVERLAYS).join(self.name(Where::Client)).join("resolv.conf");
        fs::write(&file, resolv_conf(&servers, &strs(search))).with_context(|| file.display().to_string())
    }

    /// Takes the client's routes away: a machine without a network.
    pub(crate) fn unplug(&self) -> Result<()> {
        ip(&["-n", &self.name(Where::Client), "link", "set", "c0", "down"])
    }

    /// Loads nft rules in the middle, and has connection tracking count packets, which is off by default.
    pub(crate) fn rules(&self, file: &Path) -> Result<()> {
        const ACCOUNT: &str = "f=/proc/sys/net/netfilter/nf_conntrack_acct; test ! -w $f || echo 1 > $f";
        output(self.command(Where::Middle, "nft").arg("-f").arg(file))?;
        output(self.command(Where::Middle, "sh").args(["-c", ACCOUNT]))?;
        Ok(())
    }

    pub(crate) fn name(&self, place: Where) -> String {
        let letter = match place {
            Where::Client => 'c',
            Where::Middle => 'm',
            Where::Server => 's',
        };
        format!("{}-{letter}", self.run)
    }

    /// A command that runs in there. `ip` replaces itself by the program, so the process id is the program's.
    pub(crate) fn command(&self, place: Where, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(place), program]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for place in [Where::Client, Where::Middle, Where::Server] {
            remove(&self.name(place));
        }
    }
}

fn resolv_conf(servers: &[&str], search: &[&str]) -> String {
    let mut text: String = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    if !search.is_empty() {
        text.push_str(&format!("search {}\n", search.join(" ")));
    }
    text + "options timeout:2 attempts:1\n"
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Why no namespaces can be made here; `None` where they can.
pub(crate) fn unavailable() -> Option<String> {
    let name = format!("{PREFIX}-{}-try", std::process::id());
    let tried = ip(&["netns", "add", &name]).and_then(|()| {
        let found = output(Command::new("nft").args(["--version"])).map(drop);
        let overlay = fs::create_dir_all(PathBuf::from(OVERLAYS).join(&name)).context("/etc/netns is not writable");
        let inside = output(Command::new("ip").args(["netns", "exec", &name, "true"])).map(drop);
        found.and(overlay).and(inside)
    });
    remove(&name);
    let why = tried.err()?;
    let missing = |e: &std::io::Error| e.kind() == ErrorKind::NotFound;
    if why.downcast_ref::<std::io::Error>().is_some_and(missing) {
        return Some("ip or nft is not installed".into());
    }
    Some(format!("network namespaces need root or CAP_NET_ADMIN and CAP_SYS_ADMIN ({why:#})"))
}

/// Removes the namespaces of runs that are no more.
pub(crate) fn remove_leftovers(alive: impl Fn(u32) -> bool) {
    let Ok(list) = output(Command::new("ip").args(["netns", "list"])) else { return };
    for name in list.lines().filter_map(|line| line.split_whitespace().next()) {
        let mut parts = name.split('-');
        let ours = parts.next() == Some(PREFIX);
        if ours && parts.next().and_then(|id| id.parse().ok()).is_some_and(|id| !alive(id)) {
            remove(name);
        }
    }
}

fn remove(name: &str) {
    if let Ok(ids) = output(Command::new("ip").args(["netns", "pids", name])) {
        for id in ids.split_whitespace().filter_map(|id| id.parse().ok()).filter_map(rustix::process::Pid::from_raw) {
            let _gone = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
    let _absent = ip(&["netns", "delete", name]);
    let _absent = fs::remove_dir_all(PathBuf::from(OVERLAYS).join(name));
}

fn ip(arguments: &[&str]) -> Result<()> {
    output(Command::new("ip").args(arguments)).map(drop)
}
