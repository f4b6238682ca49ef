//! The verdict over one connection. A path may decrypt one hello and not the next, so each stands by itself.

use model::{Class, ConnectionVerdict, Leaning, State};

use crate::judge::Judged;
use crate::text::quoted;
use crate::view::Settled;

pub(super) fn connections(judged: &Judged<'_>) -> Vec<ConnectionVerdict> {
    let connections = judged.view.host.connections.iter().enumerate();
    connections
        .map(|(index, connection)| {
            let state = state(judged, index);
            let reason = (state == State::Unknown).then(|| reason(judged, index));
            ConnectionVerdict {
                connection: index,
                check: quoted(&connection.check),
                purpose: quoted(&connection.purpose),
                state,
                reason,
            }
        })
        .collect()
}

fn state(judged: &Judged<'_>, index: usize) -> State {
    let against = |class: Class| judged.pieces.iter().any(|piece| piece.is_against(class) && piece.concerns(index));
    match judged.view.settled(index) {
        Settled::Ended => State::Intercepted,
        _ if against(Class::B) => State::Manipulated,
        _ if against(Class::E) => State::Degraded,
        Settled::Whole => State::Intact,
        Settled::Open => State::Unknown,
    }
}

fn reason(judged: &Judged<'_>, index: usize) -> String {
    let said = judged.pieces.iter().find(|piece| piece.sign.leaning == Leaning::Silent && piece.concerns(index));
    if let Some(piece) = said {
        return piece.sign.detail.clone();
    }
    match judged.view.connection(index).map(|connection| &connection.tls) {
        Some(model::Attempt::Failed(failure)) => format!("it failed: {}", quoted(&failure.detail)),
        Some(model::Attempt::NotTried(why) | model::Attempt::NotApplicable(why)) => {
            format!("not tried: {}", quoted(why))
        }
        _ => "nothing was seen that proves who ends it".to_owned(),
    }
}
