//! The lab's public key infrastructure: made anew for each run, so that no key is ever worth anything elsewhere.
//!
//! Public side: "Lab Public Root" and "Lab Public Issuing CA 1", which issues the origin's certificate with embedded
//! SCTs of two lab logs. `check` gets the root with `--public-roots` and the logs with `--ct-logs`, so that what it does
//! with the Mozilla roots and the real logs is done here with ours.
//!
//! Hostile side: an inspection CA for each scenario, in the client's system store only; an authority with the issuing
//! CA's own name and another key; a subordinate of the public root that issues without SCTs, or with SCTs of a log that
//! nobody knows; a self-signed portal; a chain of 200 certificates. And an honest private one, for `--trust-roots`.

mod authority;
mod clock;
mod der;
mod transparency;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{KeyPair, PKCS_ED25519};

use self::{
    authority::{Authority, Issued, rsa},
    clock::Clock,
    transparency::Log,
};

const PUBLIC: &str = "Lab Public Trust Services";
const ISSUING: &str = "Lab Public Issuing CA 1";

/// What all scenarios of a run share, as files.
pub(crate) struct Pki {
    directory: PathBuf,
    clock: Clock,
    names: Vec<String>,
    /// Placeholder to file, e.g. `origin.certificate`.
    files: BTreeMap<String, PathBuf>,
    reflector_key: String,
}

impl Pki {
    /// `names` are the DNS names for which every leaf is issued.
    pub(crate) fn create(directory: &Path, names: &[String]) -> Result<Self> {
        let clock = Clock::read()?;
        let mut pki = Self::empty(directory, clock, names.to_vec())?;

        let logs = [Log::new("Lab Log Alpha")?, Log::new("Lab Log Beta")?];
        let known: Vec<&Log> = logs.iter().collect();
        let stranger = Log::new("Lab Log that nobody knows")?;
        let root = Authority::root(PUBLIC, "Lab Public Root", KeyPair::generate()?, clock)?;
        let issuing = root.subordinate(PUBLIC, ISSUING, clock)?;
        pki.authority("public", &root)?;
        pki.write("ct.logs", "ct-logs.json", serde_json::to_string_pretty(&transparency::list(&known, clock)?)?)?;

        pki.issued("origin", &issuing.issue(names, &known, clock)?)?;
        let rogue = root.subordinate("Lab Rogue Holdings", "Lab Rogue Subordinate CA", clock)?;
        pki.issued("without-scts", &rogue.issue(names, &[], clock)?)?;
        pki.issued("foreign-scts", &rogue.issue(names, &[&stranger], clock)?)?;

        // The name is the issuing CA's, the key is not.
        let mimic = Authority::root(PUBLIC, ISSUING, rsa()?, clock)?;
        pki.authority("mimic", &mimic)?;
        pki.issued("mimic-leaf", &mimic.issue(names, &[&stranger], clock)?)?;

        let private = Authority::root("Fabrikam", "Fabrikam Private Root", KeyPair::generate()?, clock)?;
        pki.authority("private", &private)?;
        pki.issued("private-leaf", &private.issue(names, &[], clock)?)?;

        let portal = Authority::root("Hotel", "Hotel Guest Network", KeyPair::generate()?, clock)?;
        pki.issued("portal-leaf", &portal.issue(&["portal.hotel.example".into()], &[], clock)?)?;
        pki.issued("long-chain", &long_chain(names, clock)?)?;

        let signing = KeyPair::generate_for(&PKCS_ED25519)?;
        pki.write("reflector.signing-key", "reflector-signing.der", signing.serialized_der())?;
        pki.reflector_key = hex::encode(signing.public_key_raw());
        Ok(pki)
    }

    /// The key that the reflector signs its answers with: what a client pins, in hex.
    pub(crate) fn reflector_key(&self) -> &str {
        &self.reflector_key
    }

    /// Files of the run, by placeholder.
    pub(crate) fn files(&self) -> &BTreeMap<String, PathBuf> {
        &self.files
    }

    /// An inspection CA of a scenario's own, and one leaf of it for products that take a certificate instead of making
    /// one. Gives placeholders like [`Pki::files`].
    pub(crate) fn inspection(&self, company: &str, directory: &Path) -> Result<BTreeMap<String, PathBuf>> {
        let name = format!("{company} Inspection CA");
        let inspection = Authority::root(company, &name, rsa()?, self.clock)?;
        let mut pki = Self::empty(directory, self.clock, self.names.clone())?;
        pki.authority("inspection", &inspection)?;
        pki.issued("inspection-leaf", &inspection.issue(&self.names, &[], self.clock)?)?;
        Ok(pki.files)
    }

    fn empty(directory: &Path, clock: Clock, names: Vec<String>) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        Ok(Self { directory: directory.to_owned(), clock, names, files: BTreeMap::new(), reflector_key: String::new() })
    }

    fn authority(&mut self, name: &str, authority: &Authority) -> Result<()> {
        self.certificate_and_key(name, &pem(&[authority.certificate()]), &authority.key_pem())
    }

    fn issued(&mut self, name: &str, issued: &Issued) -> Result<()> {
        let chain: Vec<&[u8]> = issued.chain.iter().map(Vec::as_slice).collect();
        self.certificate_and_key(name, &pem(&chain), &issued.key_pem)
    }

    fn certificate_and_key(&mut self, name: &str, certificate: &str, key: &str) -> Result<()> {
        self.write(&format!("{name}.certificate"), &format!("{name}.crt"), certificate)?;
        self.write(&format!("{name}.key"), &format!("{name}.key"), key)?;
        self.write(&format!("{name}.both"), &format!("{name}.pem"), format!("{key}{certificate}"))
    }

    fn write(&mut self, placeholder: &str, file: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let path = self.directory.join(file);
        fs::write(&path, content).with_context(|| path.display().to_string())?;
        self.files.insert(placeholder.to_owned(), path);
        Ok(())
    }
}

/// A leaf under 199 authorities: more than anybody needs, less than a length field forbids.
fn long_chain(names: &[String], clock: Clock) -> Result<Issued> {
    let top = Authority::root("Long", "Long Chain Root", KeyPair::generate()?, clock)?;
    let mut issued = top.issue(names, &[], clock)?;
    for number in issued.chain.len()..200 {
        let link = top.subordinate("Long", &format!("Long Chain Link {number}"), clock)?;
        issued.chain.push(link.certificate().to_vec());
    }
    Ok(issued)
}

fn pem(certificates: &[&[u8]]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut encoded = BASE64_STANDARD.encode(certificate);
        while !encoded.is_empty() {
            let rest = encoded.split_off(encoded.len().min(64));
            text.push_str(&encoded);
            text.push('\n');
            encoded = rest;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{
        authority::Authority,
        clock::Clock,
        der::{element, tbs_certificate, value},
        transparency::Log,
    };

    /// RFC 6962 section 3.2: a client rebuilds what the log signed by taking the SCT extension out of the certificate. So
    /// that must give, octet for octet, the TBSCertificate of the same certificate issued without it.
    #[test]
    fn without_its_scts_the_certificate_is_what_the_logs_signed() {
        const SCT_LIST: [u8; 12] = [6, 10, 0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
        let clock = Clock::read().unwrap();
        let log = Log::new("log").unwrap();
        let root = Authority::root("O", "Root", rcgen::KeyPair::generate().unwrap(), clock).unwrap();
        let issued = root.issue(&["a.example".into()], &[&log], clock).unwrap();
        let tbs = tbs_certificate(&issued.chain[0]).unwrap();

        // The extensions are the last field of the TBSCertificate: [3] { SEQUENCE OF Extension }.
        let mut fields = Vec::new();
        let (mut rest, _) = value(tbs).unwrap();
        while !rest.is_empty() {
            let (_, behind) = value(rest).unwrap();
            fields.push(&rest[..rest.len() - behind.len()]);
            rest = behind;
        }
        let extensions = fields.pop().unwrap();
        let (mut rest, _) = value(value(extensions).unwrap().0).unwrap();
        let (mut kept, mut list) = (Vec::new(), None);
        while !rest.is_empty() {
            let (extension, behind) = value(rest).unwrap();
            match extension.strip_prefix(&SCT_LIST) {
                Some(octets) => list = Some(value(value(octets).unwrap().0).unwrap().0.to_vec()),
                None => kept.extend_from_slice(&rest[..rest.len() - behind.len()]),
            }
            rest = behind;
        }
        let mut without = fields.concat();
        without.extend(element(0xa3, &element(0x30, &kept)));
        let without = element(0x30, &without);

        // The one SCT: list length, SCT length, version, log, time, extensions, algorithm, signature length, signature.
        let list = list.unwrap();
        let at = u64::from_be_bytes(list[37..45].try_into().unwrap());
        assert!(log.verifies(&list[51..], &without, &root.key_info(), at));
    }
}
