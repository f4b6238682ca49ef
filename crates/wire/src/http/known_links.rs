//! The links of the page that both ends know ([`specimen::PAGE`]), as they were sent and as they came.
//!
//! A device that rewrites links may do other things to the page as well, so a link is found by the number that stands
//! before it and not by its place.

use super::specimen;

/// Characters kept of a link that came; what devices make of one may hold a whole other URL.
const LINK_CHARACTERS: usize = 1024;
/// Octets between the start of an `a` element and its `href` that are searched.
const ELEMENT_OCTETS: usize = 1024;

/// Each different link of the page with what it became. A link that is not found is left out: then the page is another
/// one, which says nothing of links.
pub fn known_links(came: &[u8]) -> Vec<(String, String)> {
    let came = String::from_utf8_lossy(came);
    let mut links: Vec<(String, String)> = Vec::new();
    for number in 1.. {
        let Some(sent) = link(specimen::PAGE, number) else { break };
        if let Some(came) = link(&came, number)
            && !links.iter().any(|(known, _)| *known == sent)
        {
            links.push((sent, came));
        }
    }
    links
}

/// The link of a numbered paragraph: `<p>3. <a href="...">`.
fn link(page: &str, number: u32) -> Option<String> {
    let (_, rest) = page.split_once(&format!(">{number}. <a"))?;
    let element = rest.split('>').next().unwrap_or(rest);
    let end = element.floor_char_boundary(ELEMENT_OCTETS);
    let (_, value) = element.get(..end)?.split_once("href=")?;
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let value = match quote {
        Some(quote) => value.get(1..)?.split(quote).next()?,
        None => value.split_ascii_whitespace().next()?,
    };
    // HTML writes `&` as a character reference in an attribute.
    Some(value.replace("&amp;", "&").chars().take(LINK_CHARACTERS).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_honest_path_changes_no_link() {
        let links = known_links(specimen::PAGE.as_bytes());
        assert!(links.len() >= 8, "{links:?}");
        assert!(links.iter().all(|(sent, came)| sent == came));
        assert!(links.iter().any(|(sent, _)| sent.starts_with("https://contoso.sharepoint.com/")));
    }

    #[test]
    fn rewritten_links_are_told_with_what_they_became() {
        let page = specimen::PAGE
            .replace("https://outlook.office.com/", "https://outlook.office.com.mcas.ms/")
            .replace("https://teams.microsoft.com/v2/", "https://gateway.example/?u=a&amp;v=https%3A%2F%2Fteams")
            .replace(">3. <a href=\"", ">3. <a data-seen='1' class=\"x\" href='https://x.example/?")
            .replace("<title>", "<script>injected</script><title>");
        let links = known_links(page.as_bytes());
        let changed: Vec<&str> =
            links.iter().filter(|(sent, came)| sent != came).map(|(_, came)| came.as_str()).collect();
        assert_eq!(changed[0], "https://outlook.office.com.mcas.ms/mail/");
        assert!(changed[1].starts_with("https://x.example/?https://contoso.sharepoint.com/"), "{changed:?}");
        assert_eq!(changed[2], "https://gateway.example/?u=a&v=https%3A%2F%2Fteams");
        assert_eq!(changed.len(), 3);
    }

    #[test]
    fn another_page_has_none_of_them() {
        assert_eq!(known_links(b"<h1>403</h1><p>1. <b>Blocked</b> <a href=\"https://proxy.example\">"), []);
        assert_eq!(known_links(b""), []);
    }

    proptest! {
        #[test]
        fn any_octets_are_read(start in 0..specimen::PAGE.len(), junk: Vec<u8>, more: Vec<u8>) {
            let mut page = specimen::PAGE.as_bytes()[..start].to_vec();
            page.extend(junk);
            page.extend_from_slice(b">1. <a href=");
            page.extend(more);
            let links = known_links(&page);
            prop_assert!(links.iter().all(|(_, came)| came.chars().count() <= LINK_CHARACTERS));
        }
    }
}
