use std::collections::BTreeMap;

use model::Confidence;

use super::{Decided, PathSign, PathView, decided};
use crate::attribution::of_headers;
use crate::rules::Sign;
use crate::text::{counted, quoted};

path_rule! {
    /// What it shows: the settings of this machine, its environment, or a script that it is told to use send hosts of the
    /// service to a proxy.
    ///
    /// Why it is proof of nothing more: this is what browsers and other programs will do; the check itself goes where it is
    /// told to. A proxy costs a round trip, carries no QUIC and no UDP, and may decrypt.
    ///
    /// What can fool it: programs that read other settings than those that were found.
    ///
    /// Source: the settings themselves; each is named with the rule that decided.
    "proxy-configured", D, "The settings send the service through a proxy", look,
    "Add {hosts} to the proxy's exceptions, or return DIRECT for them in the script."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let all = decided(view.record);
    let mut groups: BTreeMap<(String, String), Vec<&Decided<'_>>> = BTreeMap::new();
    for decided in &all {
        if let Some(proxy) = decided.proxy() {
            groups.entry((proxy, decided.said_by())).or_default().push(decided);
        }
    }
    groups
        .into_iter()
        .map(|((proxy, source), sent)| {
            let mut rules: Vec<String> =
                sent.iter().filter_map(|decided| decided.route.rule.as_deref()).map(quoted).collect();
            rules.sort();
            rules.dedup();
            let rule = match rules.as_slice() {
                [only] => format!(", by `{only}`"),
                _ => String::new(),
            };
            let of = if sent.len() == all.len() { String::new() } else { format!(" of {}", all.len()) };
            let hosts = if of.is_empty() { counted(sent.len(), "host") } else { format!("{}{of} hosts", sent.len()) };
            let verb = if sent.len() == 1 { "is" } else { "are" };
            let detail = format!("{hosts} {verb} sent to `{proxy}`, as {source} says{rule}");
            PathSign {
                sign: Sign::against(Confidence::Proven, detail),
                hosts: sent.iter().map(|decided| decided.host()).collect(),
                who: who(view, &proxy),
            }
        })
        .collect()
}

/// Who the proxy is, by its own headers.
fn who(view: &PathView<'_>, proxy: &str) -> Vec<model::Attribution> {
    let answers = view.record.proxy.seen().into_iter().flat_map(|facts| &facts.proxies);
    let theirs = answers.filter(|answer| {
        let authority = answer.proxy.rsplit_once("://").map_or(answer.proxy.as_str(), |(_, authority)| authority);
        proxy.split_whitespace().any(|word| word.ends_with(authority))
    });
    let connect = theirs.filter_map(|answer| answer.outcome.seen()).next();
    connect.map(|c| of_headers(c.server.as_deref(), c.via.as_deref(), view.knowledge)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, path_against};

    #[test]
    fn what_the_settings_decide_is_told_with_the_rule() {
        let mut record = testing::clean();
        record.proxy = testing::proxy_facts("PROXY proxy.contoso.example:8080; DIRECT", 200);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(path_against(&record), ["proxy-configured"]);
        let evidence = &judgement.path[0];
        assert_eq!(
            evidence.detail,
            "1 host is sent to `PROXY proxy.contoso.example:8080`, as http://wpad/wpad.dat says, by `line 7: return proxy;`"
        );
        assert_eq!(judgement.exit, model::ExitCode::NothingFound, "a setting is no degradation");
        let finding = judgement.findings.iter().find(|finding| finding.id == "proxy-configured").expect("a finding");
        assert_eq!(finding.hosts, ["outlook.office365.com:443"]);
        assert_eq!(finding.who[0].product, "Squid");
        record.proxy = testing::proxy_facts("DIRECT", 200);
        assert!(path_against(&record).is_empty());
    }
}
