//! The whole way from a record to the judgement over it.

use model::{HostRecord, HostVerdict, Judgement, Record, ReflectorRecord, State};

use crate::attribution::attribute;
use crate::context::Context;
use crate::path::{self, PathPiece, PathView};
use crate::rules::{Piece, collect};
use crate::view::View;
use crate::{Knowledge, findings, measures, solutions, verdict};

/// Judges a record. Pure and total: the same record and knowledge always give the same judgement, and no record is
/// too damaged to be judged.
pub fn judge(record: &Record, knowledge: &Knowledge) -> Judgement {
    let context = Context::of(record);
    let reflector = record.reflector.seen();
    let subjects = record
        .hosts
        .iter()
        .map(|host| (host, None))
        .chain(reflector.map(|reflector| (&reflector.host, Some(reflector))));
    let judged: Vec<Judged<'_>> =
        subjects.map(|(host, reflector)| Judged::of(record, host, reflector, &context, knowledge)).collect();

    let mut hosts: Vec<HostVerdict> = judged.iter().map(verdict::host).collect();
    let states: Vec<State> = hosts.iter().map(|verdict| verdict.state).collect();
    for (verdict, attribution) in hosts.iter_mut().zip(attribute(&judged, &states, knowledge)) {
        verdict.attribution = attribution;
    }
    let path = path::collect(&PathView { record, context: &context, knowledge });
    for (judged, verdict) in judged.iter().zip(&mut hosts) {
        verdict.solutions = solutions::of_host(judged, verdict);
    }
    let solutions = solutions::solutions(&judged, &hosts, &path);
    let findings = findings::findings(record, &judged, &hosts, &path, knowledge);
    let workloads = verdict::workloads(&hosts);
    let exit = verdict::exit(&judged, &hosts, &path);
    Judgement {
        v: Judgement::VERSION,
        hosts,
        workloads,
        path: path.iter().map(PathPiece::evidence).collect(),
        solutions,
        measures: measures::measures(record),
        findings,
        exit,
    }
}

/// One host with the evidence that was found on it.
pub(crate) struct Judged<'a> {
    pub(crate) view: View<'a>,
    pub(crate) pieces: Vec<Piece>,
}

impl<'a> Judged<'a> {
    fn of(
        record: &'a Record,
        host: &'a HostRecord,
        reflector: Option<&'a ReflectorRecord>,
        context: &'a Context,
        knowledge: &'a Knowledge,
    ) -> Self {
        let mut view = View::new(record, host, reflector, context, knowledge);
        let pieces = collect(&mut view);
        Self { view, pieces }
    }
}
