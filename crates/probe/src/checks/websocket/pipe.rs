//! Where octets of frames go and come: an upgraded HTTP/1.1 connection, or a stream of HTTP/2.

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use model::{FailureKind, WebSocketEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::failure::io_kind;
use crate::http_client::Driver;

pub(super) enum Pipe {
    Http1(
        TokioIo<hyper::upgrade::Upgraded>,
        #[expect(dead_code, reason = "drives the connection while it lives")] Driver,
    ),
    Http2 {
        send: h2::SendStream<Bytes>,
        receive: h2::RecvStream,
        _driver: Driver,
    },
}

impl Pipe {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2 { .. })
    }

    pub(super) async fn write(&mut self, octets: Vec<u8>) -> Result<(), WebSocketEnd> {
        match self {
            Self::Http1(stream, _) => {
                stream.write_all(&octets).await.map_err(|error| ended(&error))?;
                stream.flush().await.map_err(|error| ended(&error))
            }
            Self::Http2 { send, .. } => {
                let mut octets = Bytes::from(octets);
                while !octets.is_empty() {
                    send.reserve_capacity(octets.len());
                    let granted = std::future::poll_fn(|cx| send.poll_capacity(cx)).await;
                    let capacity = match granted {
                        Some(Ok(capacity)) => capacity.min(octets.len()),
                        Some(Err(error)) => return Err(ended_http2(&error)),
                        None => return Err(WebSocketEnd::Cut),
                    };
                    send.send_data(octets.split_to(capacity), false).map_err(|error| ended_http2(&error))?;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn read(&mut self) -> Result<Bytes, WebSocketEnd> {
        match self {
            Self::Http1(stream, _) => {
                let mut buffer = vec![0u8; 16 * 1024];
                match stream.read(&mut buffer).await {
                    Ok(0) => Err(WebSocketEnd::Cut),
                    Ok(octets) => {
                        buffer.truncate(octets);
                        Ok(buffer.into())
                    }
                    Err(error) => Err(ended(&error)),
                }
            }
            Self::Http2 { receive, .. } => match receive.data().await {
                Some(Ok(data)) => {
                    let _ = receive.flow_control().release_capacity(data.len());
                    Ok(data)
                }
                Some(Err(error)) => Err(ended_http2(&error)),
                None => Err(WebSocketEnd::Cut),
            },
        }
    }
}

fn ended(error: &std::io::Error) -> WebSocketEnd {
    match io_kind(error) {
        FailureKind::Reset => WebSocketEnd::Reset,
        FailureKind::Closed => WebSocketEnd::Cut,
        _ => WebSocketEnd::Broken(error.to_string()),
    }
}

fn ended_http2(error: &h2::Error) -> WebSocketEnd {
    match error.get_io() {
        Some(io) => ended(io),
        None if error.is_reset() => WebSocketEnd::Reset,
        None if error.is_go_away() => WebSocketEnd::Cut,
        None => WebSocketEnd::Broken(error.to_string()),
    }
}
