//! Programs that the lab starts: each in a process group of its own, with its output in a file, ended by that group alone.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    net::Ipv4Addr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::interrupt;

/// What a program may take to open its sockets, and to go when it is asked to.
const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_millis(1500);

/// A socket that a program listens on: how the lab knows that it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    udp: bool,
    /// Where it matters, because another program has the same port on another address.
    address: Option<Ipv4Addr>,
    port: u16,
}

impl Socket {
    pub(crate) fn tcp(port: u16) -> Self {
        Self { udp: false, address: None, port }
    }

    pub(crate) fn udp(port: u16) -> Self {
        Self { udp: true, address: None, port }
    }

    pub(crate) fn at(self, address: Ipv4Addr) -> Self {
        Self { address: Some(address), ..self }
    }
}

/// The list of started process groups, for a later run to find what a crashed one left.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(pub(crate) PathBuf);

/// A running program. Dropping it ends its whole group.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) log: PathBuf,
    child: Child,
    group: Pid,
    status: Option<ExitStatus>,
}

impl Program {
    pub(crate) fn start(name: &str, mut command: Command, log: &Path, ledger: &Ledger) -> Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(log).context("no log file")?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        Self::spawn(name, command, log, ledger)
    }

    /// As `start`, but what it prints to its standard output goes to a file of its own.
    pub(crate) fn start_with_output(
        name: &str,
        mut command: Command,
        to: &Path,
        log: &Path,
        ledger: &Ledger,
    ) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(File::create(to)?).stderr(File::create(log)?).process_group(0);
        Self::spawn(name, command, log, ledger)
    }

    fn spawn(name: &str, mut command: Command, log: &Path, ledger: &Ledger) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("{name}: cannot start {:?}", command.get_program()))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id out of range")?;
        let program = Self { name: name.to_owned(), log: log.to_owned(), child, group, status: None };
        ledger.note(program.id())?;
        Ok(program)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it listens on all of these.
    pub(crate) fn wait_for(&mut self, sockets: &[Socket]) -> Result<()> {
        let id = self.id();
        self.wait_until(&format!("does not listen on {sockets:?}"), || sockets.iter().all(|socket| listens(id, socket)))
    }

    /// Waits until it has made all of these files.
    pub(crate) fn wait_for_files(&mut self, files: &[PathBuf]) -> Result<()> {
        let made = |file: &PathBuf| fs::metadata(file).is_ok_and(|file| file.len() > 0);
        self.wait_until(&format!("has not made {files:?}"), || files.iter().all(made))
    }

    fn wait_until(&mut self, otherwise: &str, ready: impl Fn() -> bool) -> Result<()> {
        let waited = interrupt::wait(START_LIMIT, || {
            if let Some(status) = self.ended()? {
                bail!("{} ended with {status} before it was ready; see {}", self.name, self.log.display());
            }
            Ok(ready().then_some(()))
        })?;
        if waited.is_none() {
            bail!("{} {otherwise} after {START_LIMIT:?}; see {}", self.name, self.log.display());
        }
        Ok(())
    }

    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status)
    }

    /// The most memory it ever held, as the kernel counts it; nothing once it has ended.
    pub(crate) fn peak_memory_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Asks the group to end, and does not wait for it.
    pub(crate) fn ask_to_end(&self) {
        let _gone = kill_process_group(self.group, Signal::TERM);
    }

    /// Asks the group to end, then ends it.
    pub(crate) fn stop(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            if kill_process_group(self.group, signal).is_err() {
                break;
            }
            // Not the interruptible wait: this is what an interrupt leads to.
            let start = std::time::Instant::now();
            while start.elapsed() < STOP_LIMIT {
                let _reaped = self.ended();
                if test_kill_process_group(self.group).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let _reaped = self.ended();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Ledger {
    fn note(&self, id: u32) -> Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.0).context("no process list")?;
        Ok(writeln!(file, "{id} {}", started(id).unwrap_or_default())?)
    }

    /// Ends what stands in the list and still is what it was when it was noted: a process id alone may have a new owner.
    pub(crate) fn end_all(&self) {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        for line in text.lines() {
            let Some((id, start)) = line.split_once(' ') else { continue };
            let (Ok(id), Ok(start)) = (id.parse::<u32>(), start.parse::<u64>()) else { continue };
            if started(id) != Some(start) {
                continue;
            }
            if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
                let _gone = kill_process_group(group, Signal::KILL);
            }
        }
        let _gone = fs::remove_file(&self.0);
    }
}

/// Runs a command to its end and gives what it printed; an error with its words where it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = words(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{shown}: {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// When a process started, in clock ticks since boot: field 22 of proc_pid_stat(5), counted behind the name in brackets.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether anything listens there in the network namespace that this process lives in.
fn listens(id: u32, socket: &Socket) -> bool {
    const LISTEN: &str = "0A";
    const UNCONNECTED: &str = "07";
    let (files, state) = if socket.udp { (["udp", "udp6"], UNCONNECTED) } else { (["tcp", "tcp6"], LISTEN) };
    files.iter().any(|file| {
        let table = fs::read_to_string(format!("/proc/{id}/net/{file}")).unwrap_or_default();
        table.lines().skip(1).any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let Some((address, port)) = fields.next().and_then(|local| local.rsplit_once(':')) else { return false };
            u16::from_str_radix(port, 16) == Ok(socket.port)
                && fields.nth(1) == Some(state)
                && socket.address.is_none_or(|wanted| covers(address, wanted))
        })
    })
}

/// Whether a local address of proc_pid_net(5) takes what is sent to this one. It is the number as it lies in memory.
fn covers(local: &str, wanted: Ipv4Addr) -> bool {
    let wildcard = local.bytes().all(|digit| digit == b'0');
    wildcard || u32::from_str_radix(local, 16).is_ok_and(|number| Ipv4Addr::from(number.to_ne_bytes()) == wanted)
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Program, Socket, listens, started};
    use std::{net::TcpListener, process::Command, time::Instant};

    #[test]
    fn a_group_ends_with_its_program() {
        let directory = std::env::temp_dir().join(format!("lab-process-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let ledger = Ledger(directory.join("processes"));
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let output = directory.join("out");
        let program = Program::start_with_output("sh", command, &output, &directory.join("log"), &ledger).unwrap();
        let start = Instant::now();
        let grandchild = loop {
            if let Ok(id) = std::fs::read_to_string(&output).unwrap().trim().parse::<u32>() {
                break id;
            }
            assert!(start.elapsed().as_secs() < 10);
        };
        assert!(started(grandchild).is_some());
        drop(program);
        // A zombie of init's may linger, but it has no memory of its own any more.
        let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z"), "{stat}");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_listening_socket_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let here = |socket| listens(std::process::id(), &socket);
        assert!(here(Socket::tcp(port)));
        assert!(here(Socket::tcp(port).at([127, 0, 0, 1].into())));
        assert!(!here(Socket::tcp(port).at([127, 0, 0, 2].into())));
        drop(listener);
        assert!(!here(Socket::tcp(port)));
    }
}
