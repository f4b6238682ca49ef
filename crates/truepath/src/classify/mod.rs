//! From lines of observations to lines of verdicts, in order, on all processors and in bounded memory.
//!
//! One thread reads blocks of whole lines, as many as there are processors judge them, and one writes the answers in the
//! order of the blocks. A block goes on its way only when another one has come back, so what is held does not depend on
//! the length of the input. A line that cannot be read is answered by number and reason, and stops nothing.

mod blocks;
mod line;
mod open;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

pub(crate) use self::line::{Judge, networks};
pub(crate) use self::open::open;
pub(crate) use self::summary::Tally;

use self::blocks::{Block, Blocks};

/// Blocks on their way at one time, for each processor: one is judged while the next one waits and the last one is written.
const BLOCKS_PER_PROCESSOR: usize = 3;

/// What to write for each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Lines,
    /// Nothing but the tally at the end.
    Tally,
}

struct Answer {
    place: u64,
    octets: Vec<u8>,
    tally: Tally,
}

/// Judges every line of the input. An error of the input comes after everything that could be read was answered.
pub(crate) fn run(
    input: impl Read + Send,
    mut output: impl Write,
    judge: &Judge,
    wanted: Wanted,
    threads: usize,
) -> io::Result<Tally> {
    let on_their_way = threads.max(1) * BLOCKS_PER_PROCESSOR;
    let (blocks_out, blocks_in) = sync_channel::<Block>(on_their_way);
    let (answers_out, answers_in) = sync_channel::<Answer>(on_their_way);
    let (tickets_out, tickets_in) = sync_channel::<Vec<u8>>(on_their_way);
    for _ in 0..on_their_way {
        let _ = tickets_out.send(Vec::new());
    }
    let blocks_in = Mutex::new(blocks_in);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(input, &tickets_in, &blocks_out));
        for _ in 0..threads.max(1) {
            let (blocks_in, answers_out) = (&blocks_in, answers_out.clone());
            scope.spawn(move || work(judge, wanted, blocks_in, &answers_out));
        }
        drop(answers_out);
        // Whoever stops reading our output ends this, and with its channels everybody else.
        let tally = write(&answers_in, &tickets_out, &mut output)?;
        drop((answers_in, tickets_out));
        match reader.join() {
            Ok(ended) => ended.map(|()| tally),
            Err(_) => Err(io::Error::other("the reading thread ended unexpectedly")),
        }
    })
}

fn read(input: impl Read, tickets: &Receiver<Vec<u8>>, blocks: &SyncSender<Block>) -> io::Result<()> {
    let mut reader = Blocks::new(input);
    while let Ok(room) = tickets.recv() {
        let Some(block) = reader.next(room)? else { break };
        if blocks.send(block).is_err() {
            break;
        }
    }
    Ok(())
}

fn work(judge: &Judge, wanted: Wanted, blocks: &Mutex<Receiver<Block>>, answers: &SyncSender<Answer>) {
    let mut worker = judge.worker();
    loop {
        let block = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = block else { return };
        let mut answer = Answer { place: block.place, octets: Vec::new(), tally: Tally::default() };
        for (number, line) in block.lines() {
            worker.line(number, line, (wanted == Wanted::Lines).then_some(&mut answer.octets), &mut answer.tally);
        }
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn write(answers: &Receiver<Answer>, tickets: &SyncSender<Vec<u8>>, output: &mut impl Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut early: BTreeMap<u64, Answer> = BTreeMap::new();
    let mut due = 0;
    while let Ok(answer) = answers.recv() {
        early.insert(answer.place, answer);
        while let Some(answer) = early.remove(&due) {
            due += 1;
            output.write_all(&answer.octets)?;
            tally.add(answer.tally);
            // The reader may be at its end already.
            let _ = tickets.try_send(Vec::new());
        }
    }
    output.flush()?;
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge() -> Judge {
        Judge { classifier: detect::Classifier::default(), networks: None }
    }

    fn lines(count: usize) -> Vec<u8> {
        let agent = "x".repeat(300);
        let line = |number| match number % 10 {
            0 => "no line at all\n".to_owned(),
            _ => format!(
                "{{\"v\":1,\"time\":\"2026-11-24T00:00:00Z\",\"tenant\":\"{}\",\"host\":\"h\",\"user_agent\":\"{agent}\"}}\n",
                number % 7
            ),
        };
        (0..count).flat_map(|number| line(number).into_bytes()).collect()
    }

    #[test]
    fn every_line_is_answered_in_its_place_whoever_judged_it() {
        let input = lines(20_000);
        let run_with = |threads| {
            let mut out = Vec::new();
            let tally = run(input.as_slice(), &mut out, &judge(), Wanted::Lines, threads).unwrap();
            assert_eq!((tally.lines, tally.unread), (20_000, 2_000));
            out
        };
        let alone = run_with(1);
        assert_eq!(run_with(5), alone);
        for (number, line) in (1..).zip(String::from_utf8(alone).unwrap().lines()) {
            assert!(line.starts_with(&format!("{{\"line\":{number},")), "{line}");
        }
    }

    #[test]
    fn it_ends_when_nobody_reads_on() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let ended = run(lines(50_000).as_slice(), Closed, &judge(), Wanted::Lines, 3);
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn damage_of_the_input_comes_after_what_could_be_read() {
        struct Breaks(Vec<u8>, bool);
        impl Read for Breaks {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.1, true) {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "damaged"));
                }
                let read = self.0.len().min(room.len());
                room[..read].copy_from_slice(&self.0[..read]);
                Ok(read)
            }
        }
        let mut out = Vec::new();
        let ended = run(Breaks(lines(5), false), &mut out, &judge(), Wanted::Lines, 2);
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(!out.is_empty());
    }
}
