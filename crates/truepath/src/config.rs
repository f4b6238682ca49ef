//! The configuration file: names that an admin gave to devices, by their key.
//!
//! ```toml
//! [[device]]
//! spki_sha256 = "8f43..."       # of the certificate authority that the device signs with, or of its own certificate
//! name = "Proxy in Lisbon"
//! vendor = "Contoso IT"         # optional
//! ```

use std::path::{Path, PathBuf};

use anyhow::Result;
use detect::{AdminName, Knowledge};
use serde::Deserialize;

use crate::exit::misuse;
use crate::inputs::read_text;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    device: Vec<Device>,
    /// Where it was read from, for errors.
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    spki_sha256: String,
    name: String,
    #[serde(default)]
    vendor: String,
}

impl Config {
    /// Reads the file given, or the one in its usual place if there is one.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => match usual_place().filter(|path| path.is_file()) {
                Some(path) => path,
                None => return Ok(Self::default()),
            },
        };
        let text = read_text(&path)?;
        let config: Self = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            misuse(format!("{}: line {line}: {}", path.display(), error.message()))
        })?;
        Ok(Self { path, ..config })
    }

    /// What is known, with the names of this file.
    pub(crate) fn name_devices(self, knowledge: Knowledge) -> Result<Knowledge> {
        self.device.into_iter().try_fold(knowledge, |knowledge, Device { spki_sha256, name, vendor }| {
            let named = AdminName { product: name, vendor };
            knowledge
                .with_name(&spki_sha256, named)
                .map_err(|error| misuse(format!("{}: device.spki_sha256: {error}", self.path.display())))
        })
    }
}

fn usual_place() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".config"),
    };
    Some(base.join("truepath/config.toml"))
}
