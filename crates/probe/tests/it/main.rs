//! The checks against the real reflector on loopback, and against peers that misbehave.

mod hostile;
mod reflector;
mod world;
