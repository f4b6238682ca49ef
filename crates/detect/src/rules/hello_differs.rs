use model::Confidence;

use crate::rules::{Sign, reflected};
use crate::text::{counted, listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: the ClientHello that arrived at the reflector is not, octet for octet, the one that left this
    /// machine. The detail names the fields.
    ///
    /// Why it is proof: a hello is part of what both ends sign and derive their keys from, so nobody can alter it and
    /// leave the session whole; a relay that does not decrypt passes it on as it is, however it cuts it into packets.
    ///
    /// What can fool it: nothing known; where the exporter values are equal, that settles the question.
    ///
    /// Source: RFC 8446 sections 4.1.2 and 4.4.1 (transcript hash).
    "hello-differs", A, "Another ClientHello arrived than was sent", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let differing: Vec<_> = reflected::signed(view)
        .into_iter()
        .filter(|r| r.exporters_equal() != Some(true) && equal(r) == Some(false))
        .collect();
    let Some(first) = differing.first() else { return Vec::new() };
    let fields: Vec<String> = first.reflection.hello_differences.iter().map(|field| quoted(field)).collect();
    let fields = if fields.is_empty() { String::new() } else { format!(": {}", listed_up_to(&fields, 4)) };
    // The others differ in much the same way; each of them stands in the record.
    let others = match differing.len() - 1 {
        0 => String::new(),
        more => format!("; likewise on {}", counted(more, "other connection")),
    };
    let detail = format!("the ClientHello that arrived is not the one that was sent{fields}{others}");
    vec![Sign::against(Confidence::Proven, detail).on(differing.iter().map(|reflected| reflected.index).collect())]
}

/// `None` where one of the two hellos is missing.
pub(super) fn equal(reflected: &reflected::Reflected<'_>) -> Option<bool> {
    let sent = reflected.connection.client_hello.as_ref()?;
    let arrived = reflected.reflection.answer.client_hello.as_ref()?;
    Some(sent == arrived)
}

#[cfg(test)]
mod tests {
    use model::HexBytes;

    use crate::testing::{self, against};

    #[test]
    fn another_hello_proves_interception() {
        let mut record = testing::with_reflector();
        testing::reflection(&mut record, |r| {
            r.answer.exporter = None;
            r.answer.client_hello = Some(HexBytes(vec![1, 2, 3]));
            r.hello_differences = vec!["cipher suites".to_owned()];
        });
        assert!(against(&record, record.hosts.len()).contains(&"hello-differs".to_owned()));
    }

    #[test]
    fn an_equal_hello_does_not() {
        let mut record = testing::with_reflector();
        testing::reflection(&mut record, |r| r.answer.exporter = None);
        assert!(against(&record, record.hosts.len()).is_empty());
    }
}
