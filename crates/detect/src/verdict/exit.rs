//! What a script learns.

use std::collections::{BTreeMap, BTreeSet};

use model::{Class, ExitCode, HostVerdict, State};

use crate::judge::Judged;
use crate::path::PathPiece;
use crate::rules::{Piece, Reach};

/// The worst of the service's own hosts decides. The reflector is not part of the service: that other traffic is
/// decrypted beside a service whose hosts are proven intact is a finding, and what a bypass is meant to look like; it
/// counts where none of the service's hosts is proven intact, and where it shows that certificates prove nothing here.
///
/// What the path as a whole does not let through, and a line that is bad for calls and downloads, is a degradation of the
/// service even where every host by itself is whole: the reflector stands on the same line.
pub(crate) fn exit(judged: &[Judged<'_>], verdicts: &[HostVerdict], path: &[PathPiece]) -> ExitCode {
    let own: BTreeSet<State> = verdicts.iter().filter(|v| !v.is_reflector).map(|v| v.state).collect();
    let reflector = verdicts.iter().find(|v| v.is_reflector).map(|v| v.state);
    let borrowed = judged.iter().any(|judged| judged.view.context.certificate_borrowed);
    let exempt = !borrowed && (own.contains(&State::Intact) || own.contains(&State::Degraded));
    let counted: Vec<State> = own.iter().copied().chain(reflector.filter(|_| !exempt)).collect();
    match counted.into_iter().max() {
        Some(State::Intercepted) => ExitCode::Interception,
        Some(State::Manipulated | State::Degraded) => ExitCode::Degradation,
        _ if unreachable(judged) || no_endpoint_answers(judged) => ExitCode::Unreachable,
        _ if path.iter().any(|piece| piece.is_against() && piece.rule.class == Class::E) => ExitCode::Degradation,
        _ if judged.iter().flat_map(|judged| &judged.pieces).any(is_a_bad_line) => ExitCode::Degradation,
        _ => ExitCode::NothingFound,
    }
}

/// No name of the endpoint list answered, and no host of the service either.
fn no_endpoint_answers(judged: &[Judged<'_>]) -> bool {
    let Some(endpoints) = judged.first().and_then(|judged| judged.view.record.endpoints.seen()) else { return false };
    let some_tls = judged.iter().any(|judged| judged.view.tcp_works());
    let tried = endpoints.iter().any(|endpoint| endpoint.outcome.failure().is_some());
    tried && !some_tls && endpoints.iter().all(|endpoint| endpoint.outcome.seen().is_none())
}

fn is_a_bad_line(piece: &Piece) -> bool {
    piece.is_against(Class::E) && piece.rule.reach == Reach::Line
}

/// Something was tried, and for all of the service or for all of a workload no host let a TLS session happen. One dead
/// host of many is a finding, and no reason to call the service unreachable.
fn unreachable(judged: &[Judged<'_>]) -> bool {
    let barred = |judged: &Judged<'_>| {
        judged.pieces.iter().any(|piece| piece.sign.bars)
            && !judged.view.host.connections.iter().any(|connection| connection.tls.seen().is_some())
    };
    let mut workloads: BTreeMap<&str, bool> = BTreeMap::new();
    for host in judged.iter().filter(|judged| !judged.view.is_reflector()) {
        let all_barred = workloads.entry(&host.view.host.target.workload).or_insert(true);
        *all_barred &= barred(host);
    }
    workloads.into_values().any(|all_barred| all_barred)
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, HexBytes, Operation, Record};

    use super::*;
    use crate::testing;

    fn code(record: &Record) -> ExitCode {
        crate::judge(record, &crate::Knowledge::builtin()).exit
    }

    #[test]
    fn the_worst_host_decides() {
        let mut record = testing::clean();
        assert_eq!(code(&record), ExitCode::NothingFound);
        testing::quic_fails(&mut record.hosts[1], FailureKind::Timeout, 0, false);
        assert_eq!(code(&record), ExitCode::Degradation);
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert_eq!(code(&record), ExitCode::Interception);
    }

    #[test]
    fn a_network_that_is_not_there_is_unreachable() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Resolve, FailureKind::NoSuchName);
        record.hosts[0].target.workload = "Exchange".to_owned();
        record.hosts[1].target.workload = "Exchange".to_owned();
        assert_eq!(code(&record), ExitCode::NothingFound, "the workload's other host works");
        record.hosts[0].target.workload = "Teams".to_owned();
        assert_eq!(code(&record), ExitCode::Unreachable, "nothing of this workload works");
        record.hosts.iter_mut().for_each(|host| testing::cut_off(host, Operation::Connect, FailureKind::Unreachable));
        assert_eq!(code(&record), ExitCode::Unreachable);
    }

    #[test]
    fn what_was_not_tried_is_not_unreachable() {
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(testing::forget);
        assert_eq!(code(&record), ExitCode::NothingFound);
    }

    #[test]
    fn a_decrypted_reflector_beside_an_intact_service_is_a_bypass_at_work() {
        let mut record = testing::with_reflector();
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.answer.client_hello = Some(HexBytes(vec![9; 32]));
        });
        assert_eq!(code(&record), ExitCode::NothingFound);
        record.hosts.iter_mut().for_each(testing::forget);
        assert_eq!(code(&record), ExitCode::Interception);
    }
}
