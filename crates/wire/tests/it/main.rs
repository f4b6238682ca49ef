//! What cannot be shown with octets that we made up ourselves: hellos of real clients, and a real server over sockets.

#[cfg(test)]
mod captures;
#[cfg(test)]
mod client_hellos;
#[cfg(test)]
mod quic_initial;
#[cfg(test)]
mod redact;
#[cfg(test)]
mod s_server;
