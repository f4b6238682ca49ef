use model::Confidence;

use super::tunnels::told;
use super::{PathSign, PathView, Way};
use crate::rules::Sign;
use crate::text::listed;

path_rule! {
    /// What it shows: some Optimize prefixes of a workload leave through a tunnel and others past it.
    ///
    /// Why it is proof of nothing more: it may be meant. A list of exclusions that has grown old looks the same.
    ///
    /// What can fool it: a client that diverts packets below the routes, in a filter driver.
    ///
    /// Source: the routes of this machine; Microsoft 365, implementing VPN split tunnelling (2025-03-21).
    "vpn-selective", D, "A part of a workload goes through the VPN", look,
    "Compare the tunnel's exclusions with today's Optimize prefixes."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some((workloads, tunnels)) = told(view.record, Way::Selective) else { return Vec::new() };
    let tunnels: Vec<String> = tunnels.into_iter().collect();
    let verb = if workloads.len() == 1 { "goes" } else { "go" };
    let detail = format!("{} {verb} through {} in part", listed(&workloads), listed(&tunnels));
    vec![Sign::against(Confidence::Proven, detail).into()]
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, path_against};

    #[test]
    fn some_prefixes_in_the_tunnel() {
        let mut record = testing::clean();
        record.vpn = testing::vpn(&["wg0", "eth0"]);
        assert_eq!(path_against(&record), ["vpn-selective"]);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.path[0].detail, "Teams (1 of 2 prefixes) goes through wg0 (WireGuard) in part");
    }
}
