//! What a response consists of after its head.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};

use crate::admission::Pass;
use crate::session::Busy;

use super::bytes::Octets;
use super::events::Events;

#[derive(Debug)]
pub(super) enum Content {
    Whole(Option<Bytes>),
    /// Of a length that is not told beforehand, and with trailers where there are some.
    Pieces(VecDeque<Bytes>, Option<HeaderMap>),
    Octets(Octets, #[expect(dead_code, reason = "held until the transfer is over")] Pass),
    Events(Events, #[expect(dead_code, reason = "held until the transfer is over")] Pass),
}

/// Content that keeps its connection from being idle until it is sent.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    content: Content,
    busy: Busy,
}

impl ReplyBody {
    pub(super) fn new(content: Content, busy: Busy) -> Self {
        Self { content, busy }
    }
}

impl Content {
    /// Of what is still to be sent, where it is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(None) => Some(0),
            Self::Whole(Some(octets)) => u64::try_from(octets.len()).ok(),
            Self::Octets(octets, _) => Some(octets.remaining()),
            Self::Pieces(..) | Self::Events(..) => None,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let data = match self {
            Self::Whole(whole) => whole.take(),
            Self::Pieces(pieces, trailers) => match pieces.pop_front() {
                None => return Poll::Ready(trailers.take().map(Frame::trailers)),
                piece => piece,
            },
            Self::Octets(octets, _) => octets.next(),
            Self::Events(events, _) => ready!(events.poll_next(cx)),
        };
        Poll::Ready(data.map(Frame::data))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = ready!(self.content.poll_next(cx));
        self.busy.touch();
        Poll::Ready(next.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(whole) => whole.is_none(),
            Content::Pieces(pieces, trailers) => pieces.is_empty() && trailers.is_none(),
            Content::Octets(octets, _) => octets.remaining() == 0,
            Content::Events(events, _) => events.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.content.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
