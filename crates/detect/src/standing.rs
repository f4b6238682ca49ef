//! What a chain leads to. The rules over chains are all views of this one question, so that no two of them can give
//! contradictory answers about the same chain.

use model::{Attempt, CertificateFacts, Chain, ChainFacts, SctStatus, Target, Trust, Validation};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// To a public root, for this name, now.
    Public,
    /// To a public root and for this name, but not at this time.
    Untimely,
    /// To a public root, or one that this machine trusts in a private service's case, but for another name.
    OtherName,
    /// It names a public authority which did not sign it.
    Forged,
    /// Only to a root of this machine's own store.
    Private,
    /// To no root that anybody here knows.
    Untrusted,
    /// The certificate of the issuer is missing, and what is there looks like a public certificate: a server that is
    /// set up badly, or somebody who wants to look like one.
    Incomplete,
    /// To a root of this machine's store, with a timestamp of a public log: a public authority that our list of roots
    /// does not have.
    Unlisted,
    /// To the roots that the user gave for a private service.
    Given,
    /// Nothing can be said, and why.
    Unjudged(String),
}

pub(crate) fn standing(chain: &Chain, target: &Target) -> Standing {
    match target.promises.trust {
        Trust::Public => public(chain),
        Trust::Given => given(chain),
    }
}

fn public(chain: &Chain) -> Standing {
    let facts = &chain.facts;
    let Some(leaf) = facts.leaf() else {
        return Standing::Unjudged("the certificate could not be read".to_owned());
    };
    match (&facts.public, &facts.public_ignoring_time) {
        (Validation::Valid, _) => Standing::Public,
        (_, Validation::Valid) => Standing::Untimely,
        (Validation::NameMismatch, _) | (_, Validation::NameMismatch) => Standing::OtherName,
        (Validation::NoRoots, _) | (_, Validation::NoRoots) => {
            Standing::Unjudged("there were no public roots to hold the certificate against".to_owned())
        }
        (Validation::BadSignature, _) | (_, Validation::BadSignature) => Standing::Forged,
        _ if logged(facts) && accepted_here(chain) => Standing::Unlisted,
        _ if logged(facts) => {
            Standing::Unjudged("the certificate is in public logs, but leads to no public root".to_owned())
        }
        _ if looks_incomplete(facts, leaf) => Standing::Incomplete,
        _ if facts.claims_public_issuer.is_some() => Standing::Forged,
        _ if accepted_here(chain) => Standing::Private,
        _ => Standing::Untrusted,
    }
}

fn given(chain: &Chain) -> Standing {
    let unjudged = |why: &str| Standing::Unjudged(why.to_owned());
    match &chain.given {
        Attempt::Seen(Validation::Valid) => Standing::Given,
        Attempt::Seen(Validation::Expired | Validation::NotYetValid) => Standing::Untimely,
        Attempt::Seen(Validation::NameMismatch) => Standing::OtherName,
        Attempt::Seen(Validation::NoRoots) | Attempt::NotTried(_) | Attempt::NotApplicable(_) => {
            unjudged("a private service, and no roots were given for it")
        }
        Attempt::Failed(_) => unjudged("the roots given for this service could not be read"),
        Attempt::Seen(Validation::UnknownIssuer | Validation::BadSignature | Validation::Rejected(_)) => {
            if chain.facts.public == Validation::Valid {
                unjudged("the certificate leads to a public root, not to the roots given for this service")
            } else if accepted_here(chain) {
                Standing::Private
            } else {
                Standing::Untrusted
            }
        }
    }
}

/// This machine's own store has a way to a root. A wrong name is a matter apart: the way is there.
fn accepted_here(chain: &Chain) -> bool {
    matches!(chain.system, Attempt::Seen(Validation::Valid | Validation::NameMismatch))
}

/// A log's signature over this very certificate: logs take certificates of public authorities alone (RFC 6962
/// section 3.1), so nobody can have minted it on the path.
fn logged(facts: &ChainFacts) -> bool {
    facts.scts.iter().any(|sct| sct.status == SctStatus::Valid)
}

/// The leaf alone, or a chain whose links do not meet, of a leaf that has what public authorities always put in:
/// timestamps that cannot be verified because the issuer is missing, and a pointer to where the issuer is.
fn looks_incomplete(facts: &ChainFacts, leaf: &CertificateFacts) -> bool {
    let issuer_presented =
        facts.certificates.iter().skip(1).filter_map(Attempt::seen).any(|c| c.subject == leaf.issuer && c.is_authority);
    !issuer_presented
        && leaf.has_authority_information_access
        && facts.scts.iter().any(|sct| sct.status == SctStatus::NoIssuer && sct.log.is_some())
}

#[cfg(test)]
mod tests {
    use model::{SctStatus, Trust, Validation};

    use super::*;
    use crate::testing;

    fn stands(change: impl FnOnce(&mut Chain)) -> Standing {
        let host = testing::host("outlook.office365.com");
        let mut chain = host.chains[0].clone();
        change(&mut chain);
        standing(&chain, &host.target)
    }

    #[test]
    fn a_public_chain_is_public_whatever_the_system_says() {
        assert_eq!(stands(|_| ()), Standing::Public);
        assert_eq!(stands(|c| c.system = Attempt::Seen(Validation::UnknownIssuer)), Standing::Public);
    }

    #[test]
    fn time_and_name_are_told_apart_from_the_issuer() {
        assert_eq!(stands(|c| c.facts.public = Validation::Expired), Standing::Untimely);
        assert_eq!(
            stands(|c| {
                c.facts.public = Validation::NameMismatch;
                c.facts.public_ignoring_time = Validation::NameMismatch;
            }),
            Standing::OtherName
        );
        // An expired forged leaf, as e2guardian makes them by default: the validator meets the date first.
        assert_eq!(
            stands(|c| {
                testing::mint(c, testing::operator_leaf("host.example"));
                c.facts.public = Validation::Expired;
                c.system = Attempt::Seen(Validation::Expired);
            }),
            Standing::Untrusted
        );
    }

    #[test]
    fn a_missing_intermediate_is_not_a_forgery() {
        assert_eq!(
            stands(|c| {
                c.facts.certificates.truncate(1);
                c.facts.public = Validation::UnknownIssuer;
                c.facts.public_ignoring_time = Validation::UnknownIssuer;
                c.system = Attempt::Seen(Validation::UnknownIssuer);
                c.facts.scts.iter_mut().for_each(|sct| sct.status = SctStatus::NoIssuer);
            }),
            Standing::Incomplete
        );
    }

    #[test]
    fn a_logged_certificate_of_a_root_we_do_not_know_is_not_minted_here() {
        let unknown = |c: &mut Chain| {
            c.facts.public = Validation::UnknownIssuer;
            c.facts.public_ignoring_time = Validation::UnknownIssuer;
        };
        assert_eq!(stands(unknown), Standing::Unlisted);
    }

    #[test]
    fn a_private_service_is_held_against_its_own_roots_only() {
        let mut host = testing::host("intranet.example");
        host.target.promises.trust = Trust::Given;
        let mut chain = host.chains[0].clone();
        assert!(matches!(standing(&chain, &host.target), Standing::Unjudged(_)), "no roots were given");
        chain.given = Attempt::Seen(Validation::Valid);
        assert_eq!(standing(&chain, &host.target), Standing::Given);
        testing::mint(&mut chain, testing::operator_leaf("intranet.example"));
        chain.given = Attempt::Seen(Validation::UnknownIssuer);
        assert_eq!(standing(&chain, &host.target), Standing::Private);
    }
}
