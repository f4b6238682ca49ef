//! Requests one after the other over a connection that is opened when it is needed, and again where a device closed it.

use model::{Failure, FailureKind, Operation};

use super::{Client, Request, Response};
use crate::host::{Host, Wanted};
use crate::tls::Hello;

pub(crate) struct Reconnecting {
    check: &'static str,
    purpose: &'static str,
    alpn: &'static [&'static str],
    open: Option<Open>,
    /// The connection that was used or tried last.
    pub(crate) connection: Option<usize>,
}

struct Open {
    client: Client,
    /// How many responses it has carried.
    answered: usize,
}

impl Reconnecting {
    pub(crate) fn new(check: &'static str, purpose: &'static str, alpn: &'static [&'static str]) -> Self {
        Self { check, purpose, alpn, open: None, connection: None }
    }

    /// Opens the connection before it is needed.
    pub(crate) async fn open(&mut self, host: &Host) -> Result<(), Failure> {
        self.open = Some(self.connect(host).await?);
        Ok(())
    }

    /// `answer` is how many octets of body are due.
    pub(crate) async fn exchange(&mut self, host: &Host, request: &Request, answer: u64) -> Result<Response, Failure> {
        loop {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.connect(host).await?,
            };
            let result = open.client.exchange(request, answer, host.settings().timeout).await;
            // A peer may close a connection that has carried a response while the next request is on its way; a new connection
            // tells whether it did for that request's sake (RFC 9112 section 9.3.1).
            let crossed = open.answered > 0
                && result.as_ref().is_err_and(|failure| {
                    failure.operation == Operation::Request
                        && matches!(failure.kind, FailureKind::Closed | FailureKind::Reset)
                });
            if crossed {
                continue;
            }
            // A failure leaves no connection behind, so that what comes next has one of its own.
            if result.is_ok() && open.client.is_open() {
                open.answered += 1;
                self.open = Some(open);
            }
            return result;
        }
    }

    async fn connect(&mut self, host: &Host) -> Result<Open, Failure> {
        let wanted = Wanted {
            check: self.check,
            purpose: self.purpose,
            hello: Hello::Hybrid,
            alpn: self.alpn,
            sni: true,
            prepared: None,
        };
        let opened = host.open(wanted).await.inspect_err(|not| self.connection = not.connection)?;
        self.connection = Some(opened.connection);
        let client = Client::start(opened, &host.target, host.settings().timeout).await?;
        Ok(Open { client, answered: 0 })
    }
}
