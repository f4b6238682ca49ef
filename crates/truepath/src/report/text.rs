//! The answer as text: one line for each workload, then the findings in order of weight, each with what, who, how it is
//! known, what it breaks and what to do.

use anstyle::{AnsiColor, Style};
use model::{Attempt, Confidence, ExitCode, Finding, Judgement, Measure, Record, SolutionClass, State};

/// Columns of the text; findings are wrapped to it.
pub(super) const WIDTH: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Colour,
}

impl Paint {
    fn state(self, state: State, text: &str) -> String {
        let colour = match state {
            State::Intact => AnsiColor::Green,
            State::Unknown => AnsiColor::Cyan,
            State::Degraded => AnsiColor::Yellow,
            State::Manipulated | State::Intercepted => AnsiColor::Red,
        };
        self.paint(Style::new().fg_color(Some(colour.into())).bold(), text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("{style}{text}{style:#}"),
        }
    }
}

pub(super) fn render(record: &Record, judgement: &Judgement, paint: Paint) -> String {
    let mut out = headline(record, judgement);
    out.push('\n');
    workloads(judgement, paint, &mut out);
    reflector(record, judgement, paint, &mut out);
    solutions(judgement, &mut out);
    measures(judgement, paint, &mut out);
    if judgement.findings.is_empty() {
        let proven = judgement.hosts.iter().any(|host| host.state == State::Intact && !host.is_reflector);
        out.push('\n');
        out.push_str(if proven {
            "Nothing was found.\n"
        } else {
            "Nothing was found, and nothing judged: no check that could tell who ends TLS was run.\n"
        });
    }
    for (place, finding) in judgement.findings.iter().enumerate() {
        out.push('\n');
        let told = judgement.findings.iter().take(place).position(|before| before.who == finding.who);
        write_finding(place + 1, finding, told.map(|place| place + 1), paint, &mut out);
    }
    out
}

fn headline(record: &Record, judgement: &Judgement) -> String {
    let service = &record.service;
    let mut text = format!("{}, {} in {}", clean(&service.name), hosts(record), record.took_ms);
    if let Some(via) = &record.path.via {
        text.push_str(&format!(", through {}", clean(via)));
    }
    text.push('\n');
    if judgement.exit == ExitCode::Unreachable {
        let all = judgement.hosts.iter().filter(|host| !host.is_reflector).all(|host| host.state == State::Unknown);
        let what = if all { "No host of the service" } else { "A part of the service" };
        text.push_str(&format!("{what} could {}be reached from here.\n", if all { "" } else { "not " }));
    }
    if let (Some(instance), Some(version)) = (&service.instance, &service.catalogue) {
        text.push_str(&format!("endpoint list: {} {}\n", clean(instance), clean(version)));
    }
    let followed_by_others =
        record.path.environment_proxies.iter().find(|(name, _)| !name.eq_ignore_ascii_case("no_proxy"));
    if let Some(turns) = record.options.turns.filter(|turns| *turns > 1) {
        text.push_str(&format!(
            "turn: this run takes 1 of {turns} turns through hosts and checks (--every, --traffic)\n"
        ));
    }
    if let (None, Some((name, value))) = (&record.path.via, followed_by_others) {
        let value = clean(value);
        text.push_str(&format!("note: {} is set to {value}; this run went past it.", clean(name)));
        if value.parse::<probe::Proxy>().is_ok() {
            text.push_str(&format!(" `--via {value}` goes through it."));
        }
        text.push('\n');
    }
    text
}

/// "1 host", "40 hosts".
pub(super) fn hosts(record: &Record) -> String {
    match record.hosts.len() {
        1 => "1 host".to_owned(),
        count => format!("{count} hosts"),
    }
}

fn workloads(judgement: &Judgement, paint: Paint, out: &mut String) {
    let width = judgement.workloads.iter().map(|workload| workload.workload.chars().count()).max().unwrap_or(0);
    for workload in &judgement.workloads {
        let state = format!("{:<11}", word(workload.state));
        let indent = width + 17;
        for (n, piece) in wrap(&workload.summary, WIDTH.saturating_sub(indent)).iter().enumerate() {
            if n == 0 {
                let state = paint.state(workload.state, &state);
                out.push_str(&format!("  {:<width$}  {state}  {piece}\n", clean(&workload.workload)));
            } else {
                out.push_str(&format!("{:indent$}{piece}\n", ""));
            }
        }
    }
}

fn reflector(record: &Record, judgement: &Judgement, paint: Paint, out: &mut String) {
    let (state, said) = match (&record.reflector, judgement.hosts.iter().find(|host| host.is_reflector)) {
        (Attempt::Seen(_), Some(verdict)) => {
            let proof = verdict.evidence.first().map_or("", |evidence| evidence.detail.as_str());
            let said = verdict.reason.as_deref().unwrap_or(proof);
            (Some(verdict.state), format!("{}: {said}", word(verdict.state)))
        }
        (Attempt::NotTried(why) | Attempt::NotApplicable(why), _) => {
            (None, format!("exporter and hello not tried: {why}"))
        }
        (Attempt::Failed(failure), _) => (None, format!("not reached: {}", failure.detail)),
        (Attempt::Seen(_), None) => (None, "not judged".to_owned()),
    };
    for (n, piece) in wrap(&said, WIDTH - 15).iter().enumerate() {
        // Painted after wrapping, which would take the colour for control characters of a stranger.
        let piece = match state.filter(|_| n == 0) {
            Some(state) => piece.replacen(word(state), &paint.state(state, word(state)), 1),
            None => piece.clone(),
        };
        out.push_str(&format!("{}{piece}\n", if n == 0 { "  reflector    " } else { "               " }));
    }
}

/// The kinds of solution on the path, in one line: "secure web gateway (SWG): Squid with SslBump; VPN".
fn solutions(judgement: &Judgement, out: &mut String) {
    let kinds = judgement.solutions.iter().map(|solution| {
        let product = solution.who.first().filter(|who| who.confidence > 0.0).map(|who| format!(": {}", who.product));
        format!("{}{}", solution_name(solution.class), product.unwrap_or_default())
    });
    let kinds: Vec<String> = kinds.collect();
    if !kinds.is_empty() {
        labelled("on the path", &kinds.join("; "), out);
    }
}

/// What was measured, in a line each.
fn measures(judgement: &Judgement, paint: Paint, out: &mut String) {
    for Measure { name, text, state } in &judgement.measures {
        labelled(name, text, out);
        if let Some(state) = state.filter(|state| *state > State::Unknown) {
            // Out of its bounds: the line's end says so, in colour where there is any.
            out.truncate(out.trim_end().len());
            out.push_str(&format!("  {}\n", paint.state(state, "[out of bounds]")));
        }
    }
}

fn labelled(label: &str, text: &str, out: &mut String) {
    for (n, piece) in wrap(text, WIDTH - 15).iter().enumerate() {
        let label = if n == 0 { clean(label) } else { String::new() };
        out.push_str(&format!("  {label:<11}  {piece}\n"));
    }
}

/// `told` is the number of an earlier finding with the same attribution, whose reasons need not be told twice.
fn write_finding(number: usize, finding: &Finding, told: Option<usize>, paint: Paint, out: &mut String) {
    let title = format!("{number}. {}", finding.title);
    out.push_str(&paint.bold(&wrap(&title, WIDTH).join("\n   ")));
    // How sure one is of knowing nothing is no use to anybody.
    let nothing_known = finding.state == State::Unknown && finding.confidence == Confidence::Weak;
    let label = if nothing_known { word(State::Unknown) } else { confidence(finding.confidence) };
    out.push_str(&format!("  {}\n", paint.state(finding.state, &format!("[{label}]"))));
    let who = finding.who.iter().map(|one| {
        // How sure one is of knowing nothing is no use to anybody.
        let sure = if one.confidence > 0.0 { format!(" ({:.2})", one.confidence) } else { String::new() };
        let named = format!("{}{sure}", one.product);
        match told {
            Some(told) => format!("{named}, as in {told}"),
            None if one.because.is_empty() => named,
            None => format!("{named}: {}", one.because.join("; ")),
        }
    });
    section("who", who, out);
    section("how", finding.because.iter().map(|because| sentence(because)), out);
    section("breaks", list(&finding.breaks), out);
    section("hosts", list(&finding.hosts), out);
    section("do", [finding.action.clone()], out);
}

/// Begins with a capital, unless it begins with a name.
pub(super) fn sentence(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if word.chars().all(char::is_lowercase) => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// A list in one line; a long one is cut, and `--json` has all of it.
fn list(items: &[String]) -> Option<String> {
    const SHOWN: usize = 12;
    let mut line = items.iter().take(SHOWN).cloned().collect::<Vec<String>>().join(", ");
    if items.len() > SHOWN {
        line.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    (!items.is_empty()).then_some(line)
}

fn section(label: &str, items: impl IntoIterator<Item = String>, out: &mut String) {
    let mut label = label;
    for item in items.into_iter().filter(|item| !item.is_empty()) {
        for line in wrap(&item, WIDTH - 11) {
            out.push_str(&format!("   {label:<7} {line}\n"));
            label = "";
        }
    }
}

pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Intact => "intact",
        State::Unknown => "unknown",
        State::Degraded => "degraded",
        State::Manipulated => "manipulated",
        State::Intercepted => "intercepted",
    }
}

pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Proven => "proven",
        Confidence::Strong => "strong",
        Confidence::Weak => "weak",
    }
}

/// What people call a kind of solution.
pub(super) fn solution_name(class: SolutionClass) -> &'static str {
    match class {
        SolutionClass::WanOptimisation => "WAN optimisation",
        SolutionClass::Redirection => "Traffic redirection and inspection",
        SolutionClass::Proxy => "Proxy",
        SolutionClass::Casb => "Cloud access security broker (CASB)",
        SolutionClass::Swg => "Secure web gateway (SWG)",
        SolutionClass::Dlp => "Data leakage prevention (DLP)",
        SolutionClass::Vpn => "VPN",
        SolutionClass::Antivirus => "Antivirus",
        SolutionClass::Firewall => "Firewall",
    }
}

/// Breaks at spaces, and cleans.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().map(clean) {
        let line_length = lines.last().map_or(0, |line| line.chars().count());
        if line_length > 0 && line_length + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines
}

/// Strings come from the network, from files of strangers and from the environment. What a terminal obeys, and what turns
/// the direction of writing, does not pass (Unicode Standard Annex 9).
pub(crate) fn clean(text: &str) -> String {
    let obeyed = |c: &char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !obeyed(c)).collect()
}

#[cfg(test)]
mod tests {
    use model::{Record, State};

    use super::{Paint, render};

    fn record() -> Record {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/records/direct.json");
        Record::from_json(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn nothing_of_a_strangers_record_reaches_the_terminal_but_letters() {
        let mut record = record();
        let evil = "\u{1b}]0;owned\u{7}\u{202e}x";
        record.service.name = evil.to_owned();
        record.service.instance = Some(evil.to_owned());
        record.service.catalogue = Some(evil.to_owned());
        record.path.via = Some(evil.to_owned());
        record.hosts[0].target.workload = evil.to_owned();
        let judgement = detect::judge(&record, &detect::Knowledge::builtin());
        let text = render(&record, &judgement, Paint::Plain);
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    }

    #[test]
    fn colour_is_whole_wherever_it_stands() {
        let record = record();
        let mut judgement = detect::judge(&record, &detect::Knowledge::builtin());
        for host in &mut judgement.hosts {
            host.state = State::Intact;
        }
        let text = render(&record, &judgement, Paint::Colour);
        assert!(text.contains("\u{1b}[32mintact"), "{text:?}");
        assert!(!text.contains("  reflector    [") && !text.replace("\u{1b}[", "").contains("[0m"), "{text:?}");
    }
}
