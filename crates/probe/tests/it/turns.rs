//! Runs that take a share of the hosts and checks.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Attempt, HostName};
use probe::{Check, Settings, Turn};

use crate::world::{check, seen, settings, target};

/// What a proxy setting says costs nothing to ask, and a rule is wanted for hosts whose turn is another one too.
#[tokio::test]
async fn the_proxy_check_is_asked_for_every_host_whichever_have_their_turn() {
    let names: Vec<String> = (0..8).map(|n| format!("host{n}.example")).collect();
    let hosts: Vec<_> = names
        .iter()
        .map(|name| {
            let mut target = target(1);
            target.host = HostName::parse(name).unwrap();
            target
        })
        .collect();
    let checks: Vec<&'static Check> = ["proxy", "http"].into_iter().map(|name| Check::by_name(name).unwrap()).collect();
    let whole: u64 = checks.iter().map(|check| Turn::cost(check, &hosts, false, 0)).sum();
    let every = Duration::from_secs(3_600);
    // A third of everything in each hour, and a little for the names.
    let week = whole / 3 * 24 * 7 * 25 / 24;
    let turn = |number| Turn::new(number, every, week, &checks, &hosts, false, 0);
    let mut asked = 0;
    for number in 0..turn(0).turns {
        let mut settings = Settings { turn: Some(turn(number)), checks: vec!["proxy", "http"], ..settings() };
        settings.environment_proxies.insert("HTTPS_PROXY".to_owned(), "http://127.0.0.1:1".to_owned());
        settings.resolve = names.iter().map(|name| format!("{name}:1:127.0.0.1").parse().unwrap()).collect();
        // Of this name there is none, so no DHCP server is asked.
        settings.interface = Some("none".to_owned());
        let record = check(hosts.clone(), settings).await;
        let tried: BTreeSet<String> = record
            .hosts
            .iter()
            .filter(|host| !matches!(host.http, Attempt::NotTried(_)))
            .map(|host| host.target.host.to_string())
            .collect();
        let Some(proxy) = record.proxy.seen() else { continue };
        asked += 1;
        assert!(tried.len() < names.len(), "this turn takes all hosts, and shows nothing");
        let of_environment = proxy.decisions.iter().filter(|decision| decision.source == 0);
        let decided: Vec<String> = of_environment
            .inspect(|decision| assert_eq!(seen(&decision.outcome).result, "PROXY 127.0.0.1:1"))
            .map(|decision| decision.host.to_string())
            .collect();
        assert_eq!(decided, names);
    }
    // The circle does not close with a turn, so a check may have two of one round.
    assert!((1..=2).contains(&asked), "{asked} turns");
}
