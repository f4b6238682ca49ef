use model::Confidence;

use crate::rules::Sign;
use crate::text::{listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: the links of a page whose text is known came changed from the reflector: they lead through somebody
    /// else's name.
    ///
    /// Why it is proof: the page is known octet for octet. Brokers and filters that rewrite links decrypt to do it.
    ///
    /// What can fool it: nothing known; where the connections to the reflector are whole it is told and not counted.
    ///
    /// Source: RFC 9110 section 7.7 (message transformations).
    "links-rewritten", B, "Links are rewritten on the way", look, Some("https"),
    "Exempt {hosts} from link rewriting.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(casb) = view.host.casb.seen() else { return Vec::new() };
    let changed: Vec<String> = casb
        .rewritten
        .iter()
        .filter(|(sent, came)| sent != came)
        .map(|(sent, came)| format!("`{}` became `{}`", quoted(sent), quoted(came)))
        .collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let told = listed_up_to(&changed, 3);
    if view.some_connection_ended() {
        return vec![Sign::against(Confidence::Strong, told).on(view.ended_connections())];
    }
    vec![Sign::silent(format!("{told}; no connection is known to end in between"))]
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Casb};

    use crate::testing::{self, against, silent};

    #[test]
    fn a_link_through_another_name_was_rewritten() {
        let casb = |came: &str| {
            Attempt::Seen(Casb {
                redirects: Vec::new(),
                cookies: Vec::new(),
                links: Vec::new(),
                rewritten: vec![("https://a.example/x".to_owned(), came.to_owned())],
            })
        };
        let mut record = testing::with_decrypted_reflector();
        let reflector = record.hosts.len();
        testing::seen(&mut record.reflector).host.casb = casb("https://a.example/x");
        assert!(!against(&record, reflector).contains(&"links-rewritten".to_owned()));
        testing::seen(&mut record.reflector).host.casb = casb("https://a.example.mcas.ms/x");
        assert!(against(&record, reflector).contains(&"links-rewritten".to_owned()));
        let mut whole = testing::with_reflector();
        testing::seen(&mut whole.reflector).host.casb = casb("https://a.example.mcas.ms/x");
        assert!(against(&whole, reflector).is_empty());
        assert!(silent(&whole, reflector).contains(&"links-rewritten".to_owned()));
    }
}
