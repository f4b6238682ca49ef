//! Asking the reflector what arrived: the `exporter` and `hello` checks share each answer.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use model::{
    Answer, ArrivedHeader, Attempt, Failure, FailureKind, Header, HexBytes, Operation, Reflection, SealedAnswer,
};

use crate::checks;
use crate::failure::{Stopwatch, within};
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Client, USER_AGENT, authority};
use crate::tls::Hello;

/// Octets of an answer; it holds a hello and a few headers.
const ANSWER_LIMIT: usize = 512 * 1024;

/// A question in the making: the path to ask for, and the challenge in it.
pub(crate) struct Question {
    challenge: Vec<u8>,
    pub(crate) path: String,
}

impl Question {
    pub(crate) fn new(watch: Stopwatch) -> Result<Self, Failure> {
        let mut challenge = vec![0u8; 32];
        SystemRandom::new()
            .fill(&mut challenge)
            .map_err(|_| watch.failure(Operation::Request, FailureKind::Local, "the system gives no random octets"))?;
        let path = format!("/v1/reflect?challenge={}", hex::encode(&challenge));
        Ok(Self { challenge, path })
    }

    /// The query that asks for an answer without the ClientHello, which is most of it.
    pub(crate) fn brief_query(&self) -> String {
        format!("challenge={}&client_hello=no", hex::encode(&self.challenge))
    }

    /// What an answer says, and whether it is the reflector's and to this question; `None` where it is no answer.
    pub(crate) fn read(&self, body: &[u8], key: &HexBytes) -> Option<(Answer, bool)> {
        let sealed: SealedAnswer = serde_json::from_slice(body).ok()?;
        let answer: Answer = serde_json::from_slice(&sealed.answer.0).ok()?;
        let signed = SealedAnswer::signed_octets(&sealed.answer.0);
        let verified = UnparsedPublicKey::new(&ED25519, &key.0).verify(&signed, &sealed.signature.0).is_ok();
        let valid = verified && answer.challenge.0 == self.challenge;
        Some((answer, valid))
    }

    /// Reads the answer's body and holds its signature against the pinned key.
    pub(crate) fn answered(
        self,
        host: &Host,
        connection: usize,
        sent_hello: Option<&[u8]>,
        body: &[u8],
        key: &HexBytes,
        watch: Stopwatch,
    ) -> Result<Reflection, Failure> {
        let not_an_answer = |what: &str| {
            let start: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(80).collect();
            watch.failure(Operation::Body, FailureKind::Protocol, format!("{what}: `{start}`"))
        };
        let (answer, signature_valid) =
            self.read(body, key).ok_or_else(|| not_an_answer("this is not a reflector's answer"))?;
        let hello_differences = match (sent_hello, &answer.client_hello) {
            (Some(sent), Some(arrived)) => wire::tls::hello_differences(sent, &arrived.0),
            _ => Vec::new(),
        };
        let header = |name: &str, value: String| ArrivedHeader(name.to_owned(), value);
        Ok(Reflection {
            connection,
            challenge: HexBytes(self.challenge),
            signature_valid,
            answer,
            hello_differences,
            headers_sent: vec![
                header("host", authority(&host.target)),
                header("user-agent", USER_AGENT.to_owned()),
                header("accept", "application/json".to_owned()),
                header("accept-encoding", "identity".to_owned()),
            ],
        })
    }
}

/// One question over a TCP connection of its own.
pub(crate) async fn ask(host: &Host, purpose: &'static str, hello: Hello, key: &HexBytes) -> Attempt<Reflection> {
    let timeout = host.settings().timeout;
    let wanted = Wanted { check: checks::exporter::CHECK.name, purpose, hello, alpn: ALPN, sni: true, prepared: None };
    let opened = match host.open(wanted).await {
        Ok(opened) => opened,
        Err(not_opened) => return Attempt::Failed(not_opened.failure),
    };
    let exchange = async {
        let question = Question::new(Stopwatch::start())?;
        let mut client = Client::start(opened, timeout).await?;
        put(question, host, &mut client, key).await
    };
    exchange.await.into()
}

/// Puts one question over an open connection.
pub(crate) async fn put(
    question: Question,
    host: &Host,
    client: &mut Client,
    key: &HexBytes,
) -> Result<Reflection, Failure> {
    let watch = Stopwatch::start();
    let octets = fetch(host, client, &question.path, ANSWER_LIMIT, watch).await?;
    let connection = client.connection;
    let sent = host.client_hello(connection);
    question.answered(host, connection, sent.as_deref(), &octets, key, watch)
}

/// The octets of a JSON answer, at most so many.
pub(crate) async fn fetch(
    host: &Host,
    client: &mut Client,
    path: &str,
    limit: usize,
    watch: Stopwatch,
) -> Result<Vec<u8>, Failure> {
    let timeout = host.settings().timeout;
    let response = client.get(&host.target, path, "application/json", timeout).await?;
    refused(response.status, &response.headers, watch)?;
    let (_, mut body) = response.split(client.connection, path);
    let mut octets = Vec::new();
    let reading = async {
        while let Some(chunk) = body.chunk(watch).await {
            octets.extend_from_slice(&chunk?);
            if octets.len() > limit {
                return Err(watch.failure(Operation::Body, FailureKind::TooLarge, "an answer without an end"));
            }
        }
        Ok(())
    };
    within(timeout, watch, Operation::Body, reading).await?;
    Ok(octets)
}

/// Anything but 200 is no answer.
pub(crate) fn refused(status: u16, headers: &[Header], watch: Stopwatch) -> Result<(), Failure> {
    if status == 200 {
        return Ok(());
    }
    let server = headers.iter().find(|header| header.0 == "server").map_or("", |header| header.1.as_str());
    let detail =
        format!("answered {status} where 200 was due{}{server}", if server.is_empty() { "" } else { "; server: " });
    Err(watch.failure(Operation::Request, FailureKind::Status(status), detail))
}
