//! An honest far end on a clean path: everything is seen, and both ends agree.

use model::{Attempt, Record, WebSocketEnd, WebSocketSession};

use crate::world::{World, check, seen, settings, target};

#[tokio::test]
async fn a_clean_path_shows_everything() {
    let world = World::start().await;
    let mut settings = settings();
    settings.resolve = vec![format!("localhost:{}:127.0.0.1", world.address.port()).parse().unwrap()];
    settings.reflector = Some(world.reflector.clone());
    settings.life = Some(std::time::Duration::from_millis(300));
    let record = check(vec![target(world.address.port())], settings).await;

    let host = &record.hosts[0];
    assert!(seen(&host.dns).overridden);
    assert!(!seen(&host.tcp).connect_ms.is_empty());

    let tls = seen(&host.tls);
    let session = |index: usize| seen(&host.connections[index].tls);
    assert_eq!((session(tls.hybrid).version, session(tls.hybrid).group), (0x0304, Some(0x11ec)));
    assert_eq!(session(tls.classic).group, Some(0x001d));
    assert!(session(*seen(&tls.resumed)).resumed);
    assert_eq!(session(tls.hybrid).alpn.as_deref(), Some("h2"));
    assert!(host.connections[tls.hybrid].client_hello.as_ref().unwrap().0.len() > 1200);
    assert!(host.connections[tls.classic].client_hello.as_ref().unwrap().0.len() < 600);
    assert_eq!(seen(&tls.timestamps).list, None);
    assert_eq!(host.chains.len(), 1, "one certificate, however often it was shown");

    let http = seen(&host.http);
    for (exchange, version) in [(&http.preferred, "2"), (&http.http1, "1.1")] {
        let exchange = seen(exchange);
        assert_eq!((exchange.version.as_str(), exchange.status), (version, 200));
        assert!(exchange.header("alt-svc").next().unwrap().starts_with("h3="));
        assert!(seen(&exchange.body).complete);
    }

    let quic = seen(&host.quic);
    assert!(seen(&quic.version_negotiation).versions.contains(&1));
    assert!(quic.handshake_datagrams_received > 0);
    let http3 = seen(&quic.http3);
    assert_eq!((http3.exchange.version.as_str(), http3.exchange.status), ("3", 200));
    assert_eq!(http3.sustained, Attempt::Seen(65_536));

    let websocket = seen(&host.websocket);
    for session in [&websocket.http1, &websocket.http2].map(seen) {
        assert_eq!(session.end, WebSocketEnd::ClosedByUs);
        assert_eq!(seen(&session.extensions_arrived), &session.extensions_offered);
        assert!(session.extensions_answered.is_some());
        assert!(session.small_frame_ms.seen().is_some() && session.large_frame_ms.seen().is_some());
    }
    assert_eq!(seen(&websocket.http1).accept_matches, Some(true));
    let idle: &WebSocketSession = seen(&websocket.idle);
    assert!(idle.open_ms.0 >= 300.0 && idle.end == WebSocketEnd::ClosedByUs);

    let stream = seen(&host.stream);
    assert!(stream.complete);
    assert_eq!(stream.event_ms.len(), 4);
    assert!(stream.event_ms[3].0 - stream.event_ms[0].0 > 100.0, "{:?}", stream.event_ms);

    let reflector = seen(&record.reflector);
    for reflection in [&reflector.hybrid, &reflector.classic, &reflector.tls12, &reflector.quic].map(seen) {
        assert!(reflection.signature_valid);
        let ours = &reflector.host.connections[reflection.connection];
        assert_eq!(seen(&ours.tls).exporter, reflection.answer.exporter);
        assert!(reflection.answer.exporter.is_some());
        assert_eq!(ours.client_hello, reflection.answer.client_hello);
        assert_eq!(reflection.hello_differences, Vec::<String>::new());
        let sent: Vec<_> = reflection.headers_sent.iter().map(|header| (&header.0, &header.1)).collect();
        for header in &reflection.answer.headers {
            assert!(sent.contains(&(&header.0, &header.1)), "{header:?} was not sent: {sent:?}");
        }
    }
    assert_eq!(seen(&reflector.host.connections[seen(&reflector.tls12).connection].tls).version, 0x0303);

    let text = serde_json::to_vec(&record).unwrap();
    assert_eq!(Record::from_json(&text).unwrap(), record, "a record is read back as it was written");
}

#[tokio::test]
async fn an_answer_under_another_key_is_marked() {
    let world = World::start().await;
    let mut settings = settings();
    settings.checks = vec!["exporter"];
    settings.reflector = Some(world.reflector.clone());
    if let Some(reflector) = &mut settings.reflector {
        reflector.key.0[0] ^= 1;
    }
    let record = check(Vec::new(), settings).await;
    assert!(!seen(&seen(&record.reflector).classic).signature_valid);
}

#[tokio::test]
async fn what_was_not_asked_for_was_not_tried() {
    let mut settings = settings();
    settings.checks = vec!["dns"];
    let record = check(vec![target(1)], settings).await;
    let host = &record.hosts[0];
    assert!(seen(&host.dns).system.seen().is_some());
    assert!(matches!(&host.tls, Attempt::NotTried(_)));
    assert!(matches!(&record.reflector, Attempt::NotTried(why) if why == "no reflector"));
    assert!(host.connections.is_empty());
}
