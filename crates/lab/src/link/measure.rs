//! What the link does, measured from within the namespaces by the kernel's own UDP and TCP.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{inside, joined};
use crate::network::{Network, Where};

/// Where nothing else of the lab listens.
const PORT: u16 = 9;
const PATIENCE: Duration = Duration::from_secs(5);

/// The round trip of a small datagram, `count` times, in order of length.
pub(crate) fn round_trips(network: &Network, server: &str, count: u32) -> Result<Vec<Duration>> {
    let address: SocketAddr = format!("{server}:{PORT}").parse().context("no address")?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    let far = inside(&network.name(Where::Server), move || {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        ready.send(())?;
        let mut datagram = [0; 4];
        for _ in 0..count {
            let (length, from) = socket.recv_from(&mut datagram)?;
            socket.send_to(datagram.get(..length).unwrap_or_default(), from)?;
        }
        Ok(())
    })?;
    is_ready.recv_timeout(PATIENCE).context("the far end of the measurement did not start")?;
    let near = inside(&network.name(Where::Client), move || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut times = Vec::new();
        for nth in 0..count {
            let start = Instant::now();
            socket.send(&nth.to_be_bytes())?;
            let mut echo = [0; 4];
            socket.recv(&mut echo)?;
            times.push(start.elapsed());
            ensure!(u32::from_be_bytes(echo) == nth, "a datagram came back out of turn");
        }
        Ok(times)
    })?;
    let times = joined(near);
    joined(far)?;
    let mut times = times?;
    times.sort_unstable();
    Ok(times)
}

/// Octets per second of one TCP connection that the server sends on for so long.
pub(crate) fn throughput(network: &Network, server: &str, time: Duration) -> Result<f64> {
    let address: SocketAddr = format!("{server}:{PORT}").parse().context("no address")?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    let far = inside(&network.name(Where::Server), move || {
        let listener = TcpListener::bind(address)?;
        ready.send(())?;
        let (mut stream, _) = listener.accept()?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (block, start) = (vec![0; 256 << 10], Instant::now());
        while start.elapsed() < time {
            stream.write_all(&block)?;
        }
        Ok(())
    })?;
    is_ready.recv_timeout(PATIENCE).context("the far end of the measurement did not start")?;
    let near = inside(&network.name(Where::Client), move || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (mut buffer, start, mut octets) = (vec![0; 256 << 10], Instant::now(), 0_u64);
        loop {
            let length = stream.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            octets += u64::try_from(length)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        Ok(octets as f64 / start.elapsed().as_secs_f64())
    })?;
    let rate = joined(near);
    joined(far)?;
    rate
}
