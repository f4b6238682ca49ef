use model::Confidence;

use super::proxies::sent_to;
use super::{PathSign, PathView};
use crate::attribution::of_headers;
use crate::rules::Sign;
use crate::text::{listed, quoted};

path_rule! {
    /// What it shows: a proxy that the settings of this machine choose answers 407 to a CONNECT: it wants a sign-in.
    ///
    /// Why it is proof: programs that cannot sign in to a proxy, as background services and many apps cannot, do not reach the
    /// service. Microsoft 365 does not support proxies that authenticate for its required endpoints.
    ///
    /// What can fool it: a proxy that signs machines in by their address and does not know this one.
    ///
    /// Source: RFC 9110 sections 11.7.1 and 15.5.8 (407); Microsoft 365 network connectivity principles (2025-04-02).
    "proxy-sign-in", E, "The proxy asks for a sign-in", look,
    "Let the service's hosts pass the proxy without a sign-in, or send them direct."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some(facts) = view.record.proxy.seen() else { return Vec::new() };
    let asked = facts.proxies.iter().filter_map(|answer| Some((answer, answer.outcome.seen()?)));
    asked
        .filter(|(_, connect)| connect.status == Some(407))
        .map(|(answer, connect)| {
            let schemes: Vec<String> = connect.schemes.iter().map(|scheme| quoted(scheme)).collect();
            let with = if schemes.is_empty() { String::new() } else { format!(" ({})", listed(&schemes)) };
            let detail = format!("{} answered CONNECT with status 407: it wants a sign-in{with}", quoted(&answer.proxy));
            PathSign {
                sign: Sign::against(Confidence::Strong, detail),
                hosts: sent_to(facts, view.record, &answer.proxy),
                who: of_headers(connect.server.as_deref(), connect.via.as_deref(), view.knowledge),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use crate::testing::{self, path_against};

    #[test]
    fn a_407_is_a_degradation() {
        let mut record = testing::clean();
        record.proxy = testing::proxy_facts("PROXY proxy.contoso.example:8080", 407);
        assert_eq!(path_against(&record), ["proxy-sign-in", "proxy-configured"]);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.exit, ExitCode::Degradation);
        assert_eq!(judgement.findings[0].id, "proxy-sign-in");
        assert_eq!(judgement.findings[0].breaks, ["Mail and calendar", "Copilot chat", "Fast page loads"]);
        record.proxy = testing::proxy_facts("PROXY proxy.contoso.example:8080", 200);
        assert_eq!(path_against(&record), ["proxy-configured"]);
    }
}
