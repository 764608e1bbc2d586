//! A large value as JSON, by several threads.
//!
//! The outermost structs and lists are taken apart. Runs of their entries are texts of their own, which the threads make, and
//! which are written in their order while the next ones are made: few are kept.

use super::WriteError;
use super::json::{Layout, close, entry, value};
use super::sink::Sink;
use holos_lang::value::Data;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Entries this deep are encoded as they are.
const LEVELS: usize = 3;
/// Values with fewer entries than this are encoded by one thread.
const MIN_PIECES: usize = 512;
/// How many pieces a run has.
const RUN: usize = 64;
/// How many runs may be ready and not written.
const AHEAD: usize = 8;
/// The stack of a thread: as deep as a value may nest.
const STACK: usize = 8 * 1024 * 1024;

/// What the text of a value consists of.
enum Piece<'d> {
    Open(char),
    /// What stands before an element, or before the value of a field: its number in the list or struct, and its depth.
    Entry(usize, Option<&'d str>, usize),
    Whole(&'d Data, usize),
    Close(char, usize),
}

/// Writes a value; `false` where it is not large enough for that.
pub(super) fn write(data: &Data, layout: Layout, sink: &mut Sink<'_>) -> Result<bool, WriteError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 {
        return Ok(false);
    }
    let mut pieces = Vec::new();
    split(data, 0, &mut pieces);
    if pieces.len() < MIN_PIECES {
        return Ok(false);
    }
    let runs: Vec<&[Piece<'_>]> = pieces.chunks(RUN).collect();
    let (runs, next) = (&runs[..], &AtomicUsize::new(0));
    let take = move || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        runs.get(index).map(|run| (index, *run))
    };
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        for _ in 1..threads.min(runs.len()) {
            let sender = sender.clone();
            let work = move || {
                while let Some((index, run)) = take() {
                    if sender.send((index, encode(run, layout))).is_err() {
                        break;
                    }
                }
            };
            // Where no thread can be had, the others do the work.
            let thread = thread::Builder::new().stack_size(STACK);
            let _ = thread.spawn_scoped(scope, work);
        }
        drop(sender);
        // This thread writes what is ready, and encodes while nothing is.
        let mut ready: Vec<Option<Result<String, WriteError>>> =
            runs.iter().map(|_| None).collect();
        for index in 0..runs.len() {
            while ready[index].is_none() {
                let made = match receiver.try_recv() {
                    Ok(made) => Some(made),
                    Err(_) => take().map(|(at, run)| (at, encode(run, layout))),
                };
                match made.or_else(|| receiver.recv().ok()) {
                    Some((at, text)) => ready[at] = Some(text),
                    // A thread that ended before its time leaves its run.
                    None => ready[index] = Some(encode(runs[index], layout)),
                }
            }
            if let Some(text) = ready[index].take() {
                sink.text.push_str(&text?);
                sink.breathe()?;
            }
        }
        Ok(true)
    })
}

fn split<'d>(data: &'d Data, depth: usize, pieces: &mut Vec<Piece<'d>>) {
    match data {
        Data::Struct(fields) if depth < LEVELS && !fields.is_empty() => {
            pieces.push(Piece::Open('{'));
            for (index, (name, field)) in fields.iter().enumerate() {
                pieces.push(Piece::Entry(index, Some(name), depth + 1));
                split(field, depth + 1, pieces);
            }
            pieces.push(Piece::Close('}', depth));
        }
        Data::List(elements) if depth < LEVELS && !elements.is_empty() => {
            pieces.push(Piece::Open('['));
            for (index, element) in elements.iter().enumerate() {
                pieces.push(Piece::Entry(index, None, depth + 1));
                split(element, depth + 1, pieces);
            }
            pieces.push(Piece::Close(']', depth));
        }
        data => pieces.push(Piece::Whole(data, depth)),
    }
}

fn encode(run: &[Piece<'_>], layout: Layout) -> Result<String, WriteError> {
    let mut sink = Sink::collect();
    for piece in run {
        match *piece {
            Piece::Open(bracket) => sink.text.push(bracket),
            Piece::Entry(index, name, depth) => entry(index, name, layout, depth, &mut sink),
            Piece::Whole(data, depth) => value(data, layout, depth, &mut sink)?,
            Piece::Close(bracket, depth) => close(bracket, layout, depth, &mut sink),
        }
    }
    Ok(sink.text)
}
