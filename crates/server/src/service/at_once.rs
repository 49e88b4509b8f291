//! The questions asked most, answered at the front of a connection: is this token good, is this browser signed in, may this
//! request pass. Only a yes that is known from memory is given here; everything else takes the usual way.

use serde::Serialize;

use super::{Admission, Service};
use crate::{
    api::{json, session, token},
    fields::Fields as _,
    forward_auth::{Door, PREFIX, Question, present},
    listener::{Answer, AtOnce, Head, Peer},
};

impl AtOnce for Service {
    fn write_at_once(&self, head: &Head<'_>, peer: &Peer, answer: &mut Answer<'_>) -> bool {
        // Traces, and who may come at all, are looked at on the usual way.
        if self.server.telemetry.is_on() || self.admission != Admission::Everybody {
            return false;
        }
        match (head.path, self.door) {
            // So is what a page of another origin may read.
            ("/v1/token" | "/v1/session", _) if !self.public || head.has("origin") => false,
            ("/v1/token", _) if head.query.is_none() => self.write_token(head, answer),
            ("/v1/session", _) => self.write_session(head, answer),
            (path, Some(door)) if path.starts_with(PREFIX) => self.write_presence((head, door, peer), answer),
            _ => false,
        }
    }
}

impl Service {
    fn write_token(&self, head: &Head<'_>, answer: &mut Answer<'_>) -> bool {
        let now = self.server.now();
        let known = token::known(&self.server, head, now);
        known.is_some_and(|body| {
            self.server.metrics.token_checks.inc();
            write_json(answer, now.seconds(), &body)
        })
    }

    fn write_session(&self, head: &Head<'_>, answer: &mut Answer<'_>) -> bool {
        let now = self.server.now();
        let known = session::known(&self.server, head, now);
        known.is_some_and(|body| {
            self.server.metrics.session_cache_hits.inc();
            write_json(answer, now.seconds(), &body)
        })
    }

    fn write_presence(&self, (head, door, peer): (&Head<'_>, Door, &Peer), answer: &mut Answer<'_>) -> bool {
        let now = self.server.now();
        let question = Question::parse(head.path, head.query);
        let present =
            question.and_then(|question| present(&self.server, door, (&question, head), (peer, now)));
        present.is_some_and(|present| present.write(&self.server, now, answer))
    }
}

fn write_json(answer: &mut Answer<'_>, second: i64, body: &impl Serialize) -> bool {
    let Ok(json) = json(body) else { return false };
    answer.begin(second);
    answer.fields("content-type: application/json\r\ncache-control: no-store\r\n");
    answer.end(&json);
    true
}
