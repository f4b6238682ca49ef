//! Commands by which anybody can see a finding without this program: curl, openssl, dig.

use crate::report::text::clean;
use model::{Finding, HostRecord, Record};

/// Commands for the first host of a finding, by what was found on it.
pub(super) fn for_finding(finding: &Finding, record: &Record) -> Vec<String> {
    let is_named = |host: &&HostRecord| finding.hosts.iter().any(|name| *name == authority(host));
    let proxy = record.path.via.as_deref();
    if let Some(reflector) = record.reflector.seen().map(|reflector| &reflector.host).filter(is_named) {
        return at_reflector(finding, reflector, proxy);
    }
    let Some(host) = record.hosts.iter().find(is_named) else { return elsewhere(finding, proxy) };
    let about = |prefix: &str| finding.id.starts_with(prefix);
    let mut commands = Vec::new();
    if about("quic") || about("alt-svc") {
        commands.push(format!("curl -v --http3-only {} -o /dev/null", url("https", host, &host.target.path)));
    } else if about("websocket") {
        let path = host.target.promises.websocket.as_ref().map_or("/", |promise| promise.path.as_str());
        commands.push(format!(
            "curl -iN --http1.1{} -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
             -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' {}",
            through(proxy),
            url("https", host, path)
        ));
    } else if about("stream") {
        let path = host.target.promises.stream.as_ref().map_or("/", |promise| promise.path.as_str());
        commands.push(format!(
            "curl -vN{} -H 'Accept: text/event-stream' {}",
            through(proxy),
            url("https", host, path)
        ));
    } else if about("wrong-destination") {
        commands.push(format!("dig +short {} A {} AAAA", host.target.host, host.target.host));
    } else if about("media") {
        let relay = host.target.promises.media_host.as_ref().unwrap_or(&host.target.host);
        for port in &host.target.promises.media_ports {
            commands.push(format!("turnutils_stunclient -p {port} {relay}"));
        }
    } else {
        commands.push(certificate(host, proxy));
        commands.push(format!("curl -v{} {} -o /dev/null", through(proxy), url("https", host, &host.target.path)));
    }
    commands
}

/// At the reflector everybody can ask what arrives; `-k` because its certificate may be of its own making.
fn at_reflector(finding: &Finding, host: &HostRecord, proxy: Option<&str>) -> Vec<String> {
    const CHALLENGE: &str = "/v1/reflect?challenge=00000000000000000000000000000000";
    let curl = |rest: &str, path: &str| format!("curl -vk{}{rest} {}", through(proxy), url("https", host, path));
    let about = |words: &[&str]| words.iter().any(|word| finding.id.contains(word));
    if about(&["eicar"]) {
        vec![curl("", "/v1/content/eicar")]
    } else if about(&["content"]) {
        let number = "printf '4111 1111 1111 1111\\n5555 5555 5555 4444\\n' | ";
        vec![format!("{number}{}", curl(" -T -", CHALLENGE))]
    } else if about(&["cached"]) {
        let nonce = curl(" -s", "/v1/fidelity/nonce");
        vec![nonce.clone(), nonce]
    } else if about(&["upload"]) {
        vec![format!("head -c 262144 /dev/zero | {}", curl(" -T -", CHALLENGE))]
    } else if about(&["decrypt", "reflector", "exporter", "hello"]) {
        vec![certificate(host, proxy)]
    } else {
        // The answer is JSON: `answer` in base64 says what arrived.
        vec![format!("{} | jq -r .answer | base64 -d | jq .", curl(" -s", CHALLENGE))]
    }
}

/// A name of the endpoint list that is not among the hosts that were tested.
fn elsewhere(finding: &Finding, proxy: Option<&str>) -> Vec<String> {
    let Some((host, port)) = finding.hosts.first().and_then(|name| name.rsplit_once(':')) else { return Vec::new() };
    let scheme = if port == "80" { "http" } else { "https" };
    let port = if matches!(port, "80" | "443") { String::new() } else { format!(":{port}") };
    vec![format!("curl -v{} {} -o /dev/null", through(proxy), quoted(&format!("{scheme}://{host}{port}/")))]
}

fn certificate(host: &HostRecord, proxy: Option<&str>) -> String {
    let name = &host.target.host;
    // openssl takes host and port of an HTTP proxy alone.
    let proxy = proxy.and_then(|url| url.strip_prefix("http://")).map(|authority| {
        format!(" -proxy {}", quoted(authority.rsplit('@').next().unwrap_or(authority).trim_end_matches('/')))
    });
    format!(
        "openssl s_client -connect {name}:{} -servername {name}{} -showcerts </dev/null",
        host.target.port,
        proxy.unwrap_or_default()
    )
}

fn through(proxy: Option<&str>) -> String {
    proxy.map(|proxy| format!(" -x {}", quoted(proxy))).unwrap_or_default()
}

fn authority(host: &HostRecord) -> String {
    format!("{}:{}", host.target.host, host.target.port)
}

fn url(scheme: &str, host: &HostRecord, path: &str) -> String {
    let port = if host.target.port == 443 { String::new() } else { format!(":{}", host.target.port) };
    quoted(&format!("{scheme}://{}{port}{path}", host.target.host))
}

/// For a POSIX shell: what it could take for something else stands in single quotes. Nothing that a stranger wrote into a
/// record may become a command when it is pasted.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%+,@".contains(c);
    let text = clean(text);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_pasted_becomes_a_command() {
        assert_eq!(quoted("https://a.example/x"), "https://a.example/x");
        assert_eq!(quoted("https://a.example/?a=1&b"), "'https://a.example/?a=1&b'");
        assert_eq!(quoted("/'; rm -rf ~ #\n$(id)"), r"'/'\''; rm -rf ~ #$(id)'");
        assert_eq!(quoted(""), "''");
    }
}
