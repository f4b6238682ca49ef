//! The reflector as a host: it promises everything that the checks can ask.

use model::{Milliseconds, Promises, StreamPromise, Target, Trust, WebSocketAnswer, WebSocketPromise};

use crate::settings::ReflectorAddress;

pub(crate) fn target(address: &ReflectorAddress) -> Target {
    Target {
        host: address.host.clone(),
        port: address.port,
        workload: "Reflector".to_owned(),
        features: Vec::new(),
        path: "/".to_owned(),
        promises: promises(),
    }
}

pub(crate) fn promises() -> Promises {
    Promises {
        http3: true,
        alt_svc: true,
        tls13: true,
        http2: true,
        hybrid_key_exchange: true,
        websocket: Some(WebSocketPromise {
            path: "/v1/websocket".to_owned(),
            answer: WebSocketAnswer::Echo,
            http2: true,
        }),
        stream: Some(StreamPromise {
            path: "/v1/stream?events=5&gap_ms=200".to_owned(),
            events: 5,
            gap_ms: Milliseconds(200.0),
        }),
        download: Some("/v1/bytes?length=262144".to_owned()),
        ..Promises::none_but(Trust::Given)
    }
}
