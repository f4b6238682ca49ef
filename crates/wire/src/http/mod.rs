//! HTTP's neighbour protocols, as far as no library shows their octets.

pub mod websocket;
