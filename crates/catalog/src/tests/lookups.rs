//! The indices against slow and naive matchers, and the answers of the real lists.

use std::cmp::Reverse;
use std::net::IpAddr;

use ipnet::IpNet;
use model::HostName;
use proptest::prelude::*;

use crate::{
    Because, Catalogue, Category, EndpointSet, HostPattern, Instance, Ports, Query, Transport, Version, builtin,
};

fn worldwide() -> Catalogue {
    builtin::catalogue("worldwide", None).unwrap()
}

/// `set id / pattern / why`, or `-`.
fn check_host(list: &Catalogue, host: &str, query: Query, expected: &str) {
    let found = list.host(&HostName::parse(host).unwrap(), query);
    let found = found.map_or("-".to_owned(), |found| format!("{} {} {:?}", found.set.id, found.by, found.because));
    assert_eq!(found, expected, "{host} {query:?}");
}

fn check_address(list: &Catalogue, address: &str, query: Query, expected: &str) {
    let found = list.address(address.parse().unwrap(), query);
    let found = found.map_or("-".to_owned(), |found| format!("{} {} {:?}", found.set.id, found.by, found.because));
    assert_eq!(found, expected, "{address} {query:?}");
}

#[test]
fn hosts_of_the_worldwide_list() {
    let list = worldwide();
    let any = Query::default();
    for (host, query, expected) in [
        ("outlook.office365.com", any, "1 outlook.office365.com Category"),
        ("outlook.office365.com", Query::tcp(443), "1 outlook.office365.com Category"),
        ("outlook.office365.com", Query::tcp(993), "2 outlook.office365.com Only"),
        ("outlook.office365.com", Query::udp(443), "1 outlook.office365.com Only"),
        ("contoso.sharepoint.com", any, "31 *.sharepoint.com Only"),
        ("contoso-my.sharepoint.com", any, "31 *.sharepoint.com Only"),
        ("sharepoint.com", any, "-"),
        ("teams.cloud.microsoft", any, "12 teams.cloud.microsoft Category"),
        ("m365.cloud.microsoft", any, "184 *.cloud.microsoft Only"),
        ("cloud.microsoft", any, "-"),
        // Set 10 is Allow like set 9; its pattern says more.
        ("a.mail.protection.outlook.com", any, "10 *.mail.protection.outlook.com Specificity"),
        ("a.mail.protection.outlook.com", Query::tcp(443), "9 *.protection.outlook.com Category"),
        ("autodiscover.contoso.onmicrosoft.com", any, "8 autodiscover.*.onmicrosoft.com Specificity"),
        ("contoso.onmicrosoft.com", any, "78 *.onmicrosoft.com Only"),
        ("autodiscover.onmicrosoft.com", any, "78 *.onmicrosoft.com Only"),
        ("site-cdn.onenote.net", any, "51 *cdn.onenote.net Only"),
        ("cdn.onenote.net", any, "51 *cdn.onenote.net Only"),
        ("onenote.net", any, "-"),
        // Two sets with the same pattern and category.
        ("www.something.microsoft.com", any, "50 *.microsoft.com LowestId"),
        ("graph.microsoft.com", any, "56 graph.microsoft.com Category"),
        ("graph.microsoft.com", Query::udp(443), "-"),
        ("example.com", any, "-"),
    ] {
        check_host(&list, host, query, expected);
    }
}

#[test]
fn addresses_of_the_worldwide_list() {
    let list = worldwide();
    for (address, query, expected) in [
        ("52.97.1.1", Query::tcp(443), "1 52.96.0.0/14 Only"),
        ("52.97.1.1", Query::tcp(993), "2 52.96.0.0/14 Only"),
        ("52.97.1.1", Query::default(), "1 52.96.0.0/14 Category"),
        ("::ffff:52.97.1.1", Query::tcp(443), "1 52.96.0.0/14 Only"),
        ("52.112.0.1", Query::udp(3478), "11 52.112.0.0/14 Only"),
        ("52.112.0.1", Query::tcp(443), "12 52.112.0.0/14 Only"),
        ("52.112.0.1", Query::default(), "11 52.112.0.0/14 Category"),
        ("13.107.136.1", Query::tcp(443), "31 13.107.136.0/22 Only"),
        ("2603:1063::1", Query::udp(3481), "11 2603:1063::/38 Only"),
        ("192.0.2.1", Query::default(), "-"),
        ("0.0.0.0", Query::default(), "-"),
        ("255.255.255.255", Query::default(), "-"),
        ("::", Query::default(), "-"),
    ] {
        check_address(&list, address, query, expected);
    }
}

#[test]
fn an_answer_says_why() {
    let list = worldwide();
    let text = |host: &str| list.host(&HostName::parse(host).unwrap(), Query::default()).unwrap().to_string();
    assert_eq!(
        text("graph.microsoft.com"),
        "set 56 (Common, Allow) by graph.microsoft.com; higher category than set 50 (Common, Default) by *.microsoft.com"
    );
    assert_eq!(text("contoso.sharepoint.com"), "set 31 (SharePoint, Optimize) by *.sharepoint.com");
}

#[test]
fn older_lists_have_stars_within_a_label() {
    let list = Catalogue::from_compact(
        "truepath-endpoints 1\ninstance worldwide\nversion 2020080600\nsource a part of that version\n
set 31 SharePoint Optimize\ntcp 80,443\nhost *-my.sharepoint.com\nhost contoso.sharepoint.com\n
set 34 SharePoint Default\ntcp 80,443\nhost *.sharepoint.com\nhost *-files.sharepoint.com\n",
    )
    .unwrap();
    check_host(&list, "contoso-my.sharepoint.com", Query::default(), "31 *-my.sharepoint.com Category");
    check_host(&list, "contoso-files.sharepoint.com", Query::default(), "34 *-files.sharepoint.com Specificity");
    check_host(&list, "my.sharepoint.com", Query::default(), "34 *.sharepoint.com Only");
}

/// A list whose patterns and ranges overlap as much as they can.
fn crowded() -> impl Strategy<Value = Catalogue> {
    let category = prop::sample::select(vec![Category::Default, Category::Allow, Category::Optimize]);
    let pattern = "(\\*|[ab]?\\*?-?|)[ab]{1,2}(\\.\\*|)\\.[ab]{1,2}\\.(c|ac)"
        .prop_filter_map("a pattern has one star", |text| HostPattern::parse(&text).ok());
    let network = prop_oneof![
        (0..16_u32, 26..=32_u8)
            .prop_map(|(low, length)| IpNet::new_assert(std::net::Ipv4Addr::from(low << 2).into(), length)),
        (any::<u32>(), 0..4_u8)
            .prop_map(|(bits, length)| IpNet::new_assert(std::net::Ipv4Addr::from(bits).into(), length)),
        (0..16_u128, 120..=128_u8)
            .prop_map(|(low, length)| IpNet::new_assert(std::net::Ipv6Addr::from(low << 3).into(), length)),
        Just("::/0".parse().unwrap()),
        Just("255.255.255.255/32".parse().unwrap()),
    ];
    let ports =
        || prop::sample::select(vec!["", "443", "80,443", "3478-3481"]).prop_map(|text| Ports::parse(text).unwrap());
    let set = (category, prop::collection::vec(pattern, 0..8), prop::collection::vec(network, 0..8), ports(), ports());
    prop::collection::btree_map(0..100_u32, set, 0..8).prop_map(|sets| {
        let set = |(id, (category, hosts, networks, tcp, udp))| EndpointSet {
            id,
            area: "Common".to_owned(),
            area_name: None,
            category,
            required: false,
            express_route: false,
            hosts,
            networks,
            tcp,
            udp,
            notes: None,
        };
        let (instance, version) = (Instance::parse("test").unwrap(), Version::parse("1").unwrap());
        Catalogue::checked(instance, version, "a test", sets.into_iter().map(set).collect()).unwrap()
    })
}

fn query() -> impl Strategy<Value = Query> {
    let transport = prop::option::of(prop::sample::select(vec![Transport::Tcp, Transport::Udp]));
    (transport, prop::option::of(prop::sample::select(vec![80, 443, 3479])))
        .prop_map(|(transport, port)| Query { transport, port })
}

/// A host that a pattern of the list matches, or nearly: the star filled, then something taken away or put before.
fn host_of(list: &Catalogue, place: prop::sample::Index, fill: &str, cut: usize, before: &str) -> Option<HostName> {
    let patterns: Vec<&HostPattern> = list.sets().iter().flat_map(|set| &set.hosts).collect();
    let text = if patterns.is_empty() { "a.b.c".to_owned() } else { place.get(&patterns).as_str().replace('*', fill) };
    HostName::parse(&format!("{before}{}", text.get(cut..)?)).ok()
}

/// What the documentation says, word for word.
fn admits(query: Query, set: &EndpointSet) -> bool {
    let published: Vec<(Transport, &Ports)> = vec![(Transport::Tcp, &set.tcp), (Transport::Udp, &set.udp)];
    let of_transport =
        || published.iter().filter(|(transport, _)| query.transport.is_none_or(|asked| asked == *transport));
    match (query.transport, query.port) {
        (None, None) => true,
        (_, Some(port)) => of_transport().any(|(_, ports)| ports.contains(port)),
        (Some(_), None) => of_transport().any(|(_, ports)| !ports.is_empty()),
    }
}

/// Every set and item that matches, best first, found by trying all of them.
fn naive<'a, T, K: Ord>(
    list: &'a Catalogue,
    query: Query,
    items: impl Fn(&'a EndpointSet) -> &'a [T],
    matches: impl Fn(&T) -> bool,
    specificity: impl Fn(&T) -> K,
) -> Vec<(u32, &'a T)> {
    let mut all: Vec<(&EndpointSet, &T)> = list
        .sets()
        .iter()
        .filter(|set| admits(query, set))
        .flat_map(|set| items(set).iter().map(move |item| (set, item)))
        .filter(|(_, item)| matches(item))
        .collect();
    all.sort_by_key(|(set, item)| (Reverse(set.category), Reverse(specificity(item)), set.id));
    all.into_iter().map(|(set, item)| (set.id, item)).collect()
}

fn because(list: &Catalogue, all: &[(u32, impl PartialEq)], same: impl Fn(usize, usize) -> bool) -> Option<Because> {
    let category = |id: u32| list.sets().iter().find(|set| set.id == id).map(|set| set.category);
    match all {
        [] => None,
        [_] => Some(Because::Only),
        [(one, _), (other, _), ..] if category(*one) != category(*other) => Some(Because::Category),
        _ => Some(if same(0, 1) { Because::LowestId } else { Because::Specificity }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn hosts_are_matched_as_the_naive_matcher_does(
        list in crowded(),
        place: prop::sample::Index,
        fill in "[ab]{0,2}(\\.|-|)[ab]{0,2}",
        cut in 0..3_usize,
        before in "([ab]{1,2}(\\.|-|))?",
        query in query(),
    ) {
        // What is no host name any more stands for one that no list knows.
        let host = host_of(&list, place, &fill, cut, &before).unwrap_or_else(|| HostName::parse("a.b").unwrap());
        let specificity = |pattern: &HostPattern| (pattern.is_exact(), pattern.as_str().len());
        let expected = naive(&list, query, |set| &set.hosts, |pattern| pattern.matches(&host), specificity);
        let all: Vec<_> = list.all_of_host(&host, query).into_iter().map(|(set, by)| (set.id, by)).collect();
        prop_assert_eq!(&all, &expected);
        let best = list.host(&host, query);
        prop_assert_eq!(best.as_ref().map(|best| (best.set.id, best.by)), expected.first().copied());
        prop_assert_eq!(best.as_ref().and_then(|best| best.over).map(|(set, by)| (set.id, by)), expected.get(1).copied());
        let same = |one: usize, other: usize| specificity(expected[one].1) == specificity(expected[other].1);
        prop_assert_eq!(best.map(|best| best.because), because(&list, &expected, same));
    }

    #[test]
    fn addresses_are_matched_as_the_naive_matcher_does(
        list in crowded(),
        address in prop_oneof![
            (0..80_u32).prop_map(|bits| IpAddr::from(std::net::Ipv4Addr::from(bits))),
            any::<u32>().prop_map(|bits| IpAddr::from(std::net::Ipv4Addr::from(bits))),
            (0..160_u128).prop_map(|bits| IpAddr::from(std::net::Ipv6Addr::from(bits))),
            Just("255.255.255.255".parse().unwrap()),
            Just("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap()),
        ],
        query in query(),
    ) {
        let expected = naive(&list, query, |set| &set.networks, |net| net.contains(&address), IpNet::prefix_len);
        let all: Vec<_> = list.all_of_address(address, query).into_iter().map(|(set, by)| (set.id, by)).collect();
        prop_assert_eq!(&all, &expected);
        let best = list.address(address, query);
        prop_assert_eq!(best.as_ref().map(|best| (best.set.id, best.by)), expected.first().copied());
        let same = |one: usize, other: usize| expected[one].1.prefix_len() == expected[other].1.prefix_len();
        prop_assert_eq!(best.map(|best| best.because), because(&list, &expected, same));
    }

    #[test]
    fn the_worldwide_list_is_matched_as_the_naive_matcher_does(
        place: prop::sample::Index,
        fill in "[a-z]{1,8}(\\.[a-z]{1,4})?",
        cut in 0..4_usize,
        before in "([a-z]{1,4}\\.)?",
        query in query(),
    ) {
        static LIST: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(worldwide);
        let host = host_of(&LIST, place, &fill, cut, &before).unwrap_or_else(|| HostName::parse("a.b").unwrap());
        let specificity = |pattern: &HostPattern| (pattern.is_exact(), pattern.as_str().len());
        let expected = naive(&LIST, query, |set| &set.hosts, |pattern| pattern.matches(&host), specificity);
        let all: Vec<_> = LIST.all_of_host(&host, query).into_iter().map(|(set, by)| (set.id, by)).collect();
        prop_assert_eq!(all, expected);
    }
}
