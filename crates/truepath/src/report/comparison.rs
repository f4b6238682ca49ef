//! A comparison as text: what a bypass would gain, the costs phase by phase, what is lost, then the findings of the detour.

use model::{Comparison, ComparisonJudgement, Cost, Loss, Milliseconds, Phase};

use super::text::{self, Paint, WIDTH, clean, wrap};

pub(super) fn render(comparison: &Comparison, judgement: &ComparisonJudgement, paint: Paint) -> String {
    let (detour, bypass) = (clean(&comparison.detour.name), clean(&comparison.bypass.name));
    let mut out = format!(
        "{}: {detour}, held against {bypass}; {} rounds in {}\n\n",
        clean(&comparison.detour.record.service.name),
        comparison.rounds.len(),
        comparison.took_ms
    );
    out.push_str(&paint.bold(&wrap(&judgement.summary, WIDTH).join("\n")));
    out.push_str("\n\n");
    costs(judgement, &mut out);
    losses(&judgement.losses, &mut out);
    out.push_str(&format!("{}\n\n", paint.bold(&sentence(&detour))));
    out.push_str(&text::render(&comparison.detour.record, &judgement.detour, paint));
    out.push_str(&format!("\n{}\n\n", paint.bold(&sentence(&bypass))));
    out.push_str(&text::render(&comparison.bypass.record, &judgement.bypass, paint));
    out
}

fn costs(judgement: &ComparisonJudgement, out: &mut String) {
    if judgement.costs.is_empty() {
        return;
    }
    out.push_str(&format!(
        "  {:<12} {:>10} {:>10} {:>11}   {}\n",
        "", "detour", "bypass", "difference", "95 % interval"
    ));
    for cost in &judgement.costs {
        let interval = match cost.interval {
            Some((low, high)) if cost.is_significant() => {
                format!("{} to {}", signed(cost.phase, low), signed(cost.phase, high))
            }
            Some((low, high)) => {
                format!("{} to {}: may be none", signed(cost.phase, low), signed(cost.phase, high))
            }
            None => format!("none: {} rounds are too few", cost.rounds),
        };
        out.push_str(&format!(
            "  {:<12} {:>10} {:>10} {:>11}   {interval}\n",
            phase(cost.phase),
            value(cost.phase, cost.detour),
            value(cost.phase, cost.bypass),
            difference(cost),
        ));
    }
    out.push_str(
        "  The difference is the median of the rounds' differences, not that of the two medians beside it.\n\n",
    );
}

fn losses(losses: &[Loss], out: &mut String) {
    for loss in losses {
        let hosts = loss.hosts.iter().take(3).map(|host| clean(host)).collect::<Vec<_>>().join(", ");
        let more = loss.hosts.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("{}: {} becomes {} on {hosts}{more}", loss.what, loss.bypass, loss.detour);
        for (n, piece) in wrap(&line, WIDTH - 4).iter().enumerate() {
            out.push_str(&format!("{}{piece}\n", if n == 0 { "  lost  " } else { "        " }));
        }
    }
    if !losses.is_empty() {
        out.push('\n');
    }
}

/// What a person calls the phase.
pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "name",
        Phase::Connect => "connection",
        Phase::Tls => "TLS",
        Phase::FirstByte => "first byte",
        Phase::Total => "together",
        Phase::Stream => "first event",
        Phase::Download => "download",
    }
}

pub(super) fn value(phase: Phase, value: f64) -> String {
    if phase.is_rate() { format!("{value:.1} MB/s") } else { Milliseconds(value).to_string() }
}

pub(super) fn signed(phase: Phase, number: f64) -> String {
    let sign = if number > 0.0 {
        "+"
    } else if number < 0.0 {
        "-"
    } else {
        ""
    };
    format!("{sign}{}", value(phase, number.abs()))
}

fn difference(cost: &Cost) -> String {
    signed(cost.phase, cost.difference)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>() + ":")
}
