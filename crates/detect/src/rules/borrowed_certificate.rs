use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: at the reflector, TLS ends in between under a genuine public certificate. Somebody on this path
    /// holds the key of a certificate that is not theirs, or has one issued in the open.
    ///
    /// Why it is not proof: it says nothing against any other host. But where one genuine certificate was shown by
    /// somebody else than its owner, a genuine certificate proves nothing any more, so the service's hosts are unknown.
    ///
    /// What can fool it: a reflector behind a front end of its own that ends TLS; run it without one.
    ///
    /// Source: RFC 9266 section 2 (tls-exporter), which is what told the certificate's owner from its user.
    "borrowed-certificate", A, "A genuine certificate proves nothing on this path", look, None,
    "Find who decrypts the traffic to the reflector, and compare with a path that does not pass there."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.context.certificate_borrowed || !view.judged_by_public_trust() {
        return Vec::new();
    }
    let connections: Vec<usize> = view
        .chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Public)
        .flat_map(|(.., connections)| connections)
        .collect();
    if connections.is_empty() {
        return Vec::new();
    }
    let detail = "the certificate is genuine, but so is the one that somebody decrypts the reflector's traffic with";
    vec![Sign::silent(detail).on(connections)]
}

#[cfg(test)]
mod tests {
    use model::{ExitCode, HexBytes, Record, State, Validation};

    use crate::testing::{self, silent};

    fn mimic() -> Record {
        let mut record = testing::with_reflector();
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.answer.client_hello = Some(HexBytes(vec![9; 32]));
        });
        let model::Attempt::Seen(reflector) = &mut record.reflector else { panic!("there is a reflector") };
        reflector.host.chains[0].facts.public = Validation::Valid;
        record
    }

    #[test]
    fn where_the_reflector_is_decrypted_under_a_genuine_certificate_no_certificate_proves_anything() {
        let record = mimic();
        assert!(silent(&record, 0).contains(&"borrowed-certificate".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert_eq!(crate::judge(&record, &crate::Knowledge::builtin()).exit, ExitCode::Interception);
    }

    #[test]
    fn an_inspection_certificate_at_the_reflector_is_the_usual_contrast() {
        let mut record = mimic();
        let model::Attempt::Seen(reflector) = &mut record.reflector else { panic!("there is a reflector") };
        reflector.host.chains[0].facts.public = Validation::UnknownIssuer;
        assert!(!silent(&record, 0).contains(&"borrowed-certificate".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Intact);
    }
}
