//! One HTTP/1.1 connection: heads written and read as octets (RFC 9112), one request after the other.

use std::pin::pin;
use std::time::Duration;

use model::{Failure, FailureKind, Operation};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use wire::http::{BodyFraming, Chunked, HeadError, ResponseHead};

use super::{BODY_LIMIT, Body, Field, Request, Response};
use crate::failure::{Stopwatch, within};
use crate::host::Opened;
use crate::tls;

/// Interim responses to one request; an honest server sends one or two (RFC 9110 section 15.2).
const INTERIM_LIMIT: usize = 8;
const READ_AT_ONCE: usize = 16 << 10;
/// A head without an end is looked at again beyond so many octets; [`ResponseHead::parse`] refuses it then.
const HEAD_LIMIT: usize = 64 << 10;

pub(crate) struct Http1<S = tls::Stream> {
    stream: S,
    authority: String,
    /// What was read beyond the response before.
    ahead: Vec<u8>,
    open: bool,
}

impl Http1 {
    pub(crate) fn new(opened: Opened, authority: String) -> Self {
        Self::over(opened.stream, authority)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    fn over(stream: S, authority: String) -> Self {
        Self { stream, authority, ahead: Vec::new(), open: true }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Sends and reads at the same time: a peer may answer before it has read the whole body, and then stop reading.
    pub(crate) async fn exchange(
        &mut self,
        request: &Request,
        limit: Duration,
        watch: Stopwatch,
    ) -> Result<Response, Failure> {
        self.open = false;
        let Self { stream, ahead, authority, .. } = self;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let proceed = Notify::new();
        let exchange = async {
            let mut writing = pin!(write(&mut writer, request, authority, &proceed));
            let mut reading = pin!(read(&mut reader, ahead, request.method, &proceed, watch));
            let mut written = None;
            loop {
                tokio::select! {
                    response = reading.as_mut() => return response.map(|response| (response, matches!(written, Some(Ok(()))))),
                    // A peer that does not take the rest may yet say why.
                    end = writing.as_mut(), if written.is_none() => written = Some(end),
                }
            }
        };
        let ((response, keeps_open), written) = within(limit, watch, Operation::Request, exchange).await?;
        self.open = keeps_open && written && self.ahead.is_empty();
        Ok(response)
    }
}

async fn write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    request: &Request,
    authority: &str,
    proceed: &Notify,
) -> std::io::Result<()> {
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {authority}\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match &request.body {
        None => {}
        Some(Body { piece: Some(_), .. }) => head.push_str("Transfer-Encoding: chunked\r\n"),
        Some(body) => head.push_str(&format!("Content-Length: {}\r\n", body.octets.len())),
    }
    head.push_str("\r\n");
    let mut octets = head.into_bytes();
    let Some(body) = &request.body else {
        writer.write_all(&octets).await?;
        return writer.flush().await;
    };
    if let Some(patience) = body.after_continue {
        writer.write_all(&octets).await?;
        writer.flush().await?;
        octets.clear();
        // A client must not wait for ever (RFC 9110 section 10.1.1).
        let _ = tokio::time::timeout(patience, proceed.notified()).await;
    }
    match body.piece {
        None => octets.extend_from_slice(&body.octets),
        Some(piece) => {
            for piece in body.octets.chunks(piece.max(1)) {
                octets.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                octets.extend_from_slice(piece);
                octets.extend_from_slice(b"\r\n");
            }
            octets.extend_from_slice(b"0\r\n");
            for (name, value) in &body.trailers {
                octets.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
            octets.extend_from_slice(b"\r\n");
        }
    }
    writer.write_all(&octets).await?;
    writer.flush().await
}

/// The response, and whether another one may follow it.
async fn read<R: AsyncRead + Unpin>(
    reader: &mut R,
    ahead: &mut Vec<u8>,
    method: &str,
    proceed: &Notify,
    watch: Stopwatch,
) -> Result<(Response, bool), Failure> {
    let mut interim = Vec::new();
    let mut searched = HeadEnd::default();
    let head = loop {
        if !searched.is_worth_parsing(ahead) {
            more_of_head(reader, ahead, watch).await?;
            continue;
        }
        match ResponseHead::parse(ahead).map_err(|error| bad_head(error, watch))? {
            Some((head, length)) => {
                ahead.drain(..length);
                searched = HeadEnd::default();
                // 101 ends HTTP on this connection, so it is the last response.
                if !(100..200).contains(&head.status) || head.status == 101 {
                    break head;
                }
                if interim.len() >= INTERIM_LIMIT {
                    let detail = "interim responses without an end";
                    return Err(watch.failure(Operation::Request, FailureKind::TooLarge, detail));
                }
                interim.push(head.status);
                proceed.notify_one();
            }
            None => more_of_head(reader, ahead, watch).await?,
        }
    };
    let framing = head.framing(method).map_err(|error| bad_head(error, watch))?;
    let mut body = Vec::new();
    let (trailers, broke) = match read_body(reader, ahead, framing, &mut body, watch).await {
        Ok(trailers) => (trailers, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let keeps_open = broke.is_none() && head.keeps_open() && framing != BodyFraming::UntilClose && head.status != 101;
    let framing = match framing {
        BodyFraming::None => "none",
        BodyFraming::Length(_) => "length",
        BodyFraming::Chunked => "chunked",
        BodyFraming::UntilClose => "close",
    };
    let took_ms = watch.elapsed().into();
    let ResponseHead { version, status, fields } = head;
    Ok((Response { version, interim, status, headers: fields, framing, body, broke, trailers, took_ms }, keeps_open))
}

async fn more_of_head<R: AsyncRead + Unpin>(
    reader: &mut R,
    ahead: &mut Vec<u8>,
    watch: Stopwatch,
) -> Result<(), Failure> {
    if read_more(reader, ahead, Operation::Request, watch).await? == 0 {
        let detail = "closed before a response head was complete";
        return Err(watch.failure(Operation::Request, FailureKind::Closed, detail));
    }
    Ok(())
}

/// Octets of `HTTP/1.`: what begins otherwise is no HTTP, and needs no end to be refused.
const FIRST_LOOK: usize = 7;

/// How far the empty line at the end of a head was searched for: a head that comes octet by octet is parsed twice, not
/// once for every octet.
#[derive(Default)]
struct HeadEnd {
    searched: usize,
    looked: bool,
}

impl HeadEnd {
    /// Whether there is an end, too much without one, or the first octets, which tell what is not HTTP.
    fn is_worth_parsing(&mut self, octets: &[u8]) -> bool {
        // An end may have begun before what is new: LF CR LF, or LF LF.
        let from = self.searched.saturating_sub(2);
        let new = octets.get(from..).unwrap_or_default();
        let ended = new.windows(2).any(|pair| pair == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n");
        self.searched = octets.len();
        let first = !self.looked && octets.len() >= FIRST_LOOK;
        self.looked |= first;
        ended || first || octets.len() > HEAD_LIMIT
    }
}

/// Reads what belongs to `body`, as far as it comes, and gives the trailers.
async fn read_body<R: AsyncRead + Unpin>(
    reader: &mut R,
    ahead: &mut Vec<u8>,
    framing: BodyFraming,
    body: &mut Vec<u8>,
    watch: Stopwatch,
) -> Result<Vec<Field>, Failure> {
    let too_large = || watch.failure(Operation::Body, FailureKind::TooLarge, "a body without an end");
    let cut = || watch.failure(Operation::Body, FailureKind::Closed, "closed before the end of the body");
    let mut chunked = Chunked::default();
    loop {
        let is_over = match framing {
            BodyFraming::None => true,
            BodyFraming::Length(length) => {
                let length =
                    usize::try_from(length).ok().filter(|length| *length <= BODY_LIMIT).ok_or_else(too_large)?;
                let missing = length.saturating_sub(body.len()).min(ahead.len());
                body.extend(ahead.drain(..missing));
                body.len() == length
            }
            BodyFraming::Chunked => {
                let read = chunked
                    .push(ahead, |octets| body.extend_from_slice(octets))
                    .map_err(|error| watch.failure(Operation::Body, FailureKind::Protocol, error.to_string()))?;
                ahead.drain(..read);
                chunked.is_done()
            }
            BodyFraming::UntilClose => {
                body.append(ahead);
                false
            }
        };
        if body.len() > BODY_LIMIT {
            return Err(too_large());
        }
        if is_over {
            return Ok(chunked.trailers().to_vec());
        }
        if read_more(reader, ahead, Operation::Body, watch).await? == 0 {
            return if framing == BodyFraming::UntilClose { Ok(Vec::new()) } else { Err(cut()) };
        }
    }
}

async fn read_more<R: AsyncRead + Unpin>(
    reader: &mut R,
    ahead: &mut Vec<u8>,
    operation: Operation,
    watch: Stopwatch,
) -> Result<usize, Failure> {
    let mut piece = [0; READ_AT_ONCE];
    let length = match reader.read(&mut piece).await {
        Ok(length) => length,
        // A close without close_notify (RFC 8446 section 6.1) is a close; whether more was due is known by who asks.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
        Err(error) => return Err(watch.io(operation, &error)),
    };
    ahead.extend_from_slice(piece.get(..length).unwrap_or_default());
    Ok(length)
}

fn bad_head(error: HeadError, watch: Stopwatch) -> Failure {
    let kind = if error == HeadError::TooLarge { FailureKind::TooLarge } else { FailureKind::Protocol };
    watch.failure(Operation::Request, kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// What the peer got, and what came of its answer.
    async fn exchange(request: Request, answer: &'static [u8]) -> (String, Result<Response, Failure>, bool) {
        let (ours, mut theirs): (DuplexStream, DuplexStream) = duplex(1 << 20);
        let peer = tokio::spawn(async move {
            let mut got = vec![0; 64 << 10];
            let length = theirs.read(&mut got).await.unwrap_or_default();
            let _ = theirs.write_all(answer).await;
            let _ = theirs.shutdown().await;
            got.truncate(length);
            String::from_utf8_lossy(&got).into_owned()
        });
        let mut client = Http1::over(ours, "a.example".to_owned());
        let response = client.exchange(&request, Duration::from_secs(5), Stopwatch::start()).await;
        (peer.await.unwrap_or_default(), response, client.is_open())
    }

    #[tokio::test]
    async fn octets_leave_as_they_are_written_and_arrive_as_they_are_sent() {
        let mut request = Request::new("PROPFIND", "/x?y=%2f").header("x-MiXed", "1").body(&b"abcdef"[..]);
        if let Some(body) = &mut request.body {
            body.piece = Some(4);
            body.trailers.push(("X-End".to_owned(), "2".to_owned()));
        }
        let answer = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 207 Multi\r\nX-b: 1\r\nx-B: 2\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nEnd: 1\r\n\r\n";
        let (sent, response, open) = exchange(request, answer).await;
        let head =
            sent.strip_prefix("PROPFIND /x?y=%2f HTTP/1.1\r\nHost: a.example\r\nUser-Agent: ").unwrap_or_default();
        assert!(
            head.ends_with(
                "x-MiXed: 1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\nef\r\n0\r\nX-End: 2\r\n\r\n"
            ),
            "{sent}"
        );
        let response = response.unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!((response.interim, response.status, response.framing), (vec![102], 207, "chunked"));
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(response.headers[..2], [field("X-b", "1"), field("x-B", "2")]);
        assert_eq!((response.body, response.trailers), (b"abc".to_vec(), vec![field("End", "1")]));
        assert!(open);
    }

    #[test]
    fn a_head_is_parsed_when_it_has_ended() {
        let field = format!("X: {}\r\n", "x".repeat(50_000));
        let answer = format!("HTTP/1.1 200 OK\r\n{field}\r\n");
        let mut end = HeadEnd::default();
        let worth: Vec<usize> =
            (1..=answer.len()).filter(|length| end.is_worth_parsing(&answer.as_bytes()[..*length])).collect();
        assert_eq!(worth, [FIRST_LOOK, answer.len()]);
        let mut end = HeadEnd::default();
        let worth = [&b"HTTP/1.1 200 OK\n"[..], b"HTTP/1.1 200 OK\n\n"].map(|octets| end.is_worth_parsing(octets));
        assert_eq!(worth, [true, true]);
        assert!(end.is_worth_parsing(&[b'x'; HEAD_LIMIT + 1]));
    }

    #[tokio::test]
    async fn peers_that_misbehave_are_told_apart() {
        for (answer, kind, operation) in [
            (&b""[..], FailureKind::Closed, Operation::Request),
            (b"HTTP/1.1 200 OK\r\n", FailureKind::Closed, Operation::Request),
            (b"220 mail.example\r\n", FailureKind::Protocol, Operation::Request),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", FailureKind::Closed, Operation::Body),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", FailureKind::TooLarge, Operation::Body),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FailureKind::Protocol, Operation::Body),
        ] {
            let (_, response, open) = exchange(Request::get("/"), answer).await;
            let failure = match response {
                // What came before the end is kept.
                Ok(response) => response.broke.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(answer))),
                Err(failure) => failure,
            };
            assert_eq!((failure.kind, failure.operation, open), (kind, operation, false));
        }
        let (_, response, _) = exchange(Request::get("/"), b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nblock").await;
        assert_eq!(response.map(|response| (response.status, response.body)).ok(), Some((403, b"block".to_vec())));
    }

    #[tokio::test]
    async fn a_connection_with_octets_to_spare_is_not_used_again() {
        let (_, response, open) = exchange(Request::get("/"), b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc").await;
        assert_eq!(response.map(|response| response.body).ok(), Some(b"a".to_vec()));
        assert!(!open);
    }

    /// RFC 9110 section 10.1.1: the body waits for the interim response, but not for ever.
    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_the_interim_response() {
        let mut request = Request::new("POST", "/").body(&b"body"[..]);
        if let Some(body) = &mut request.body {
            body.after_continue = Some(Duration::from_secs(1));
        }
        for interim in [true, false] {
            let (ours, mut theirs) = duplex(1 << 16);
            let peer = async {
                let mut got = vec![0; 1024];
                let length = theirs.read(&mut got).await.unwrap_or_default();
                let head = String::from_utf8_lossy(&got[..length]).into_owned();
                let started = tokio::time::Instant::now();
                if interim {
                    let _ = theirs.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
                }
                let length = theirs.read(&mut got).await.unwrap_or_default();
                let _ = theirs.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                (head, got[..length].to_vec(), started.elapsed())
            };
            let mut client = Http1::over(ours, "a.example".to_owned());
            let exchange = client.exchange(&request, Duration::from_secs(5), Stopwatch::start());
            let ((head, body, waited), response) = tokio::join!(peer, exchange);
            assert!(head.ends_with("Content-Length: 4\r\n\r\n"), "{head}");
            assert_eq!((&body[..], waited >= Duration::from_secs(1)), (&b"body"[..], !interim));
            assert_eq!(response.map(|response| response.interim).ok(), Some(if interim { vec![100] } else { vec![] }));
        }
    }
}
