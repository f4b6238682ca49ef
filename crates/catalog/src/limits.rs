//! How much a file may hold. The numbers are about ten times what the largest published list or a sensible service
//! file needs; what is beyond them is refused with the number in the message.

/// Octets of an endpoint list. The largest published one is 70 KB.
pub const LIST_BYTES: usize = 4 << 20;
/// Endpoint sets of a list. The largest published one has 115.
pub const SETS: usize = 2_000;
/// Host patterns of one set, and address ranges of one set. The largest published ones are 51 and 205.
pub const HOSTS_PER_SET: usize = 2_000;
pub const NETWORKS_PER_SET: usize = 4_000;
/// Host patterns, and address ranges, of the whole list.
pub const HOSTS: usize = 20_000;
pub const NETWORKS: usize = 40_000;
/// Ranges of one port list.
pub const PORT_RANGES: usize = 64;
/// Octets of a label: service areas, instances, versions.
pub const LABEL_BYTES: usize = 64;
/// Octets of a line of text for people: display names, notes, sources.
pub const TEXT_BYTES: usize = 1_024;

/// Octets of a service file.
pub const SERVICE_BYTES: usize = 1 << 20;
/// Hosts of a service file, and features of one.
pub const TARGETS: usize = 256;
pub const FEATURES: usize = 256;
/// Entries of any other list in a service file.
pub const LIST_ENTRIES: usize = 256;
/// Octets of any string in a service file.
pub const STRING_BYTES: usize = 1_024;
/// UDP ports for media of one host; relays have four.
pub const MEDIA_PORTS: usize = 16;
/// Events of a promised event stream, and the gap between two of them.
pub const STREAM_EVENTS: u32 = 1_000;
pub const STREAM_GAP_MS: u32 = 60_000;
