//! What kind of interface one is, and how that is known.
//!
//! The kernel's own word counts first, where there is one; a name is only a name. What could be an access line as well as
//! a tunnel (PPP) or says nothing stays unknown.

use model::{Interface, InterfaceKind};

/// What is known of an interface. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    /// The adapter's description, on Windows.
    pub(super) description: Option<&'a str>,
    /// Linux, IFLA_INFO_KIND: what the interface was created as.
    pub(super) link_kind: Option<&'a str>,
    /// Linux, ARPHRD: what its frames look like.
    pub(super) hardware_type: Option<u16>,
    /// Linux, DEVTYPE: what its driver calls it.
    pub(super) device_type: Option<&'a str>,
    pub(super) loopback: bool,
}

/// ARPHRD numbers of linux/if_arp.h.
const ETHER: u16 = 1;
const PPP: u16 = 512;
const RAW_IP: u16 = 519;
const TUNNEL: u16 = 768;
const TUNNEL6: u16 = 769;
const LOOPBACK: u16 = 772;
const SIT: u16 = 776;
const GRE: u16 = 778;
const WLAN: u16 = 801;
const GRE6: u16 = 823;
const NONE: u16 = 65534;

/// Kinds of Linux that put packets into other packets: kind and technology.
const TUNNEL_KINDS: &[(&str, &str)] = &[
    ("wireguard", "WireGuard"),
    ("ovpn", "OpenVPN"),
    ("xfrm", "IPsec"),
    ("vti", "IPsec"),
    ("vti6", "IPsec"),
    ("ipip", "IP in IP"),
    ("ip6tnl", "IP in IPv6"),
    ("sit", "IPv6 in IPv4"),
    ("gre", "GRE"),
    ("ip6gre", "GRE"),
    ("gretap", "GRE"),
    ("ip6gretap", "GRE"),
    ("erspan", "ERSPAN"),
    ("vxlan", "VXLAN"),
    ("geneve", "Geneve"),
    ("fou", "FOU"),
    ("bareudp", "bare UDP"),
    ("amt", "AMT"),
    ("gtp", "GTP"),
];

/// Kinds of Linux that only join or divide networks, or carry them over the air.
const ADAPTER_KINDS: &[&str] = &[
    "bridge",
    "vlan",
    "veth",
    "bond",
    "team",
    "macvlan",
    "macvtap",
    "ipvlan",
    "ipvtap",
    "dummy",
    "ifb",
    "vrf",
    "netkit",
    "virt_wifi",
    "wwan",
    "rmnet",
    "dsa",
    "ipoib",
    "hsr",
    "batadv",
    "macsec",
];

/// Names that programs give to their own interfaces. Only a name: where the kernel says that the interface is an adapter, it
/// is one.
const PRODUCT_NAMES: &[(&str, &str)] = &[
    ("tailscale", "Tailscale"),
    ("zt", "ZeroTier"),
    ("cscotun", "Cisco Secure Client"),
    ("gpd", "GlobalProtect"),
    ("CloudflareWARP", "Cloudflare WARP"),
    ("nordlynx", "NordVPN"),
    ("proton", "Proton VPN"),
    ("tunsnx", "Check Point SNX"),
    ("fctvpn", "FortiClient"),
    ("zcctun", "Zscaler Client Connector"),
    ("nebula", "Nebula"),
];

/// Names that systems give to tunnels where no kernel says more: macOS and the BSDs.
const TUNNEL_NAMES: &[(&str, Option<&str>)] = &[
    ("utun", None),
    ("tun", None),
    ("tap", None),
    ("wg", Some("WireGuard")),
    ("ipsec", Some("IPsec")),
    ("gif", Some("IP in IP")),
    ("stf", Some("6to4")),
    ("feth", Some("ZeroTier")),
];

/// Names of adapters on those systems, and the ones that Windows gives unless a person or a program renamed them.
const ADAPTER_NAMES: &[&str] =
    &["en", "eth", "wlan", "bridge", "em", "igb", "ix", "re", "vtnet", "pdp_ip", "Ethernet", "Wi-Fi"];

/// Parts of the descriptions of tunnel adapters on Windows, in lower case.
const DESCRIPTIONS: &[(&str, &str)] = &[
    ("anyconnect", "Cisco Secure Client"),
    ("cisco secure client", "Cisco Secure Client"),
    ("pangp", "GlobalProtect"),
    ("fortinet", "FortiClient"),
    ("juniper networks virtual", "Ivanti Secure Access"),
    ("pulse secure", "Ivanti Secure Access"),
    ("ivanti", "Ivanti Secure Access"),
    ("check point virtual", "Check Point"),
    ("sonicwall", "SonicWall"),
    ("zscaler", "Zscaler Client Connector"),
    ("cloudflare warp", "Cloudflare WARP"),
    ("tailscale", "Tailscale"),
    ("zerotier", "ZeroTier"),
    ("wireguard", "WireGuard"),
    ("wintun", "a Wintun program"),
    ("openvpn", "OpenVPN"),
    ("tap-win", "OpenVPN or another TAP program"),
    ("teredo", "Teredo"),
];

/// 464XLAT on a network without IPv4 (RFC 6877): a TUN device, but no detour.
const TRANSLATORS: &[&str] = &["clat", "v4-"];

pub(super) fn classify(known: &Known<'_>) -> Interface {
    let (kind, because) = of(known);
    Interface { name: known.name.to_owned(), kind, because }
}

fn of(known: &Known<'_>) -> (InterfaceKind, String) {
    if known.loopback || known.hardware_type == Some(LOOPBACK) {
        return (InterfaceKind::Loopback, "the loopback interface".to_owned());
    }
    if let Some(translator) = TRANSLATORS.iter().find(|start| known.name.starts_with(*start)) {
        let because = format!("the name starts with {translator}: 464XLAT (RFC 6877)");
        return (InterfaceKind::Adapter, because);
    }
    let by_kernel = known.link_kind.and_then(|kind| by_link_kind(kind, known.hardware_type));
    let by_kernel = by_kernel.or_else(|| by_device_type(known.device_type?));
    let by_kernel = by_kernel.or_else(|| by_hardware_type(known.hardware_type?));
    let product = PRODUCT_NAMES.iter().find(|(start, _)| is_named(known.name, start));
    match (by_kernel, product) {
        (Some((InterfaceKind::Tunnel(_) | InterfaceKind::Unknown, because)), Some((start, product))) => {
            let because = format!("{because}, and the name starts with {start}");
            (InterfaceKind::Tunnel(Some((*product).to_owned())), because)
        }
        (Some(decided), _) => decided,
        (None, Some((start, product))) => {
            (InterfaceKind::Tunnel(Some((*product).to_owned())), format!("the name starts with {start}"))
        }
        (None, None) => by_description(known).unwrap_or_else(|| by_name(known.name)),
    }
}

fn by_link_kind(kind: &str, hardware_type: Option<u16>) -> Option<(InterfaceKind, String)> {
    let because = format!("created as {kind}");
    if let Some((_, technology)) = TUNNEL_KINDS.iter().find(|(name, _)| *name == kind) {
        return Some((InterfaceKind::Tunnel(Some((*technology).to_owned())), because));
    }
    if ADAPTER_KINDS.contains(&kind) {
        return Some((InterfaceKind::Adapter, because));
    }
    // A program stands behind it, for whole frames (TAP) or for packets alone (TUN).
    (kind == "tun").then(|| {
        let program = if hardware_type == Some(ETHER) { "TAP" } else { "TUN" };
        let technology = format!("OpenVPN or another {program} program");
        (InterfaceKind::Tunnel(Some(technology)), format!("{because} ({program})"))
    })
}

fn by_device_type(device_type: &str) -> Option<(InterfaceKind, String)> {
    let because = format!("DEVTYPE={device_type}");
    match device_type {
        "wireguard" => Some((InterfaceKind::Tunnel(Some("WireGuard".to_owned())), because)),
        "wlan" | "wwan" | "bridge" | "bond" | "vlan" => Some((InterfaceKind::Adapter, because)),
        _ => None,
    }
}

fn by_hardware_type(number: u16) -> Option<(InterfaceKind, String)> {
    let tunnel = |technology: &str| InterfaceKind::Tunnel(Some(technology.to_owned()));
    let (kind, name) = match number {
        ETHER => (InterfaceKind::Adapter, "ETHER"),
        WLAN => (InterfaceKind::Adapter, "IEEE80211"),
        RAW_IP => (InterfaceKind::Adapter, "RAWIP"),
        TUNNEL => (tunnel("IP in IP"), "TUNNEL"),
        TUNNEL6 => (tunnel("IP in IPv6"), "TUNNEL6"),
        SIT => (tunnel("IPv6 in IPv4"), "SIT"),
        GRE => (tunnel("GRE"), "IPGRE"),
        GRE6 => (tunnel("GRE"), "IP6GRE"),
        // Access lines (PPPoE, mobile) and VPNs (L2TP, PPTP, SSTP) look the same.
        PPP => (InterfaceKind::Unknown, "PPP"),
        NONE => (InterfaceKind::Unknown, "NONE"),
        _ => return None,
    };
    Some((kind, format!("ARPHRD_{name}")))
}

fn by_description(known: &Known<'_>) -> Option<(InterfaceKind, String)> {
    let description = known.description?;
    let lower = description.to_lowercase();
    let (_, product) = DESCRIPTIONS.iter().find(|(part, _)| lower.contains(part))?;
    Some((InterfaceKind::Tunnel(Some((*product).to_owned())), format!("described as {description}")))
}

fn by_name(name: &str) -> (InterfaceKind, String) {
    if let Some((start, technology)) = TUNNEL_NAMES.iter().find(|(start, _)| is_named(name, start)) {
        return (InterfaceKind::Tunnel(technology.map(str::to_owned)), format!("the name starts with {start}"));
    }
    if let Some(start) = ADAPTER_NAMES.iter().find(|start| is_named(name, start)) {
        return (InterfaceKind::Adapter, format!("the name starts with {start}"));
    }
    (InterfaceKind::Unknown, "neither the system nor the name says".to_owned())
}

/// `start` alone, with a number (`wg0`, `Ethernet 2`) or with a name of its own after a hyphen (`wg-office`), so that
/// `wgbridge` is not `wg`. What follows in ZeroTier's names is random.
fn is_named(name: &str, start: &str) -> bool {
    let Some(rest) = name.strip_prefix(start) else { return false };
    rest.bytes().all(|octet| octet.is_ascii_digit() || octet == b' ')
        || rest.starts_with('-')
        || (start == "zt" && rest.len() >= 8 && rest.bytes().all(|octet| octet.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: Known<'_>, kind: InterfaceKind, because: &str) {
        let interface = classify(&known);
        assert_eq!((&interface.kind, interface.because.as_str()), (&kind, because), "{known:?}");
    }

    fn tunnel(technology: &str) -> InterfaceKind {
        InterfaceKind::Tunnel(Some(technology.to_owned()))
    }

    #[test]
    fn the_kernel_s_word_counts() {
        let linux = |name, link_kind, hardware_type| Known {
            name,
            link_kind,
            hardware_type: Some(hardware_type),
            ..Known::default()
        };
        check(linux("lo", None, LOOPBACK), InterfaceKind::Loopback, "the loopback interface");
        check(linux("eth0", None, ETHER), InterfaceKind::Adapter, "ARPHRD_ETHER");
        check(linux("wg0", Some("wireguard"), NONE), tunnel("WireGuard"), "created as wireguard");
        // Called like a tunnel, and not one; called like an adapter, and a tunnel.
        check(linux("tun0", Some("bridge"), ETHER), InterfaceKind::Adapter, "created as bridge");
        check(linux("eth7", Some("wireguard"), NONE), tunnel("WireGuard"), "created as wireguard");
        check(linux("x", Some("tun"), NONE), tunnel("OpenVPN or another TUN program"), "created as tun (TUN)");
        check(linux("x", Some("tun"), ETHER), tunnel("OpenVPN or another TAP program"), "created as tun (TAP)");
        check(linux("ppp0", None, PPP), InterfaceKind::Unknown, "ARPHRD_PPP");
        check(linux("x", None, NONE), InterfaceKind::Unknown, "ARPHRD_NONE");
        check(linux("tunl0", None, TUNNEL), tunnel("IP in IP"), "ARPHRD_TUNNEL");
    }

    #[test]
    fn a_name_says_whose_tunnel_it_is() {
        let tun = |name| Known { name, link_kind: Some("tun"), hardware_type: Some(NONE), ..Known::default() };
        for (name, product, start) in [
            ("tailscale0", "Tailscale", "tailscale"),
            ("cscotun0", "Cisco Secure Client", "cscotun"),
            ("gpd0", "GlobalProtect", "gpd"),
            ("CloudflareWARP", "Cloudflare WARP", "CloudflareWARP"),
            ("ztabcdef01", "ZeroTier", "zt"),
        ] {
            check(tun(name), tunnel(product), &format!("created as tun (TUN), and the name starts with {start}"));
        }
        check(tun("clat4"), InterfaceKind::Adapter, "the name starts with clat: 464XLAT (RFC 6877)");
        let wwan = Known { name: "wwan0", device_type: Some("wwan"), hardware_type: Some(NONE), ..Known::default() };
        check(wwan, InterfaceKind::Adapter, "DEVTYPE=wwan");
    }

    #[test]
    fn where_the_system_says_little_the_name_has_to_do() {
        let named = |name| Known { name, ..Known::default() };
        check(named("utun4"), InterfaceKind::Tunnel(None), "the name starts with utun");
        check(named("en0"), InterfaceKind::Adapter, "the name starts with en");
        check(named("ppp0"), InterfaceKind::Unknown, "neither the system nor the name says");
        check(named("tunnels"), InterfaceKind::Unknown, "neither the system nor the name says");
        let description = "Cisco AnyConnect Virtual Miniport Adapter for Windows x64";
        let windows = Known { name: "Ethernet 3", description: Some(description), ..Known::default() };
        check(windows, tunnel("Cisco Secure Client"), &format!("described as {description}"));
    }
}
