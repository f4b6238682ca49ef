use model::Confidence;

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the page of a known filter came back instead of the service: its words, its redirect or its
    /// Server header.
    ///
    /// Why it is proof: these words name a product, and the service does not send them. On a connection that is proven
    /// to end at the service they are the service's own and are not counted.
    ///
    /// What can fool it: a service that quotes another's block page.
    ///
    /// Source: the table of interceptors, each row with its sources.
    "block-page", B, "A block page came back", look, Some("https"),
    "Allow {hosts} in the filter, and exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    view.responses()
        .into_iter()
        .filter(|response| view.can_be_altered(response.connection))
        .filter_map(|response| {
            let (interceptor, mark) =
                view.knowledge.interceptors().iter().find_map(|i| Some((i, i.block_page_mark(&response)?)))?;
            let detail = format!(
                "status {} with a page of {} ({} contains `{}`)",
                response.status,
                interceptor.product,
                mark.at,
                quoted(&mark.contains)
            );
            Some(Sign::against(Confidence::Strong, detail).on(vec![response.connection]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::Attempt;

    use crate::testing::{self, against};

    #[test]
    fn a_filters_page_is_not_the_service() {
        let mut record = testing::clean();
        let page = "<html>Powered By FortiGuard</html>";
        testing::page(&mut record.hosts[0], page);
        assert!(against(&record, 0).is_empty(), "not on a whole connection");
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        testing::page(&mut record.hosts[0], page);
        assert!(against(&record, 0).contains(&"block-page".to_owned()));
        record.hosts[0].http = Attempt::not_tried("--skip http");
        assert!(!against(&record, 0).contains(&"block-page".to_owned()));
    }
}
