//! A large value as JSON, by several threads.
//!
//! The outermost structs and lists are taken apart. Runs of their entries are texts of their own, which the threads make in
//! turn, and which are written in their order: no thread is more than a few runs ahead.

use super::WriteError;
use super::json::{Layout, close, entry, value};
use super::sink::Sink;
use holos_lang::value::Data;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Entries this deep are encoded as they are.
const LEVELS: usize = 3;
/// Values with fewer entries than this are encoded by one thread.
const MIN_PIECES: usize = 512;
/// How many pieces a run has.
const RUN: usize = 64;
/// How many runs a thread may be ahead.
const AHEAD: usize = 2;
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
    let runs = &runs[..];
    thread::scope(|scope| {
        // Where no thread can be had, and where one has ended, the runs are encoded here.
        let others: Vec<Option<Receiver<_>>> = (1..threads.min(runs.len()))
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                let own = runs.iter().skip(first).step_by(threads);
                let work = move || {
                    for run in own {
                        let mut text = Sink::collect();
                        let encoded = encode(run, layout, &mut text).map(|()| text.text);
                        if sender.send(encoded).is_err() {
                            break;
                        }
                    }
                };
                let thread = thread::Builder::new().stack_size(STACK);
                thread.spawn_scoped(scope, work).ok().map(|_| receiver)
            })
            .collect();
        for (index, run) in runs.iter().enumerate() {
            let other = (index % threads).checked_sub(1);
            let other = other.and_then(|other| others[other].as_ref());
            match other.and_then(|other| other.recv().ok()) {
                Some(text) => sink.text.push_str(&text?),
                None => encode(run, layout, sink)?,
            }
            sink.breathe()?;
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

fn encode(run: &[Piece<'_>], layout: Layout, sink: &mut Sink<'_>) -> Result<(), WriteError> {
    for piece in run {
        match *piece {
            Piece::Open(bracket) => sink.text.push(bracket),
            Piece::Entry(index, name, depth) => entry(index, name, layout, depth, sink),
            Piece::Whole(data, depth) => value(data, layout, depth, sink)?,
            Piece::Close(bracket, depth) => close(bracket, layout, depth, sink),
        }
    }
    Ok(())
}
