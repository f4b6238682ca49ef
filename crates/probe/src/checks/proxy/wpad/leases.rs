//! Option 252 in the leases that DHCP clients keep: ISC dhclient, systemd-networkd, dhcpcd, and NetworkManager by its
//! tool. Reading them sends nothing and needs no rights beyond reading.

use std::path::{Path, PathBuf};

use wire::dhcp::{Message, option, wpad_url};

use super::Told;
use crate::checks::proxy::file::read_file;
use crate::checks::proxy::system::{nmcli, read_text};

/// Files read of one folder.
const FILES_LIMIT: usize = 16;

/// One kind of lease file.
struct Keeper {
    folder: &'static str,
    /// How the file's name begins and ends.
    name: (&'static str, &'static str),
    url: fn(&Path) -> Option<String>,
}

const KEEPERS: &[Keeper] = &[
    Keeper { folder: "/run/systemd/netif/leases", name: ("", ""), url: |file| networkd(&read_text(file)?) },
    Keeper { folder: "/var/lib/dhcp", name: ("dhclient", ".leases"), url: |file| dhclient(&read_text(file)?) },
    Keeper { folder: "/var/lib/dhclient", name: ("dhclient", ".leases"), url: |file| dhclient(&read_text(file)?) },
    Keeper { folder: "/var/lib/NetworkManager", name: ("dhclient", ".lease"), url: |file| dhclient(&read_text(file)?) },
    Keeper { folder: "/var/lib/dhcpcd", name: ("", ".lease"), url: |file| dhcpcd(file) },
];

/// The leases that name a script. Those that name none say nothing: the server was perhaps not asked for one.
pub(super) async fn told() -> Vec<Told> {
    let (files, managed) = tokio::join!(tokio::task::spawn_blocking(in_files), nmcli());
    let managed = managed.as_deref().map(network_manager).unwrap_or_default();
    let managed =
        managed.into_iter().map(|(device, url)| Told { by: format!("NetworkManager: {device}"), url: Ok(Some(url)) });
    files.unwrap_or_default().into_iter().chain(managed).collect()
}

fn in_files() -> Vec<Told> {
    let mut told = Vec::new();
    for keeper in KEEPERS {
        for file in files(keeper) {
            if let Some(url) = (keeper.url)(&file) {
                told.push(Told { by: file.display().to_string(), url: Ok(Some(url)) });
            }
        }
    }
    told
}

fn files(keeper: &Keeper) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(keeper.folder) else { return Vec::new() };
    let (start, end) = keeper.name;
    let belongs = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(start) && name.ends_with(end) && path.is_file()
    };
    let mut files: Vec<PathBuf> =
        entries.take(1_000).filter_map(|entry| Some(entry.ok()?.path())).filter(belongs).collect();
    files.sort();
    files.truncate(FILES_LIMIT);
    files
}

/// `OPTION_252=` and the value in hex (sd-dhcp-lease of systemd, for private options).
fn networkd(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("OPTION_252="))?;
    wpad_url(&hex::decode(value.trim()).ok()?).map(str::to_owned)
}

/// The last lease of `dhclient.leases(5)` counts. The option has no name there, unless the configuration gives it one.
fn dhclient(text: &str) -> Option<String> {
    const NAMES: [&str; 7] = [
        "unknown-252",
        "option-252",
        "wpad",
        "wpad-url",
        "auto-proxy-config",
        "proxy-auto-config",
        "private-proxy-autodiscovery",
    ];
    let value = text.lines().rev().find_map(|line| {
        let (name, value) = line.trim().strip_prefix("option ")?.split_once(' ')?;
        NAMES.contains(&name).then(|| value.trim().trim_end_matches(';').trim())
    })?;
    if let Some(string) = value.strip_prefix('"') {
        // Octets that are not printable are in octal: a final zero, a line end.
        let string =
            string.trim_end_matches('"').trim_end_matches("\\000").trim_end_matches("\\012").trim_end_matches("\\n");
        return wpad_url(string.as_bytes()).map(str::to_owned);
    }
    let octets: Option<Vec<u8>> = value.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    wpad_url(&octets?).map(str::to_owned)
}

/// The server's message as it came.
fn dhcpcd(file: &Path) -> Option<String> {
    let message = Message::parse(&read_file(file, wire::dhcp::MESSAGE_LIMIT).ok()?).ok()?;
    wpad_url(message.option(option::WPAD)?).map(str::to_owned)
}

/// Device and URL out of `GENERAL.DEVICE:eth0` and `DHCP4.OPTION[7]:wpad = http\://...`, where colons are escaped.
fn network_manager(text: &str) -> Vec<(String, String)> {
    let mut device = String::new();
    let mut found = Vec::new();
    for line in text.lines().take(10_000) {
        if let Some(name) = line.strip_prefix("GENERAL.DEVICE:") {
            device = name.chars().take(64).collect();
        } else if line.starts_with("DHCP4.OPTION[")
            && let Some((_, option)) = line.split_once("]:")
            && let Some((name, value)) = option.split_once(" = ")
            && matches!(name, "wpad" | "private_proxy_autodiscovery" | "unknown_252")
            && let Some(url) = wpad_url(value.replace("\\:", ":").as_bytes())
        {
            found.push((device.clone(), url.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://wpad.example/wpad.dat";

    #[test]
    fn leases_of_every_client() {
        assert_eq!(networkd(&format!("ADDRESS=192.0.2.9\nOPTION_252={}\n", hex::encode(URL))).as_deref(), Some(URL));
        assert_eq!(networkd("ADDRESS=192.0.2.9\nOPTION_252=zz\n"), None);
        let lease = |line: &str| format!("lease {{\n  interface \"eth0\";\n  {line}\n}}\n");
        let octets: Vec<String> = URL.bytes().map(|octet| format!("{octet:x}")).collect();
        for line in [
            format!("option unknown-252 \"{URL}\\000\";"),
            format!("option wpad \"{URL}\";"),
            format!("option option-252 {};", octets.join(":")),
        ] {
            let text = lease("option wpad \"http://old.example/\";") + &lease(&line);
            assert_eq!(dhclient(&text).as_deref(), Some(URL), "{line}");
        }
        assert_eq!(dhclient(&lease("option unknown-252 \"\\012\";")), None);
        let text = "GENERAL.DEVICE:eth0\nDHCP4.OPTION[1]:domain_name = x\n\
                    DHCP4.OPTION[2]:wpad = http\\://wpad.example/wpad.dat\n\nGENERAL.DEVICE:lo\n";
        assert_eq!(network_manager(text), [("eth0".to_owned(), URL.to_owned())]);
    }
}
