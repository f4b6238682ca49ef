//! WebSocket (RFC 6455) with permessage-deflate (RFC 7692), without a socket.
//!
//! A library hides what a check is after: reserved bits, masks, the fragments as they came, and which octets of the
//! opening handshake arrived. So the frames are read and written here: [`Codec::push`] takes what the transport gave,
//! [`Codec::next`] gives frames and [`Codec::next_message`] whole messages, [`Codec::encode`] and
//! [`Codec::encode_message`] give what the transport should send. The opening handshake itself belongs to the HTTP
//! library; what is computed for it is here: [`accept_key`], [`accept_offer`] and [`accept_answer`].
//!
//! Compression works on each message by itself ("no context takeover" both ways), so that a message can be judged without
//! the ones before it and no window is kept for an idle connection.

mod codec;
mod deflate;
mod error;
mod frame;
mod handshake;
mod message;

pub use codec::{Codec, Limits, Role};
pub use error::Error;
pub use frame::{Frame, FrameHeader, Opcode};
pub use handshake::{DEFLATE_OFFER, accept_answer, accept_key, accept_offer};
pub use message::{Close, Message};
