use model::Confidence;

use super::tunnels::told;
use super::{PathSign, PathView, Way};
use crate::rules::Sign;
use crate::text::listed;

path_rule! {
    /// What it shows: every Optimize prefix of a workload leaves this machine through a tunnel.
    ///
    /// Why it is proof of nothing more: the routes say where packets go, not who reads them. The way through a VPN is longer,
    /// and the tunnel carries the bulk of what the service sends.
    ///
    /// What can fool it: a client that diverts packets below the routes, in a filter driver.
    ///
    /// Source: the routes of this machine; Microsoft 365, implementing VPN split tunnelling (2025-03-21).
    "vpn-tunnelled", D, "A workload goes through the VPN", look,
    "Exclude the Optimize prefixes from the tunnel, by address and not by name (split tunnelling)."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some((workloads, tunnels)) = told(view.record, Way::Tunnelled) else { return Vec::new() };
    let tunnels: Vec<String> = tunnels.into_iter().collect();
    let verb = if workloads.len() == 1 { "goes" } else { "go" };
    let detail = format!("{} {verb} through {}, with every Optimize prefix", listed(&workloads), listed(&tunnels));
    vec![Sign::against(Confidence::Proven, detail).into()]
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, path_against};

    #[test]
    fn all_prefixes_in_the_tunnel() {
        let mut record = testing::clean();
        record.vpn = testing::vpn(&["wg0", "wg0"]);
        assert_eq!(path_against(&record), ["vpn-tunnelled"]);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.path[0].detail, "Teams goes through wg0 (WireGuard), with every Optimize prefix");
        assert_eq!(judgement.exit, model::ExitCode::NothingFound);
    }
}
