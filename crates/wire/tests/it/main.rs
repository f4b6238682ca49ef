//! What cannot be shown with octets that we made up ourselves: hellos of real clients, and a real server over sockets.

#[cfg(test)]
mod client_hellos;
#[cfg(test)]
mod s_server;
