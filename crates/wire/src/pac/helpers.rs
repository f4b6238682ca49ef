//! The functions that a script may call, as Chromium has them (`net/proxy_resolution/pac_js_library.h` and
//! `proxy_resolver_v8.cc`), with Microsoft's IPv6 extension.
//!
//! Arguments become strings as the language makes them, but for null, which becomes an empty one. Each helper that answers true is counted, because the last one
//! before a `return` is mostly the one that led to it.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use rquickjs::function::Rest;
use rquickjs::{Coerced, Ctx, Exception, FromJs, Function, IntoJs, Result, Value};

use super::dates;
use super::engine::State;

/// Characters of an argument. A URL and a pattern are far below it.
const ARGUMENT_LIMIT: usize = 16 * 1024;
/// Work of a call besides what it compares; a question to the resolver is limited in number instead.
const CALL: u64 = 50;
/// Characters shown of an argument of a helper that answered true.
const SHOWN_LIMIT: usize = 64;
/// Entries of a list of addresses.
const LIST_LIMIT: usize = 64;

type Arguments<'js> = Rest<Value<'js>>;

/// Makes every helper a function of the script's world.
pub(super) fn define<'js>(ctx: &Ctx<'js>, state: &Rc<State>) -> Result<()> {
    for &(name, predicate) in PREDICATES {
        let state = state.clone();
        let call = move |ctx: Ctx<'js>, arguments: Arguments<'js>| -> Result<bool> {
            let arguments = read(&ctx, &state, arguments)?;
            let holds = predicate(&state, &arguments);
            if holds {
                let shown: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
                state.answered_true(format!("{name}({})", shown.join(", ")));
            }
            Ok(holds)
        };
        ctx.globals().set(name, Function::new(ctx.clone(), call)?)?;
    }
    for &(name, function) in FUNCTIONS {
        let state = state.clone();
        let call = move |ctx: Ctx<'js>, arguments: Arguments<'js>| -> Result<Value<'js>> {
            let arguments = read(&ctx, &state, arguments)?;
            match function(&state, &arguments) {
                Some(text) => text.into_js(&ctx),
                None => Ok(Value::new_null(ctx)),
            }
        };
        ctx.globals().set(name, Function::new(ctx.clone(), call)?)?;
    }
    let counted = state.clone();
    let levels = move |ctx: Ctx<'js>, arguments: Arguments<'js>| -> Result<i32> {
        let dots = first(&read(&ctx, &counted, arguments)?).matches('.').count();
        Ok(i32::try_from(dots).unwrap_or(i32::MAX))
    };
    ctx.globals().set("dnsDomainLevels", Function::new(ctx.clone(), levels)?)?;
    let counted = state.clone();
    let convert = move |ctx: Ctx<'js>, arguments: Arguments<'js>| -> Result<i32> {
        Ok(convert_addr(first(&read(&ctx, &counted, arguments)?)))
    };
    ctx.globals().set("convert_addr", Function::new(ctx.clone(), convert)?)?;
    // A message to a person who debugs the script. There is nobody.
    ctx.globals().set("alert", Function::new(ctx.clone(), |_: Arguments<'js>| ())?)
}

type Predicate = fn(&State, &[String]) -> bool;
type Answering = fn(&State, &[String]) -> Option<String>;

const PREDICATES: &[(&str, Predicate)] = &[
    // Chromium holds an IPv6 address, which has no dot, not to be a plain name.
    ("isPlainHostName", |_, arguments| !first(arguments).contains(['.', ':'])),
    ("dnsDomainIs", |_, arguments| first(arguments).ends_with(second(arguments))),
    ("localHostOrDomainIs", |_, arguments| {
        let (host, domain) = (first(arguments), second(arguments));
        host == domain || domain.strip_prefix(host).is_some_and(|rest| rest.starts_with('.'))
    }),
    ("isResolvable", |state, arguments| resolve_v4(state, first(arguments)).is_some()),
    ("isResolvableEx", |state, arguments| !state.resolve(first(arguments)).is_empty()),
    ("isInNet", is_in_net),
    ("isInNetEx", is_in_net_ex),
    ("shExpMatch", |state, arguments| sh_exp_match(state, first(arguments), second(arguments))),
    ("weekdayRange", |state, arguments| dates::weekday_range(arguments, state.moment)),
    ("dateRange", |state, arguments| dates::date_range(arguments, state.moment)),
    ("timeRange", |state, arguments| dates::time_range(arguments, state.moment)),
];

const FUNCTIONS: &[(&str, Answering)] = &[
    ("dnsResolve", |state, arguments| resolve_v4(state, first(arguments)).map(|address| address.to_string())),
    ("dnsResolveEx", |state, arguments| Some(list(&state.resolve(first(arguments))))),
    // An IPv4 address where there is one, as all browsers do, and where there is none the one of loopback.
    ("myIpAddress", |state, _| {
        let addresses = state.own_addresses();
        let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        Some(address.map_or_else(|| Ipv4Addr::LOCALHOST.to_string(), ToString::to_string))
    }),
    ("myIpAddressEx", |state, _| Some(list(&state.own_addresses()))),
    ("sortIpAddressList", |_, arguments| sort_ip_address_list(first(arguments))),
    // The version of Microsoft's extension.
    ("getClientVersion", |_, _| Some("1.0".to_owned())),
];

fn read(ctx: &Ctx<'_>, state: &State, arguments: Arguments<'_>) -> Result<Vec<String>> {
    let arguments = strings(arguments)?;
    let length: usize = arguments.iter().map(String::len).sum();
    if length > ARGUMENT_LIMIT {
        return Err(Exception::throw_range(ctx, "the argument is too long"));
    }
    if !state.work(CALL + length as u64) {
        return Err(Exception::throw_internal(ctx, "interrupted"));
    }
    Ok(arguments)
}

fn strings(Rest(arguments): Arguments<'_>) -> Result<Vec<String>> {
    let text = |argument: Value<'_>| -> Result<String> {
        // A name that did not resolve is handed on as null all the time. No browser asks for a host of that name.
        if argument.is_null() || argument.is_undefined() {
            return Ok(String::new());
        }
        Ok(Coerced::<String>::from_js(argument.ctx(), argument.clone())?.0)
    };
    arguments.into_iter().map(text).collect()
}

fn first(arguments: &[String]) -> &str {
    arguments.first().map_or("", String::as_str)
}

fn second(arguments: &[String]) -> &str {
    arguments.get(1).map_or("", String::as_str)
}

fn quote(argument: &str) -> String {
    let short: String = argument.chars().filter(|c| !c.is_control()).take(SHOWN_LIMIT).collect();
    format!("\"{short}\"")
}

fn resolve_v4(state: &State, name: &str) -> Option<Ipv4Addr> {
    state.resolve(name).into_iter().find_map(|address| match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().take(LIST_LIMIT).map(ToString::to_string).collect::<Vec<_>>().join(";")
}

/// `isInNet(host, pattern, mask)`, where the host may be a name, which is resolved then.
fn is_in_net(state: &State, arguments: &[String]) -> bool {
    let [host, pattern, mask, ..] = arguments else { return false };
    let (Some(pattern), Some(mask)) = (dotted_quad(pattern), dotted_quad(mask)) else { return false };
    let Some(host) = dotted_quad(host).or_else(|| resolve_v4(state, host)) else { return false };
    let [host, pattern, mask] = [host, pattern, mask].map(u32::from);
    host & mask == pattern & mask
}

/// Four decimal numbers, of up to three digits each: unlike elsewhere, leading zeros are allowed and mean nothing.
fn dotted_quad(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        *octet = part.bytes().all(|digit| digit.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then(|| octets.into())
}

/// `isInNetEx(address, prefix)`: an address, not a name, and a prefix of the same family.
fn is_in_net_ex(_: &State, arguments: &[String]) -> bool {
    let Ok(address) = first(arguments).parse::<IpAddr>() else { return false };
    let Some((network, length)) = second(arguments).split_once('/') else { return false };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            length <= 32 && (a.to_bits() ^ n.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            length <= 128 && (a.to_bits() ^ n.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// IPv6 first, each family in ascending order; `null`, which is false, where one of them is not an address.
fn sort_ip_address_list(text: &str) -> Option<String> {
    let mut addresses = text
        .split(';')
        .take(LIST_LIMIT)
        .map(|address| address.trim().parse())
        .collect::<std::result::Result<Vec<IpAddr>, _>>()
        .ok()?;
    addresses.sort_by_key(|address| (address.is_ipv4(), *address));
    Some(list(&addresses))
}

/// The first four numbers as one, signed as the language's bit operations make it.
fn convert_addr(text: &str) -> i32 {
    let mut octets = [0; 4];
    for (octet, part) in octets.iter_mut().zip(text.split('.')) {
        // What is too large loses its upper bits, what is not a number is none.
        *octet = part.trim().parse::<i64>().map_or(0, |number| number.to_le_bytes()[0]);
    }
    i32::from_be_bytes(octets)
}

/// A pattern of a shell: `*` and `?`, the whole text, no character classes, case counts.
fn sh_exp_match(state: &State, text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut wanted) = (0, 0);
    // Where the last star stands, and up to where it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(at) {
        if !state.work(1) {
            return false;
        }
        match pattern.get(wanted) {
            Some('*') => {
                star = Some((wanted, at));
                wanted += 1;
            }
            Some(expected) if *expected == '?' || expected == character => {
                at += 1;
                wanted += 1;
            }
            _ => match &mut star {
                Some((place, eaten)) => {
                    *eaten += 1;
                    at = *eaten;
                    wanted = *place + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(wanted).all(|rest| *rest == '*')
}
