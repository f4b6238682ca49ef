//! The lab's own small servers, run as processes of their own in whatever namespace a scenario puts them: a name server for
//! the namespaces, and far ends that misbehave in ways which no product does on request.

mod dns;
mod garbage;
mod tls;

use std::{
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Subcommand;

/// Nobody may keep a server's thread longer than this.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug, Subcommand)]
pub(crate) enum Server {
    /// Answer A queries for the names given, and NXDOMAIN for every other
    Dns {
        #[arg(long)]
        listen: SocketAddr,
        /// NAME=ADDRESS
        #[arg(long, value_parser = name_and_address)]
        name: Vec<(String, IpAddr)>,
    },
    /// Answer every connection with octets that are no protocol
    Garbage {
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Complete the handshake, then answer a request with headers that never end
    EndlessHeaders(Identity),
    /// Complete the handshake, then answer a request with a body that never ends
    EndlessBody(Identity),
    /// Complete the handshake, then answer every request with 200
    Plain(Identity),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Identity {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    certificate: PathBuf,
    #[arg(long)]
    private_key: PathBuf,
}

pub(crate) fn serve(server: &Server) -> Result<()> {
    match server {
        Server::Dns { listen, name } => dns::serve(*listen, name),
        Server::Garbage { listen } => accept(*listen, garbage::answer),
        Server::EndlessHeaders(identity) => tls::serve(identity, tls::Answer::EndlessHeaders),
        Server::EndlessBody(identity) => tls::serve(identity, tls::Answer::EndlessBody),
        Server::Plain(identity) => tls::serve(identity, tls::Answer::Plain),
    }
}

/// A thread for each connection. How a connection ends is the client's matter: errors are not told.
fn accept(listen: SocketAddr, answer: impl Fn(TcpStream) -> Result<()> + Clone + Send + 'static) -> Result<()> {
    let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    for stream in listener.incoming() {
        let (Ok(stream), answer) = (stream, answer.clone()) else { continue };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        thread::spawn(move || {
            let _ended = answer(stream);
        });
    }
    Ok(())
}

fn name_and_address(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.split_once('=').ok_or("expected NAME=ADDRESS")?;
    Ok((name.to_owned(), address.parse().map_err(|error| format!("{error}"))?))
}
