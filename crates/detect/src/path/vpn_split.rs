use super::tunnels::{has_tunnel, told};
use super::{PathSign, PathView, Way};
use crate::rules::Sign;
use crate::text::listed;

path_rule! {
    /// What it shows: this machine has a tunnel, and every Optimize prefix of a workload goes past it.
    ///
    /// Why it is proof: the routes say so. It speaks for the path: split tunnelling is at work.
    ///
    /// What can fool it: a client that diverts packets below the routes, in a filter driver.
    ///
    /// Source: the routes of this machine; Microsoft 365, implementing VPN split tunnelling (2025-03-21).
    "vpn-split", D, "The VPN is split", look,
    ""
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    if !has_tunnel(view.record) {
        return Vec::new();
    }
    let Some((workloads, _)) = told(view.record, Way::Split) else { return Vec::new() };
    let verb = if workloads.len() == 1 { "goes" } else { "go" };
    vec![Sign::supporting(format!("{} {verb} past the VPN of this machine", listed(&workloads))).into()]
}

#[cfg(test)]
mod tests {
    use model::Leaning;

    use crate::testing;

    #[test]
    fn all_prefixes_past_the_tunnel_speak_for_the_path() {
        let mut record = testing::clean();
        record.vpn = testing::vpn(&["eth0", "eth0"]);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        let told: Vec<(&str, Leaning)> = judgement.path.iter().map(|e| (e.id.as_str(), e.leaning)).collect();
        assert_eq!(told, [("vpn-split", Leaning::For)]);
        assert!(judgement.findings.is_empty() && judgement.solutions.is_empty());
        testing::seen(&mut record.vpn).interfaces.retain(|interface| interface.name == "eth0");
        assert!(crate::judge(&record, &crate::Knowledge::builtin()).path.is_empty(), "no VPN, nothing to tell");
    }
}
