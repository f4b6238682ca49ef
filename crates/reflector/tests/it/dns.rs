//! The name server asked over both transports, by hand and by a resolver, and what the signed answers then say.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use model::{Answer, AskedBy, Coordinates, HostName};
use reflector::Dns;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::harness::{Server, body, get, reflect_path, start, start_as, within};

const ZONE: &str = "who.example";
const LABEL: &str = "00112233445566778899aabbccddeeff";

async fn start_with_zone() -> Server {
    start_with_zone_on("127.0.0.1:0").await
}

async fn start_with_zone_on(address: &str) -> Server {
    start_as(|config| {
        let zone = HostName::parse(ZONE).unwrap();
        config.dns = Some(Dns { listen: vec![address.parse().unwrap()], zone, server: None });
        config.place = Coordinates::new(50.11, 8.68);
    })
    .await
}

fn question(label: &str, wanted: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(format!("{label}.{ZONE}.")).unwrap(), wanted));
    message
}

async fn over_udp(server: SocketAddr, octets: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(octets, server).await.unwrap();
    let mut buffer = [0; 2048];
    let (length, from) = within(5, socket.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(from, server);
    Message::from_vec(&buffer[..length]).unwrap()
}

async fn over_tcp(stream: &mut TcpStream, octets: &[u8]) -> Message {
    stream.write_u16(u16::try_from(octets.len()).unwrap()).await.unwrap();
    stream.write_all(octets).await.unwrap();
    let mut answer = vec![0; within(5, stream.read_u16()).await.unwrap().into()];
    within(5, stream.read_exact(&mut answer)).await.unwrap();
    Message::from_vec(&answer).unwrap()
}

async fn signed(server: &Server, query: &str) -> Answer {
    let mut client = server.http1().await;
    let response = within(5, client.send_request(get(&format!("{}{query}", reflect_path())))).await.unwrap();
    assert_eq!(response.status(), 200);
    server.open(&body(response).await)
}

#[tokio::test]
async fn who_asked_is_told_in_dns_and_signed() {
    let server = start_with_zone().await;
    let answer = signed(&server, &format!("&name={LABEL}")).await;
    assert_eq!(answer.dns_zone, HostName::parse(ZONE).ok());
    assert_eq!(answer.place, Coordinates::new(50.11, 8.68));
    assert_eq!(answer.asked_by, [], "nobody asked yet");

    let name_server = server.dns[0];
    let asked = question(LABEL, RecordType::A);
    let answer = over_udp(name_server, &asked.to_vec().unwrap()).await;
    assert_eq!((answer.id, answer.response_code), (asked.id, ResponseCode::NoError));
    assert!(matches!(answer.answers[0].data, RData::A(address) if address.0.is_loopback()));
    // Two questions on one connection (RFC 7766 section 6.2.1).
    let mut stream = TcpStream::connect(name_server).await.unwrap();
    for wanted in [RecordType::TXT, RecordType::AAAA] {
        let answer = over_tcp(&mut stream, &question(LABEL, wanted).to_vec().unwrap()).await;
        assert_eq!(
            (answer.response_code, answer.answers.len()),
            (ResponseCode::NoError, usize::from(wanted == RecordType::TXT))
        );
    }

    let asker = AskedBy { address: [127, 0, 0, 1].into(), client_subnet: None };
    assert_eq!(signed(&server, &format!("&name={LABEL}")).await.asked_by, [asker]);
    assert_eq!(signed(&server, "&name=ffffffffffffffffffffffffffffffff").await.asked_by, []);
    assert_eq!(signed(&server, "").await.asked_by, []);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_question_is_survived() {
    let server = start_with_zone().await;
    let name_server = server.dns[0];
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for octets in [&[][..], &[0xff; 40], &[0; 11], &[0; 4000]] {
        socket.send_to(octets, name_server).await.unwrap();
    }
    for octets in [&[0, 0][..], &[0xff; 6], &[0, 12, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
        let mut stream = TcpStream::connect(name_server).await.unwrap();
        stream.write_all(octets).await.unwrap();
        let mut rest = Vec::new();
        let _ = within(5, stream.read_to_end(&mut rest)).await;
        assert!(rest.is_empty());
    }
    let answer = over_udp(name_server, &question(LABEL, RecordType::A).to_vec().unwrap()).await;
    assert_eq!(answer.answers.len(), 1);
    server.stop().await;
}

/// A socket that listens everywhere answers from the address that was asked, and tells it as its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn answers_leave_from_where_they_were_asked() {
    let server = start_with_zone_on("0.0.0.0:0").await;
    let asked = SocketAddr::from(([127, 0, 0, 3], server.dns[0].port()));
    let answer = over_udp(asked, &question("ns", RecordType::A).to_vec().unwrap()).await;
    assert!(matches!(answer.answers[0].data, RData::A(address) if address.0 == asked.ip()), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_sent_to_tcp_or_hears_nothing() {
    const QUESTIONS: usize = 600;
    let server = start_with_zone().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server.dns[0]).await.unwrap();
    let octets = question(LABEL, RecordType::TXT).to_vec().unwrap();
    let (mut whole, mut cut) = (0, 0);
    let mut count = |answer: &[u8]| {
        let message = Message::from_vec(answer).unwrap();
        if message.truncation {
            assert!(message.answers.is_empty() && answer.len() <= octets.len());
            cut += 1;
        } else {
            assert_eq!(message.answers.len(), 1);
            whole += 1;
        }
    };
    let mut buffer = [0; 2048];
    for _ in 0..QUESTIONS {
        socket.send(&octets).await.unwrap();
        while let Ok(length) = socket.try_recv(&mut buffer) {
            count(&buffer[..length]);
        }
    }
    while let Ok(received) = timeout(Duration::from_millis(300), socket.recv(&mut buffer)).await {
        count(&buffer[..received.unwrap()]);
    }
    assert!((60..=128).contains(&whole), "64 a second, in one second or across two: {whole}");
    assert!(cut > 0 && cut <= (QUESTIONS - whole).div_ceil(2), "every second one at most: {cut}");
    // What cannot be forged is answered all the same.
    let mut stream = TcpStream::connect(server.dns[0]).await.unwrap();
    assert_eq!(over_tcp(&mut stream, &octets).await.answers.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_reflector_without_a_zone_says_so_and_a_label_must_be_one() {
    let server = start().await;
    let answer = signed(&server, &format!("&name={LABEL}")).await;
    assert_eq!((answer.dns_zone, answer.asked_by, answer.place), (None, Vec::new(), None));
    let mut client = server.http1().await;
    let response = client.send_request(get(&format!("{}&name=www", reflect_path()))).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(&body(response).await[..], b"name: 32 hexadecimal digits are needed\n");
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_syn_is_told_as_it_arrived() {
    let server = start().await;
    let syn = signed(&server, "").await.syn.unwrap();
    assert_eq!(syn.ttl, 64);
    assert!(syn.options.starts_with("mss,") && syn.mss.is_some_and(|mss| mss > 16_000), "{syn:?}");
    server.stop().await;
}
