//! The front of a connection: reads heads and answers what can be answered at once. Everything else is passed on, with
//! all that came, to the library that speaks the whole of HTTP.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Peer;
use super::at_once::{Answer, AtOnce, Date, Found, find};
use super::guard::{Guarded, Phase};
use crate::shutdown::Order;

/// Bytes that are asked for at a time.
const PIECE: usize = 8 * 1024;

/// What comes next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it has ended.
    End,
    /// What is not answered here: all that came of it.
    Pass {
        /// What came.
        bytes: Vec<u8>,
        /// Whether it is exactly one head without a body, so that the connection can come back.
        is_alone: bool,
    },
}

/// What came and is not answered yet, and what is kept between answers.
#[derive(Debug)]
pub(super) struct Front {
    waiting: Vec<u8>,
    answer: Vec<u8>,
    date: Date,
    /// Most bytes of a head.
    most: usize,
}

impl Front {
    pub(super) fn new(most: usize) -> Self {
        Self { waiting: Vec::new(), answer: Vec::new(), date: Date::default(), most }
    }

    /// Goes on with what came behind a request that was passed on.
    pub(super) fn resume(&mut self, bytes: Vec<u8>) {
        self.waiting = bytes;
    }

    /// Answers what it can, until something else comes.
    pub(super) async fn next<S: AtOnce>(
        &mut self,
        (stream, phase): (&mut Guarded, &Phase),
        (service, peer): (&S, &Peer),
        order: &mut Order,
    ) -> Next {
        loop {
            if self.waiting.is_empty() && !self.begin(stream, order).await {
                return Next::End;
            }
            // After the order to stop, answers say that they are the last: that is the library's to do.
            let found = if order.is_given() { Found::Other } else { self.look(service, peer) };
            match found {
                Found::Plain(length, true) => {
                    self.waiting.drain(..length);
                    phase.answer_begins();
                    if stream.write_all(&self.answer).await.is_err() {
                        return Next::End;
                    }
                }
                Found::Plain(length, false) => return self.pass(length),
                Found::Part if self.waiting.len() < self.most => {
                    if !self.read(stream).await {
                        return Next::End;
                    }
                }
                Found::Part | Found::Other => return self.pass(usize::MAX),
            }
        }
    }

    /// What stands at the beginning, and whether its answer is made.
    fn look<S: AtOnce>(&mut self, service: &S, peer: &Peer) -> Found<bool> {
        let (answer, date) = (&mut self.answer, &mut self.date);
        answer.clear();
        let found = find(&self.waiting, |head| {
            let make = || service.write_at_once(head, peer, &mut Answer::new(answer, date));
            // As in the shield: what is shared here does not break by it. The usual way may know an answer.
            catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|_| {
                tracing::error!("an answer at once panicked");
                false
            })
        });
        match found {
            Found::Plain(length, _) if length > self.most => Found::Other,
            found => found,
        }
    }

    fn pass(&mut self, head: usize) -> Next {
        let bytes = std::mem::take(&mut self.waiting);
        Next::Pass { is_alone: bytes.len() == head, bytes }
    }

    /// Waits for the first bytes of a request; false when none will come.
    async fn begin(&mut self, stream: &mut Guarded, order: &mut Order) -> bool {
        // Who rests does not keep the memory of a long head.
        if self.waiting.capacity() > 2 * PIECE {
            self.waiting = Vec::new();
        }
        tokio::select! {
            biased;
            came = self.read(stream) => came,
            () = order.given() => false,
        }
    }

    /// Waits for more bytes, up to the end of a line at least: a head that comes letter by letter is not looked at with
    /// each. False when none will come.
    async fn read(&mut self, stream: &mut Guarded) -> bool {
        loop {
            let before = self.waiting.len();
            if self.waiting.capacity() - before < PIECE / 2 {
                self.waiting.reserve(PIECE);
            }
            if !matches!(stream.read_buf(&mut self.waiting).await, Ok(1..)) {
                return false;
            }
            let is_line = self.waiting[before..].contains(&b'\n');
            if is_line || self.waiting.len() >= self.most || self.waiting[0] != b'G' {
                return true;
            }
        }
    }
}
