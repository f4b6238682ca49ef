//! One line: text of a stranger in, a verdict out.

use std::collections::HashMap;
use std::net::IpAddr;

use detect::Classifier;
use model::{ClassifiedLine, HelloFacts, Observation, State, Transport};
use serde::{Deserialize, Serialize};
use wire::fingerprint::Fingerprints;
use wire::tls::{read_hello_lists, read_hello_or_records, read_ja3_text};

use super::blocks::LONGEST_LINE;
use super::summary::Tally;

/// Whose network an address belongs to, by number.
type Networks = Box<dyn Fn(IpAddr) -> Option<u32> + Send + Sync>;

/// What every worker shares.
pub(crate) struct Judge {
    pub(crate) classifier: Classifier,
    pub(crate) networks: Option<Networks>,
}

impl Judge {
    pub(super) fn worker(&self) -> Worker<'_> {
        Worker { judge: self, hello: HelloFacts::default(), octets: Vec::new(), fingerprints: Fingerprints::new() }
    }
}

/// One thread's part, with the room that it uses again for each line.
pub(super) struct Worker<'a> {
    judge: &'a Judge,
    hello: HelloFacts,
    octets: Vec<u8>,
    fingerprints: Fingerprints,
}

/// A line that could not be read, as it is answered.
#[derive(Serialize)]
struct Unread<'a> {
    line: u64,
    error: &'a str,
}

impl Worker<'_> {
    /// Judges a line. `out` gets the answer as a line of its own, where there is one to write.
    pub(super) fn line(&mut self, number: u64, line: &[u8], out: Option<&mut Vec<u8>>, tally: &mut Tally) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        tally.lines += 1;
        match self.judged(line) {
            Ok((observation, answer)) => {
                let verdict = &answer.classification;
                let location = observation.location.as_deref().unwrap_or_default();
                let product = (verdict.state >= State::Manipulated)
                    .then(|| verdict.attribution.first().map_or("unknown", |first| first.product.as_str()));
                tally.count(&observation.tenant, location, verdict.state, product);
                if let Some(out) = out {
                    write(out, &ClassifiedLine { line: number, ..answer });
                }
            }
            Err(error) => {
                tally.unread += 1;
                if let Some(out) = out {
                    write(out, &Unread { line: number, error: &error });
                }
            }
        }
    }

    fn judged<'l>(&mut self, line: &'l [u8]) -> Result<(Observation<'l>, ClassifiedLine), String> {
        if line.len() > LONGEST_LINE {
            return Err(format!("longer than {} KiB", LONGEST_LINE >> 10));
        }
        let observation = read(line)?;
        let (known, damage) = match self.read_hello(&observation) {
            Ok(known) => (known, None),
            Err(damage) => (false, Some(damage)),
        };
        let hello = known.then_some(&self.hello);
        let network = match (&self.judge.networks, observation.client_ip) {
            (Some(networks), Some(address)) => networks(address),
            _ => None,
        };
        let classification = self.judge.classifier.classify(&observation, hello, network);
        let transport = observation.transport.unwrap_or(Transport::Tcp);
        let (ja3, ja4) = hello.map_or((None, None), |hello| self.fingerprints.of(hello, transport));
        let (ja3, ja4) = (ja3.map(|ja3| ja3.as_str().to_owned()), ja4.map(|ja4| ja4.as_str().to_owned()));
        Ok((observation, ClassifiedLine { line: 0, classification, ja4, ja3, damage }))
    }

    /// Reads what there is of a ClientHello; false where there is nothing. What is damaged takes nothing from the rest of
    /// the line.
    fn read_hello(&mut self, observation: &Observation<'_>) -> Result<bool, String> {
        if let Some(hex) = observation.client_hello.as_deref() {
            self.octets.resize(hex.len() / 2, 0);
            faster_hex::hex_decode(hex.as_bytes(), &mut self.octets).map_err(|_| "client_hello: not hex".to_owned())?;
            read_hello_or_records(&self.octets, &mut self.hello).map_err(|error| format!("client_hello: {error}"))?;
            return Ok(true);
        }
        if let Some(text) = observation.ja3_text.as_deref() {
            read_ja3_text(text, &mut self.hello).map_err(|error| format!("ja3_text: {error}"))?;
            return Ok(true);
        }
        Ok(observation.hello.as_ref().is_some_and(|lists| read_hello_lists(lists, &mut self.hello)))
    }
}

/// The object in the line. What a log daemon writes in front of it is passed over.
fn read(line: &[u8]) -> Result<Observation<'_>, String> {
    let start = line.iter().position(|octet| *octet == b'{').ok_or("no JSON object")?;
    let object = line.get(start..).unwrap_or_default();
    let mut reader = serde_json::Deserializer::from_slice(object);
    let mut observation = Observation::deserialize(&mut reader).map_err(|error| without_place(&error))?;
    reader.end().map_err(|_| "more text after the object".to_owned())?;
    observation.drop_blanks();
    match observation.v {
        Observation::VERSION => Ok(observation),
        newer => Err(format!("version {newer} of the format; this program reads {}", Observation::VERSION)),
    }
}

/// The line is known, and the column counts from the brace.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

fn write(out: &mut Vec<u8>, line: &impl Serialize) {
    let before = out.len();
    match serde_json::to_writer(&mut *out, line) {
        Ok(()) => out.push(b'\n'),
        // Nothing of ours fails to be written into memory; half a line would be worse than none.
        Err(_) => out.truncate(before),
    }
}

/// Numbers of networks by address, from open databases; each address is looked up once.
pub(crate) fn networks(databases: Vec<crate::geo::Database>) -> Networks {
    /// Addresses remembered; then all are forgotten.
    const MOST_KNOWN: usize = 100_000;
    let known: HashMap<IpAddr, Option<u32>> = HashMap::new();
    let state = std::sync::Mutex::new((known, databases));
    Box::new(move |address| {
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (known, databases) = &mut *state;
        if let Some(found) = known.get(&address) {
            return *found;
        }
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        let found = databases.iter_mut().find_map(|database| database.lookup(address)?.asn);
        known.insert(address, found);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT: &str = r#"{"v":1,"time":"2026-11-24T00:00:00Z","tenant":"contoso","host":"outlook.office365.com""#;

    fn answers(text: &str) -> (Vec<serde_json::Value>, Tally) {
        let judge = Judge { classifier: Classifier::default(), networks: None };
        let mut worker = judge.worker();
        let (mut out, mut tally) = (Vec::new(), Tally::default());
        for (number, line) in (1..).zip(text.lines()) {
            worker.line(number, line.as_bytes(), Some(&mut out), &mut tally);
        }
        let out = String::from_utf8(out).unwrap();
        (out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), tally)
    }

    #[test]
    fn a_line_that_cannot_be_read_is_answered_with_its_number_and_reason() {
        let text = format!(
            "not a line\n{{\"v\":1}}\n\n{FRONT}}}\n{FRONT}}} and more\n{}}}\n<134>Nov 24 01:00:00 edge haproxy[7]: {FRONT},\"new\":[1]}}",
            FRONT.replace("\"v\":1", "\"v\":2")
        );
        let (lines, tally) = answers(&text);
        let of = |place: usize| (lines[place]["line"].as_u64().unwrap(), lines[place]["error"].as_str());
        assert_eq!(of(0), (1, Some("no JSON object")));
        assert_eq!(of(1), (2, Some("missing field `time`")));
        assert_eq!((of(2), lines[2]["state"].as_str()), ((4, None), Some("unknown")));
        assert_eq!(of(3), (5, Some("more text after the object")));
        assert_eq!(of(4), (6, Some("version 2 of the format; this program reads 1")));
        assert_eq!((of(5), lines[5]["state"].as_str()), ((7, None), Some("unknown")));
        assert_eq!((tally.lines, tally.unread, tally.all.unknown), (6, 4, 2));
    }

    #[test]
    fn what_is_damaged_takes_nothing_from_the_rest() {
        for (field, damage) in [
            (r#""client_hello":"zz""#, "client_hello: not hex"),
            (r#""client_hello":"010""#, "client_hello: not hex"),
            (r#""client_hello":"01000005""#, "client_hello: "),
            (r#""ja3_text":"771;4865""#, "ja3_text: "),
        ] {
            let (lines, _) = answers(&format!("{FRONT},{field}}}"));
            assert!(lines[0]["damage"].as_str().unwrap().starts_with(damage), "{}", lines[0]);
            assert_eq!(lines[0]["state"], "unknown");
        }
        let (lines, _) = answers(&format!("{FRONT},\"client_hello\":\"-\",\"hello\":{{\"ciphers\":\"-\"}}}}"));
        assert_eq!(lines[0].get("damage"), None);
    }
}
