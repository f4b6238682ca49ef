//! Asking the reflector for a call, and how it went: one request over a TLS connection of its own, the answer signed.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use model::{CallReport, CallTerms, Failure, FailureKind, HexBytes, Milliseconds, Operation, SealedAnswer};
use serde::de::DeserializeOwned;

use super::CHECK;
use crate::failure::Stopwatch;
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Client};
use crate::reflect::fetch;
use crate::tls::Hello;

/// Octets of an answer; it holds a few numbers.
const ANSWER_LIMIT: usize = 16 * 1024;

/// An answer whose signature verifies.
pub(super) struct Asked<T> {
    pub(super) answer: T,
    /// The connection's place in the ledger, and its SYN to SYN-ACK.
    pub(super) connection: usize,
    pub(super) connect_ms: Milliseconds,
}

/// What `/v1/call` answers.
pub(super) trait Signed: DeserializeOwned {
    fn signed_octets(json: &[u8]) -> Vec<u8>;
    fn challenge(&self) -> &HexBytes;
}

impl Signed for CallTerms {
    fn signed_octets(json: &[u8]) -> Vec<u8> {
        Self::signed_octets(json)
    }

    fn challenge(&self) -> &HexBytes {
        &self.challenge
    }
}

impl Signed for CallReport {
    fn signed_octets(json: &[u8]) -> Vec<u8> {
        Self::signed_octets(json)
    }

    fn challenge(&self) -> &HexBytes {
        &self.challenge
    }
}

/// `parameters` follow the challenge: empty, or each with an ampersand in front.
pub(super) async fn ask<T: Signed>(
    host: &Host,
    key: &HexBytes,
    purpose: &'static str,
    parameters: &str,
) -> Result<Asked<T>, Failure> {
    let timeout = host.settings().timeout;
    let wanted = Wanted { check: CHECK.name, purpose, hello: Hello::Hybrid, alpn: ALPN, sni: true, prepared: None };
    let opened = host.open(wanted).await?;
    let connect_ms = opened.connect_ms;
    let watch = Stopwatch::start();
    let mut challenge = [0; 32];
    SystemRandom::new()
        .fill(&mut challenge)
        .map_err(|_| watch.failure(Operation::Request, FailureKind::Local, "the system gives no random octets"))?;
    let path = format!("/v1/call?challenge={}{parameters}", hex::encode(challenge));
    let mut client = Client::start(opened, timeout).await?;
    let octets = fetch(host, &mut client, &path, ANSWER_LIMIT, watch).await?;
    let connection = client.connection;
    let protocol = |what: &str| watch.failure(Operation::Body, FailureKind::Protocol, what);
    let answer: T = verified(&octets, key, &challenge).map_err(protocol)?;
    Ok(Asked { answer, connection, connect_ms })
}

/// Holds the signature against the pinned key, then reads what was signed.
fn verified<T: Signed>(body: &[u8], key: &HexBytes, challenge: &[u8]) -> Result<T, &'static str> {
    let sealed: SealedAnswer = serde_json::from_slice(body).map_err(|_| "this is not a reflector's answer")?;
    let signed = T::signed_octets(&sealed.answer.0);
    UnparsedPublicKey::new(&ED25519, &key.0)
        .verify(&signed, &sealed.signature.0)
        .map_err(|_| "the answer is not signed by the pinned key")?;
    let answer: T =
        serde_json::from_slice(&sealed.answer.0).map_err(|_| "the reflector's answer is of another version")?;
    if answer.challenge().0 != challenge {
        return Err("the answer is to another question");
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use model::Base64Bytes;

    use super::*;

    fn sealed(signer: &Ed25519KeyPair, text: &[u8], signed: &[u8]) -> Vec<u8> {
        let signature = signer.sign(signed);
        let sealed = SealedAnswer {
            v: 1,
            answer: Base64Bytes(text.to_vec()),
            signature: Base64Bytes(signature.as_ref().to_vec()),
            key: HexBytes(signer.public_key().as_ref().to_vec()),
        };
        serde_json::to_vec(&sealed).unwrap()
    }

    #[test]
    fn only_the_pinned_keys_answer_to_this_question_is_read() {
        let signer = Ed25519KeyPair::generate().unwrap();
        let key = HexBytes(signer.public_key().as_ref().to_vec());
        let terms = CallTerms {
            v: 1,
            challenge: HexBytes(vec![1; 32]),
            media_port: 3478,
            interval_ms: Milliseconds(20.0),
            packet_octets: 172,
            limit_ms: Milliseconds(300_000.0),
            call: None,
        };
        let text = serde_json::to_vec(&terms).unwrap();
        let body = sealed(&signer, &text, &CallTerms::signed_octets(&text));
        let read = |body: &[u8], key, challenge: &[u8]| verified::<CallTerms>(body, key, challenge);
        assert_eq!(read(&body, &key, &[1; 32]), Ok(terms));
        assert_eq!(read(&body, &key, &[2; 32]), Err("the answer is to another question"));
        let other = HexBytes(Ed25519KeyPair::generate().unwrap().public_key().as_ref().to_vec());
        assert_eq!(read(&body, &other, &[1; 32]), Err("the answer is not signed by the pinned key"));
        // What was signed as something else is not taken for terms.
        let report = sealed(&signer, &text, &CallReport::signed_octets(&text));
        assert_eq!(read(&report, &key, &[1; 32]), Err("the answer is not signed by the pinned key"));
        assert_eq!(read(b"<html>", &key, &[1; 32]), Err("this is not a reflector's answer"));
    }
}
