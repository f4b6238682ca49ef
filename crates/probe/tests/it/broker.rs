//! What a broker that works as a reverse proxy does to redirects, cookies and links, and what an honest path does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::{Casb, HostRecord};
use tokio::io::AsyncWriteExt;

use crate::tls_peer::{Peer, serve};
use crate::world::{World, check, seen, settings, target};

/// Reads a request head and gives its path.
async fn path(peer: &mut Peer) -> Option<String> {
    use tokio::io::AsyncReadExt;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await.ok()?);
    }
    String::from_utf8_lossy(&head).split(' ').nth(1).map(str::to_owned)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn checked(port: u16, checks: Vec<&'static str>) -> HostRecord {
    let mut settings = settings();
    settings.checks = checks;
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    check(vec![target(port)], settings).await.hosts.remove(0)
}

fn locations(casb: &Casb) -> Vec<&str> {
    casb.redirects.iter().map(|redirect| redirect.location.as_str()).collect()
}

/// `/` leads to `/owa/`, which leads to the broker.
async fn broker() -> (u16, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let port = serve(move |mut peer| {
        let requests = counted.clone();
        async move {
            while let Some(path) = path(&mut peer).await {
                requests.fetch_add(1, Ordering::Relaxed);
                let answer = match path.as_str() {
                    "/" => answer(
                        "302 Found",
                        "Location: /owa/?a=1\r\nSet-Cookie: ClientId=1; Secure\r\n",
                        "<a href=\"https://outlook.office.com.mcas.ms/owa/\">moved</a>",
                    ),
                    "/owa/?a=1" => answer(
                        "302 Found",
                        "Location: https://login.example.mcas.ms/aad_login?token=x\r\nSet-Cookie: MCAS=secret\r\n",
                        "<script src='//cdn.example.net/a.js'></script>",
                    ),
                    _ => answer("404 Not Found", "", ""),
                };
                let _ = peer.write_all(answer.as_bytes()).await;
            }
        }
    })
    .await;
    (port, requests)
}

#[tokio::test]
async fn names_of_a_broker_are_read_from_what_the_http_check_got() {
    let (port, requests) = broker().await;
    let host = checked(port, vec!["http", "casb"]).await;
    let casb = seen(&host.casb);
    assert_eq!(locations(casb), ["/owa/", "https://login.example.mcas.ms/aad_login"]);
    assert_eq!(casb.cookies, ["ClientId", "MCAS"]);
    let links: Vec<&str> = casb.links.iter().map(model::HostName::as_str).collect();
    assert_eq!(links, ["cdn.example.net", "outlook.office.com.mcas.ms"]);
    assert!(casb.rewritten.is_empty());
    assert_eq!(requests.load(Ordering::Relaxed), 3, "two of the http check, and the one redirect within the host");
    let own: Vec<&str> = host.connections.iter().filter(|c| c.check == "casb").map(|c| c.purpose.as_str()).collect();
    assert_eq!(own, ["redirects"]);
}

#[tokio::test]
async fn alone_it_asks_by_itself() {
    let (port, requests) = broker().await;
    let host = checked(port, vec!["casb"]).await;
    assert_eq!(locations(seen(&host.casb)).len(), 2);
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_loop_of_redirects_has_an_end() {
    let port = serve(|mut peer| async move {
        let mut n = 0;
        while path(&mut peer).await.is_some() {
            n += 1;
            let answer = answer("302 Found", &format!("Location: /again/{n}\r\n"), "");
            let _ = peer.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let host = checked(port, vec!["http", "casb"]).await;
    assert_eq!(seen(&host.casb).redirects.len(), 4, "the first one and three that were followed");
}

#[tokio::test]
async fn an_honest_path_to_the_reflector_changes_no_link() {
    let world = World::start().await;
    let mut settings = settings();
    settings.checks = vec!["http", "casb"];
    settings.resolve = vec![format!("localhost:{}:127.0.0.1", world.address.port()).parse().unwrap()];
    settings.reflector = Some(world.reflector.clone());
    let record = check(Vec::new(), settings).await;
    let casb = seen(&seen(&record.reflector).host.casb);
    assert!(casb.rewritten.len() >= 8, "{casb:?}");
    assert!(casb.rewritten.iter().all(|(sent, came)| sent == came));
    assert!(casb.redirects.is_empty() && casb.cookies.is_empty());
}
