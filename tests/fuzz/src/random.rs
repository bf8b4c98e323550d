//! Random inputs: the committed ones, changed, and the target's words in random order.

use std::panic::catch_unwind;

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::{Target, corpus};

/// Longest input, in bytes.
pub const MAX_LENGTH: usize = 4096;

/// One change of an input.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
}

/// An input that does not pass its check.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The smallest that was found.
    pub input: Vec<u8>,
    /// What the check said.
    pub reason: String,
}

/// Checks `cases` random inputs; no two calls check the same.
///
/// # Errors
/// The first input that does not pass, made as small as possible.
///
/// # Panics
/// When the target's committed inputs can't be read.
pub fn search(target: &Target, cases: u32) -> Result<(), Finding> {
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&inputs(target), |input| passes(target, &input));
    outcome.map_err(|failure| match failure {
        TestError::Fail(reason, input) => Finding {
            input,
            reason: reason.message().to_owned(),
        },
        TestError::Abort(reason) => panic!("no inputs for {}: {reason}", target.name),
    })
}

/// Whether the input passes its check.
///
/// # Errors
/// What the check says.
pub fn passes(target: &Target, input: &[u8]) -> Result<(), TestCaseError> {
    let check = target.check;
    catch_unwind(|| check(input)).map_err(|reason| {
        let text = reason.downcast_ref::<String>().cloned();
        let text = text.or_else(|| reason.downcast_ref::<&str>().map(ToString::to_string));
        TestCaseError::fail(text.unwrap_or_default())
    })
}

fn inputs(target: &Target) -> BoxedStrategy<Vec<u8>> {
    let seeds: Vec<Vec<u8>> = corpus::inputs(&corpus::folder(target.name))
        .into_iter()
        .map(|(_, input)| input)
        .collect();
    let words: Vec<Vec<u8>> = target
        .words
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let piece = || prop_oneof![4 => select(words.clone()), 1 => vec(any::<u8>(), 1..4), 1 => "[ -~]{1,4}".prop_map(String::into_bytes)];
    let change = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), piece()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<Index>(), any::<Index>()).prop_map(|(start, end)| Change::Remove(start, end)),
        (any::<Index>(), any::<Index>()).prop_map(|(start, end)| Change::Repeat(start, end)),
    ];
    let start = prop_oneof![
        3 => select(seeds),
        1 => vec(piece(), 0..12).prop_map(|pieces| pieces.concat()),
        1 => Just(Vec::new()),
    ];
    (start, vec(change, 0..6))
        .prop_map(|(start, changes)| changes.iter().fold(start, changed))
        .boxed()
}

fn changed(mut input: Vec<u8>, change: &Change) -> Vec<u8> {
    let length = input.len();
    let range = |start: &Index, end: &Index| {
        let (one, other) = (start.index(length + 1), end.index(length + 1));
        one.min(other)..one.max(other)
    };
    match change {
        Change::Set(at, byte) if length > 0 => input[at.index(length)] = *byte,
        Change::Set(..) => {}
        Change::Insert(at, piece) => {
            let at = at.index(length + 1);
            input.splice(at..at, piece.iter().copied());
        }
        Change::Remove(start, end) => drop(input.drain(range(start, end))),
        Change::Repeat(start, end) => input.extend_from_within(range(start, end)),
    }
    input.truncate(MAX_LENGTH);
    input
}
