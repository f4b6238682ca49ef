use model::Confidence;

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the Sec-WebSocket-Extensions header that the far end received is not the one that was sent: the
    /// compression was renegotiated or dropped in between.
    ///
    /// Why it is proof: the header travels to the far end of the WebSocket; whoever changes it speaks WebSocket to both
    /// sides. On a connection that is proven to end at the service nothing is counted.
    ///
    /// What can fool it: a front end of the far end's own.
    ///
    /// Source: RFC 6455 section 9.1; RFC 7692 section 7 (permessage-deflate).
    "websocket-extensions-altered", B, "The WebSocket extensions were altered", look, None,
    "Exempt {hosts} from WebSocket inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    view.websockets()
        .into_iter()
        .filter(|session| view.can_be_altered(session.connection))
        .filter_map(|session| {
            let arrived = session.extensions_arrived.seen()?;
            if normalised(session.extensions_offered.as_deref()) == normalised(arrived.as_deref()) {
                return None;
            }
            let name = |value: Option<&str>| value.map_or_else(|| "none".to_owned(), |v| format!("`{}`", quoted(v)));
            let detail = format!(
                "WebSocket extensions were offered as {} and arrived as {}",
                name(session.extensions_offered.as_deref()),
                name(arrived.as_deref())
            );
            Some(Sign::against(Confidence::Strong, detail).on(vec![session.connection]))
        })
        .collect()
}

/// White space and the case of names carry no meaning (RFC 6455 section 9.1 with RFC 9110 section 5.6).
fn normalised(value: Option<&str>) -> String {
    value.unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use model::Attempt;

    use crate::testing::{self, against};

    #[test]
    fn dropped_compression_shows_a_relay() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(!against(&record, 0).contains(&"websocket-extensions-altered".to_owned()));
        testing::websocket(&mut record.hosts[0], |session| session.extensions_arrived = Attempt::Seen(None));
        assert!(against(&record, 0).contains(&"websocket-extensions-altered".to_owned()));
    }
}
