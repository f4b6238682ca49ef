//! The sample packets of RFC 9001 appendix A and RFC 9369 appendix A, and those of draft 29.

use super::super::protection::secrets;
use super::super::{InitialFlow, Progress, Sender, packet, protection};
use super::seal::{DRAFT_29, Plain, V1, V2};
use crate::quic::initial::version::Version;

const CLIENT_ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const SERVER_ID: [u8; 8] = [0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5];

/// The CRYPTO frame of the client; PADDING makes it 1162 octets.
const CLIENT_FRAME: &str = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000041301\
    1302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e00050005010000\
    0000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503\
    06030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001048000753009011\
    00f088394c8f03e51570806048000ffff";

/// ACK and CRYPTO of the server.
const SERVER_FRAMES: &str = "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a12\
    00130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304";

fn octets(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

#[test]
fn keys() {
    let keys = |version, sender| {
        let (key, iv, header) = secrets(Version::find(version).unwrap(), &CLIENT_ID, sender).unwrap();
        [key, iv, header].map(hex::encode)
    };
    assert_eq!(
        keys(V1, Sender::Client),
        ["1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"]
    );
    assert_eq!(
        keys(V1, Sender::Server),
        ["cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"]
    );
    assert_eq!(
        keys(V2, Sender::Client),
        ["8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"]
    );
    assert_eq!(
        keys(V2, Sender::Server),
        ["82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"]
    );
    assert_eq!(
        keys(DRAFT_29, Sender::Client),
        ["175257a31eb09dea9366d8bb79ad80ba", "6b26114b9cba2b63a9e8dd4f", "9ddd12c994c0698b89374a9c077a3077"]
    );
}

/// Of the client's packets the first 32 octets and the tag are held against the standards: the tag depends on all the rest.
#[test]
fn packets() {
    for (version, begin, end, server_packet) in [
        (
            V1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
            "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4c\
             f73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7a\
             af2f58891850abbdca3d20398c276456cbc42158407dd074ee",
        ),
        (
            V2,
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
            "a18b2faa745b6fe189cf772a9f84cbfc",
            "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035\
             f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf\
             21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140",
        ),
    ] {
        let mut frames = octets(CLIENT_FRAME);
        frames.resize(1162, 0);
        let client = Plain {
            version,
            sender: Sender::Client,
            keyed: &CLIENT_ID,
            destination: &CLIENT_ID,
            source: &[],
            token: &[],
            number: 2,
            number_octets: 4,
            frames: &frames,
        };
        let client_packet = client.seal();
        assert_eq!(client_packet.len(), 1200);
        assert_eq!(hex::encode(&client_packet[..32]), begin);
        assert_eq!(hex::encode(&client_packet[1184..]), end);
        let server_frames = octets(SERVER_FRAMES);
        let server = Plain {
            sender: Sender::Server,
            destination: &[],
            source: &SERVER_ID,
            number: 1,
            number_octets: 2,
            frames: &server_frames,
            ..client
        };
        assert_eq!(hex::encode(server.seal()), server_packet);

        let mut flow = InitialFlow::new();
        assert_eq!(flow.push(Sender::Client, &client_packet), Ok(Progress::Taken));
        assert_eq!(flow.client_hello(), Some(&octets(CLIENT_FRAME)[4..]));
        assert!(!flow.is_complete());
        assert_eq!(flow.push(Sender::Server, &octets(server_packet)), Ok(Progress::Taken));
        assert_eq!(flow.server_messages().collect::<Vec<_>>(), [&octets(SERVER_FRAMES)[9..]]);
        assert!(flow.is_complete() && !flow.is_cut());
        assert_eq!(flow.version(), Some(version));
    }
}

#[test]
fn retry_packets() {
    for retry in [
        "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
        "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
        "ffff00001d0008f067a5502a4262b5746f6b656ed16926d81f6f9ca2953a8aa4575e1e49",
    ] {
        let octets = octets(retry);
        let packet::Packet::Retry(packet) = packet::next(&mut &octets[..]).unwrap().unwrap() else { panic!("{retry}") };
        assert_eq!(packet.source, SERVER_ID);
        assert!(protection::is_valid_retry(&packet, &CLIENT_ID), "{retry}");
        assert!(!protection::is_valid_retry(&packet, &SERVER_ID));
    }
}
