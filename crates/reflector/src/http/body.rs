//! What a response consists of after its head.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::admission::Pass;
use crate::session::Busy;

use super::bytes::Octets;
use super::events::Events;

#[derive(Debug)]
pub(super) enum Content {
    Whole(Option<Bytes>),
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
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self {
            Self::Whole(whole) => Poll::Ready(whole.take()),
            Self::Octets(octets, _) => Poll::Ready(octets.next()),
            Self::Events(events, _) => events.poll_next(cx),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = ready!(self.content.poll_next(cx));
        self.busy.touch();
        Poll::Ready(next.map(|octets| Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(whole) => whole.is_none(),
            Content::Octets(octets, _) => octets.remaining() == 0,
            Content::Events(events, _) => events.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(None) => SizeHint::with_exact(0),
            Content::Whole(Some(octets)) => SizeHint::with_exact(u64::try_from(octets.len()).unwrap_or(u64::MAX)),
            Content::Octets(octets, _) => SizeHint::with_exact(octets.remaining()),
            Content::Events(..) => SizeHint::default(),
        }
    }
}
