//! Challenges.

use countersign_domain::{
    challenge::{Challenge, Purpose, State},
    contact::{Contact, ContactKey, MOST_LIVE},
    id::ChallengeId,
    secret::Digest,
    subject::Subject,
    time::Timestamp,
};

use super::{one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

/// How many columns a challenge has.
const COLUMNS: usize = 19;

macro_rules! columns {
    () => {
        "id, app, contact, purpose, state, subject, code_digest, link_digest, binding_digest, confirmation, tries, \
         link_tries, proven_at, sealed_address, sealed_origin, created_at, expires_at, keep_until, version"
    };
}

pub(crate) fn select_challenge(id: ChallengeId) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM challenge WHERE id = ?"), vec![id.bytes().as_slice().into()])
}

pub(crate) fn select_challenges(ids: [ChallengeId; MOST_LIVE]) -> Statement {
    let ids = ids.iter().map(|id| id.bytes().as_slice().into()).collect();
    read(concat!("SELECT ", columns!(), " FROM challenge WHERE id IN (?, ?, ?)"), ids)
}

/// A challenge and, behind its columns, those of the person whom it asks.
pub(crate) fn select_challenge_and_contact(id: ChallengeId) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            ", digest, sends, failures, failures_in_a_row, live, contact_expires_at, contact_version \
             FROM challenge LEFT JOIN (SELECT app AS contact_app, digest, sends, failures, failures_in_a_row, live, \
             expires_at AS contact_expires_at, version AS contact_version FROM contact) AS person \
             ON contact_app = app AND digest = contact WHERE id = ?"
        ),
        vec![id.bytes().as_slice().into()],
    )
}

/// The row of [`select_challenge_and_contact`]; the contact is a fresh one when it is not there.
pub(crate) fn read_challenge_and_contact(mut row: Row) -> Result<(Challenge, Contact), Error> {
    let person = row.split_off(COLUMNS.min(row.len()));
    let challenge = read_challenge(row)?;
    let key = ContactKey { app: Some(challenge.app.clone()), digest: challenge.contact };
    let contact = match person.first() {
        None | Some(Value::Null) => Contact::fresh(key),
        Some(_) => super::read_contact(&key, person)?,
    };
    Ok((challenge, contact))
}

pub(crate) fn select_challenge_by_link(link: Digest) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM challenge WHERE link_digest = ?"), vec![link.into()])
}

pub(crate) fn select_newest_challenge() -> Statement {
    read("SELECT id FROM challenge ORDER BY id DESC LIMIT 1", vec![])
}

pub(crate) fn read_newest_challenge(row: Row) -> Result<Timestamp, Error> {
    Columns::new("challenge", row).array("id").map(|id| ChallengeId::from_bytes(id).made_at())
}

pub(crate) fn read_challenge(row: Row) -> Result<Challenge, Error> {
    let mut columns = Columns::new("challenge", row);
    let id = ChallengeId::from_bytes(columns.array("id")?);
    let app = columns.parsed("app")?;
    let contact = columns.digest("contact")?;
    let purpose = Purpose::from_name(&columns.text("purpose")?).ok_or_else(|| columns.corrupt("purpose"))?;
    let state = columns.text("state")?;
    let subject = Subject::from_bytes(columns.array("subject")?);
    let (code, link) = (columns.optional_digest("code_digest")?, columns.optional_digest("link_digest")?);
    let binding = columns.digest("binding_digest")?;
    let confirmation = columns.number("confirmation")?;
    let (tries, link_tries) = (columns.number("tries")?, columns.number("link_tries")?);
    let state = match (state.as_str(), columns.optional_time("proven_at")?) {
        ("pending", None) => State::Pending { tries, link_tries },
        ("passed", Some(proven_at)) => State::Passed { proven_at },
        ("spent", _) => State::Spent,
        ("failed", _) => State::Failed,
        _ => return Err(columns.corrupt("state")),
    };
    Ok(Challenge {
        id,
        app,
        contact,
        purpose,
        state,
        subject,
        code,
        link,
        binding,
        confirmation,
        sealed_address: columns.optional_bytes("sealed_address")?,
        sealed_origin: columns.optional_bytes("sealed_origin")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        keep_until: columns.time("keep_until")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn insert(challenge: Challenge) -> Write {
    let (state, tries, link_tries, proven_at) = state(challenge.state);
    one(
        concat!(
            "INSERT INTO challenge (",
            columns!(),
            ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        vec![
            challenge.id.bytes().as_slice().into(),
            challenge.app.as_str().into(),
            challenge.contact.into(),
            challenge.purpose.name().into(),
            state.into(),
            challenge.subject.bytes().as_slice().into(),
            challenge.code.into(),
            challenge.link.into(),
            challenge.binding.into(),
            i64::from(challenge.confirmation).into(),
            tries.into(),
            link_tries.into(),
            proven_at,
            challenge.sealed_address.into(),
            challenge.sealed_origin.into(),
            challenge.created_at.into(),
            challenge.expires_at.into(),
            challenge.keep_until.into(),
            challenge.version.into(),
        ],
    )
}

pub(super) fn update(challenge: Challenge) -> Write {
    let (state, tries, link_tries, proven_at) = state(challenge.state);
    one(
        "UPDATE challenge SET state = ?, code_digest = ?, tries = ?, link_tries = ?, proven_at = ?, \
         sealed_address = ?, sealed_origin = ?, version = ? WHERE id = ? AND version = ?",
        vec![
            state.into(),
            challenge.code.into(),
            tries.into(),
            link_tries.into(),
            proven_at,
            challenge.sealed_address.into(),
            challenge.sealed_origin.into(),
            (challenge.version + 1).into(),
            challenge.id.bytes().as_slice().into(),
            challenge.version.into(),
        ],
    )
}

fn state(state: State) -> (&'static str, i64, i64, Value) {
    match state {
        State::Pending { tries, link_tries } => ("pending", tries.into(), link_tries.into(), Value::Null),
        State::Passed { proven_at } => ("passed", 0, 0, proven_at.into()),
        State::Spent => ("spent", 0, 0, Value::Null),
        State::Failed => ("failed", 0, 0, Value::Null),
    }
}
