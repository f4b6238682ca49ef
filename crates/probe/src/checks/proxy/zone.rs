//! The machine's time zone, which scripts are told: `TZ` where it is set, else `/etc/localtime` (tzset(3)).

use std::path::Path;

use jiff::tz::TimeZone;
use model::Timestamp;

use super::file::read_file;

/// A time zone file is a few thousand octets long.
const FILE_LIMIT: usize = 256 * 1024;

/// Seconds east of UTC at this time; zero where the machine does not tell. Reads files: not for an
/// asynchronous task.
pub(super) fn offset_seconds(at: Timestamp) -> i32 {
    let named = std::env::var("TZ").ok();
    let zone = match named.as_deref() {
        Some(named) => zone_named(named),
        None => zone_of(Path::new("/etc/localtime")),
    };
    zone.map_or(0, |zone| zone.to_offset(at.0).seconds())
}

fn zone_named(name: &str) -> Option<TimeZone> {
    let name = name.strip_prefix(':').unwrap_or(name);
    if name.starts_with('/') {
        return zone_of(Path::new(name));
    }
    let is_plain = name.split('/').all(|part| !part.is_empty() && part != "..");
    let of_the_database = is_plain.then(|| zone_of(&Path::new("/usr/share/zoneinfo").join(name))).flatten();
    of_the_database.or_else(|| TimeZone::posix(name).ok())
}

fn zone_of(file: &Path) -> Option<TimeZone> {
    TimeZone::tzif("local", &read_file(file, FILE_LIMIT).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_rule() {
        let at: Timestamp = Timestamp("2026-07-01T00:00:00Z".parse().unwrap());
        let offset = |name: &str| zone_named(name).map(|zone| zone.to_offset(at.0).seconds());
        assert_eq!(offset("CET-1CEST,M3.5.0,M10.5.0/3"), Some(7_200));
        assert_eq!(offset("EST5"), Some(-18_000));
        assert_eq!(offset("../../etc/passwd"), None);
        assert_eq!(offset(""), None);
        assert_eq!(offset("/dev/zero"), None);
    }
}
