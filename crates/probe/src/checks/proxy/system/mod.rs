//! The system's own settings: what browsers follow unless told otherwise. Each desktop keeps them elsewhere; the text
//! that its tool prints, or its file holds, is read by a function of its own that every platform tests.

#[cfg(any(test, not(any(windows, target_os = "macos"))))]
mod gnome;
#[cfg(any(test, not(any(windows, target_os = "macos"))))]
mod kde;
#[cfg(any(test, target_os = "macos"))]
mod macos;
#[cfg(any(test, windows))]
mod windows;

use std::time::Duration;

use model::{Attempt, FailureKind, Operation, ProxySourceKind};
use tokio::time::Instant;

use super::Source;
use super::bypass::Bypass;
use super::script::From;
use crate::failure::Stopwatch;
use crate::host::Context;
use crate::proxy::Proxy;

/// How long a tool may take that prints settings.
const TOOL_LIMIT: Duration = Duration::from_secs(2);
/// Octets read of what a tool prints, and of a file.
const TEXT_LIMIT: usize = 256 * 1024;

/// What one place of the system says.
#[derive(Debug)]
enum Setting {
    /// No proxy.
    Direct,
    Fixed {
        proxy: Result<Proxy, String>,
        bypass: Bypass,
    },
    Script(String),
    /// WPAD, which is asked by itself.
    Discover,
    /// What the environment says, which is read by itself.
    #[cfg_attr(
        all(not(test), any(windows, target_os = "macos")),
        expect(dead_code, reason = "only KDE has settings that say so")
    )]
    Environment,
}

pub(super) async fn sources(context: &Context, deadline: Instant) -> Vec<Source> {
    platform::sources(context, deadline).await
}

impl Setting {
    async fn source(self, context: &Context, deadline: Instant, name: &str) -> Source {
        use model::ProxySetting;
        let kind = ProxySourceKind::System;
        match self {
            Self::Direct => Source::without(kind, name, Attempt::Seen(ProxySetting::Direct)),
            Self::Fixed { proxy: Ok(proxy), bypass } => Source::fixed(kind, name, proxy, bypass),
            Self::Fixed { proxy: Err(why), .. } => failed(name, &why),
            Self::Script(url) => Source::script(context, deadline, kind, name, &url, From::Anywhere).await,
            Self::Discover => Source::without(kind, name, Attempt::not_applicable("it says: discover it (WPAD)")),
            Self::Environment => Source::without(kind, name, Attempt::not_applicable("it says: as the environment")),
        }
    }

    fn fixed(url: &str, bypass: Bypass) -> Self {
        Self::Fixed { proxy: Proxy::from_setting(url).map_err(|error| error.to_string()), bypass }
    }
}

fn failed(name: &str, why: &str) -> Source {
    let failure = Stopwatch::start().failure(Operation::Exchange, FailureKind::Local, why);
    Source::without(ProxySourceKind::System, name, Attempt::Failed(failure))
}

/// What a tool of the system prints; `Ok(None)` where the machine has no such tool.
async fn printed_by(program: &str, arguments: &[&str]) -> Result<Option<String>, String> {
    use std::process::Stdio;
    use tokio::io::AsyncReadExt;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{program}: {error}")),
    };
    let mut text = Vec::new();
    let reading = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(TEXT_LIMIT as u64).read_to_end(&mut text).await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(TOOL_LIMIT, reading).await {
        Ok(Ok(status)) if status.success() => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
        Ok(Ok(status)) => Err(format!("{program} ended with {status}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_elapsed) => Err(format!("{program} printed nothing within {} s", TOOL_LIMIT.as_secs())),
    }
}

pub(super) use tools::{nmcli, read_text};

mod tools {
    use super::{TEXT_LIMIT, printed_by};
    use crate::checks::proxy::file::read_file;

    /// What NetworkManager says of the leases that it has.
    pub(in crate::checks::proxy) async fn nmcli() -> Option<String> {
        printed_by("nmcli", &["--terse", "--fields", "GENERAL.DEVICE,DHCP4", "device", "show"]).await.ok().flatten()
    }

    /// The text of a regular file that is not larger than the limit. Waits for the disk.
    pub(in crate::checks::proxy) fn read_text(path: &std::path::Path) -> Option<String> {
        Some(String::from_utf8_lossy(&read_file(path, TEXT_LIMIT).ok()?).into_owned())
    }
}

#[cfg(not(any(windows, target_os = "macos")))]
mod platform {
    use std::path::PathBuf;

    use model::{Attempt, ProxySourceKind};

    use super::{Context, Instant, Source, failed, gnome, kde, printed_by, read_text};
    use crate::checks::proxy::environment;

    pub(super) async fn sources(context: &Context, deadline: Instant) -> Vec<Source> {
        let gnome = async {
            match printed_by("gsettings", &["list-recursively", gnome::SCHEMA]).await {
                Ok(None) => None,
                Ok(Some(text)) => match gnome::read(&text) {
                    Some(setting) => Some(setting.source(context, deadline, "GNOME").await),
                    None => Some(failed("GNOME", "gsettings knows no proxy mode")),
                },
                // Without the schema, which a machine without a desktop lacks, the tool ends with an error.
                Err(why) => Some(failed("GNOME", &why)),
            }
        };
        let kde = async {
            let text = text_of(kde_file()?).await?;
            Some(kde::read(&text).source(context, deadline, "KDE").await)
        };
        let (gnome, kde, file) = tokio::join!(gnome, kde, text_of(PathBuf::from(FILE)));
        let file = file
            .map(|text| environment_of_file(&text))
            .and_then(|variables| environment::read(ProxySourceKind::System, Some(FILE), &variables));
        let found: Vec<Source> = gnome.into_iter().chain(kde).chain(file).collect();
        if found.is_empty() {
            let why = Attempt::not_applicable("neither GNOME nor KDE nor /etc/environment has settings");
            return vec![Source::without(ProxySourceKind::System, "system", why)];
        }
        found
    }

    async fn text_of(file: PathBuf) -> Option<String> {
        tokio::task::spawn_blocking(move || read_text(&file)).await.ok().flatten()
    }

    /// pam_env(8) gives its variables to every session.
    const FILE: &str = "/etc/environment";

    fn kde_file() -> Option<PathBuf> {
        let folder = match std::env::var_os("XDG_CONFIG_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(std::env::var_os("HOME")?).join(".config"),
        };
        Some(folder.join("kioslaverc"))
    }

    /// `NAME=value`, perhaps with `export` in front and in quotes.
    pub(super) fn environment_of_file(text: &str) -> std::collections::BTreeMap<String, String> {
        let variables = text.lines().take(1_000).filter_map(|line| {
            let line = line.trim();
            let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
            let value = value.trim();
            let value =
                ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
            Some((name.trim().to_owned(), value.to_owned()))
        });
        variables.filter(|(name, _)| !name.starts_with('#')).collect()
    }
}

#[cfg(windows)]
mod platform {
    use futures_util::future::join_all;

    use super::{Context, Instant, Source, failed, printed_by, windows};

    pub(super) async fn sources(context: &Context, deadline: Instant) -> Vec<Source> {
        let name = "Internet settings";
        match printed_by("reg", &["query", windows::KEY]).await {
            Ok(Some(text)) => {
                let connections = printed_by("reg", &["query", windows::CONNECTIONS_KEY]).await.ok().flatten();
                let settings = windows::read(&text, connections.as_deref()).into_iter();
                join_all(settings.map(|setting| setting.source(context, deadline, name))).await
            }
            Ok(None) => vec![failed(name, "there is no reg.exe")],
            Err(why) => vec![failed(name, &why)],
        }
    }
}

#[cfg(target_os = "macos")]
mod platform {
    use futures_util::future::join_all;

    use super::{Context, Instant, Source, failed, macos, printed_by};

    pub(super) async fn sources(context: &Context, deadline: Instant) -> Vec<Source> {
        let name = "network settings";
        match printed_by("scutil", &["--proxy"]).await {
            Ok(Some(text)) => {
                let settings = macos::read(&text).into_iter();
                join_all(settings.map(|setting| setting.source(context, deadline, name))).await
            }
            Ok(None) => vec![failed(name, "there is no scutil")],
            Err(why) => vec![failed(name, &why)],
        }
    }
}

#[cfg(all(test, not(any(windows, target_os = "macos"))))]
mod tests {
    use super::platform::environment_of_file;
    use super::printed_by;

    #[test]
    fn variables_of_a_file() {
        let read = environment_of_file("# x=y\nPATH=\"/bin\"\nexport https_proxy='http://p:1'\nno_proxy=a,b\nbroken\n");
        let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, [("PATH", "/bin"), ("https_proxy", "http://p:1"), ("no_proxy", "a,b")]);
    }

    #[tokio::test]
    async fn tools_that_are_not_there_and_tools_that_hang() {
        assert_eq!(printed_by("no-such-tool-of-truepath", &[]).await, Ok(None));
        assert_eq!(printed_by("echo", &["x"]).await, Ok(Some("x\n".to_owned())));
        assert!(printed_by("sleep", &["30"]).await.unwrap_err().contains("within"));
        assert!(printed_by("false", &[]).await.unwrap_err().contains("ended with"));
        // One that prints without end is cut off.
        assert!(printed_by("yes", &[]).await.is_err());
    }
}
