//! Which crate of this workspace may know which other one.

use serde::Deserialize;

/// One crate of the workspace.
struct Room {
    name: &'static str,
    /// Core: no I/O, no clock, no environment, no async runtime.
    core: bool,
    /// The crates of this workspace that it may depend on.
    knows: &'static [&'static str],
}

/// The map in ARCHITECTURE.md. `wire` and `detect` do not know each other: they meet in the facts of `model`.
const ROOMS: &[Room] = &[
    Room { name: "model", core: true, knows: &[] },
    Room { name: "catalog", core: true, knows: &["model"] },
    Room { name: "wire", core: true, knows: &["model"] },
    Room { name: "detect", core: true, knows: &["catalog", "model"] },
    Room { name: "probe", core: false, knows: &["model", "wire"] },
    Room { name: "reflector", core: false, knows: &["model", "wire"] },
    Room { name: "truepath", core: false, knows: &["catalog", "detect", "model", "probe", "reflector", "wire"] },
    // From outside: the lab starts the program and reads its output, which `model` defines.
    Room { name: "lab", core: false, knows: &["model"] },
    Room { name: "xtask", core: false, knows: &["catalog", "detect", "model", "wire"] },
];

/// Nobody may depend on these, tests included.
const TOOLS: [&str; 2] = ["lab", "xtask"];

/// The names of the core crates.
pub(super) fn core() -> impl Iterator<Item = &'static str> {
    ROOMS.iter().filter(|room| room.core).map(|room| room.name)
}

/// What is read of `cargo metadata --no-deps`.
#[derive(Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal dependency, else "dev" or "build".
    kind: Option<String>,
    /// Present for a dependency inside the workspace.
    path: Option<String>,
}

/// One line for each crate and each dependency that does not fit the map.
pub(super) fn offences(metadata: &Metadata) -> Vec<String> {
    let mut offences = Vec::new();
    for package in &metadata.packages {
        let Some(room) = ROOMS.iter().find(|room| room.name == package.name) else {
            offences.push(format!("{}: not in the map of xtask/src/guard/rooms.rs and ARCHITECTURE.md", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let dev = dependency.kind.as_deref() == Some("dev");
            // A test may use any room as its peer; it does not change what the crate is built on.
            let allowed =
                room.knows.contains(&dependency.name.as_str()) || (dev && !TOOLS.contains(&dependency.name.as_str()));
            if !allowed {
                offences.push(format!("{} must not depend on {}", package.name, dependency.name));
            }
        }
    }
    for room in ROOMS.iter().filter(|room| !metadata.packages.iter().any(|package| package.name == room.name)) {
        offences.push(format!("{}: in the map of xtask/src/guard/rooms.rs, but not in the workspace", room.name));
    }
    offences
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The map itself as metadata, with more dependencies of one crate: (name, kind, whether in the workspace).
    fn check(package: &str, more: &[(&str, Option<&str>, bool)], expected: &[&str]) {
        let packages: Vec<_> = ROOMS
            .iter()
            .map(|room| {
                let mut dependencies: Vec<_> =
                    room.knows.iter().map(|name| json!({"name": name, "kind": null, "path": "/x"})).collect();
                if room.name == package {
                    for (name, kind, inside) in more {
                        dependencies.push(json!({"name": name, "kind": kind, "path": inside.then_some("/x")}));
                    }
                }
                json!({"name": room.name, "dependencies": dependencies})
            })
            .collect();
        let metadata: Metadata = serde_json::from_value(json!({"packages": packages})).expect("shape");
        assert_eq!(offences(&metadata), expected);
    }

    #[test]
    fn the_map_itself_is_clean() {
        check("model", &[("serde", None, false)], &[]);
    }

    #[test]
    fn wire_and_detect_do_not_know_each_other() {
        check("wire", &[("detect", None, true)], &["wire must not depend on detect"]);
        check("detect", &[("wire", None, true)], &["detect must not depend on wire"]);
        check("detect", &[("wire", Some("build"), true)], &["detect must not depend on wire"]);
    }

    #[test]
    fn probes_never_judge() {
        check("probe", &[("detect", None, true)], &["probe must not depend on detect"]);
    }

    #[test]
    fn a_test_may_use_another_room_but_nobody_uses_the_lab() {
        check("probe", &[("reflector", Some("dev"), true)], &[]);
        check("probe", &[("lab", Some("dev"), true)], &["probe must not depend on lab"]);
        check("truepath", &[("xtask", None, true)], &["truepath must not depend on xtask"]);
    }

    #[test]
    fn a_room_off_the_map_is_an_offence() {
        let metadata: Metadata =
            serde_json::from_value(json!({"packages": [{"name": "common", "dependencies": []}]})).expect("shape");
        let offences = offences(&metadata);
        assert_eq!(offences.len(), 1 + ROOMS.len(), "{offences:?}");
        assert!(offences[0].starts_with("common: not in the map"));
    }

    #[test]
    fn the_map_has_no_circle() {
        // Rooms are listed from the bottom up: each knows only rooms above it in the list.
        for (at, room) in ROOMS.iter().enumerate() {
            for known in room.knows {
                assert!(ROOMS[..at].iter().any(|below| below.name == *known), "{} knows {known}", room.name);
            }
            assert!(!room.core || room.knows.iter().all(|known| core().any(|name| name == *known)), "{}", room.name);
        }
    }
}
