//! The one body of SQL: a file for each noun, which makes statements and reads rows.

mod admin_key;
mod api_key;
mod app;
mod app_password;
mod ceremony;
mod challenge;
mod contact;
mod credential;
mod event;
mod event_checkpoint;
mod fact;
mod grant;
mod idempotency;
mod invitation;
mod message;
mod metadata;
mod pending_sign_in;
mod quota;
mod realm;
mod revocation;
mod row;
mod sealing_key;
mod session;
mod signing_key;
mod sweep;
mod undo;
mod user;
mod user_identifier;
mod user_password;
mod webhook;

use std::collections::BTreeSet;

use countersign_domain::{
    changes::{AppPasswordChange, Change, FlowChange, GrantChange},
    id::UserId,
};
use parking_lot::Mutex;

pub(crate) use self::{
    admin_key::*, api_key::*, app::*, app_password::*, ceremony::*, challenge::*, contact::*, credential::*,
    event::*, event_checkpoint::*, fact::*, grant::*, idempotency::*, invitation::*, message::*, metadata::*,
    pending_sign_in::*, quota::*, realm::*, revocation::*, row::read_count, sealing_key::*, session::*,
    signing_key::*, sweep::*, undo::*, user::*, user_identifier::*, user_password::*, webhook::*,
};
use crate::engine::{Expect, Statement, Value, Write};

/// The writes that carry out one change, added to `writes`.
pub(crate) fn write(change: Change, writes: &mut Vec<Write>) {
    match change {
        Change::Contact(contact) => writes.push(contact::save(&contact)),
        Change::ChallengeStarted(challenge) => writes.push(challenge::insert(challenge)),
        Change::Challenge(challenge) => writes.push(challenge::update(challenge)),
        Change::MessageDropped(id) => writes.push(message::delete_message(id)),
        Change::Message(message) => writes.push(message::insert(message)),
        Change::MessageDue(id, at) => writes.push(message::due(id, at)),
        Change::MessageForgotten(id) => writes.push(message::forget(id)),
        Change::Idempotency(idempotency) => writes.extend(idempotency::insert(&idempotency)),
        Change::Revocation(revocation) => writes.extend(revocation::save(&revocation)),
        Change::App(app) => writes.push(app::save(app)),
        Change::ApiKeyAdded(key) => writes.push(api_key::insert(key)),
        Change::ApiKeyRevoked(id, at) => writes.push(api_key::revoke(id, at)),
        Change::ApiKeyUsed(id, at) => writes.push(api_key::used(id, at)),
        Change::SigningKey(key) => writes.push(signing_key::insert(key)),
        Change::SigningKeyRetired(retirement) => writes.push(signing_key::retire(retirement)),
        Change::UserAdded(user) => writes.push(user::insert(user)),
        Change::User(user) => writes.push(user::update(user)),
        Change::UserSignedIn(user) => writes.push(user::sign_in(&user)),
        Change::UserErased(id, version) => erase_user(id, version, writes),
        Change::IdentifierAdded(identifier) => writes.push(user_identifier::insert(identifier)),
        Change::SubjectAdded(subject) => writes.push(user::insert_subject(&subject)),
        Change::SessionStarted(session) => writes.push(session::insert(session)),
        Change::Session(session) => writes.push(session::update(&session)),
        Change::SessionEnded(id) => writes.push(session::end(id)),
        Change::SessionsOfAppEnded(app) => writes.push(session::end_of_app(&app)),
        Change::SessionsEnded(user) => writes.push(session::end_of_user(user)),
        Change::Password(password) => writes.push(user_password::save(password)),
        Change::PasswordRemoved(user, version) => writes.push(user_password::remove(user, version)),
        Change::PasswordWished(wish) => writes.push(user_password::insert_wish(wish)),
        // Refused before: it is written as `EventWritten`.
        Change::Event(_) => {}
        Change::EventWritten(event) => event::insert(*event, writes),
        Change::EventKeyAdded(key) => writes.push(event::insert_key(key)),
        Change::WebhookQueued(delivery) => writes.push(webhook::insert(delivery)),

        Change::IdentifierChanged(identifier) => writes.push(user_identifier::update(&identifier)),
        Change::IdentifierRemoved(identifier) => writes.push(user_identifier::remove(&identifier)),
        Change::UndoAdded(undo) => writes.push(undo::insert(undo)),
        Change::UndoUsed(link) => writes.push(undo::remove(link)),
        Change::UndosDropped(user, kind) => writes.push(undo::drop_of(user, kind)),
        Change::Metadata(metadata) => writes.push(metadata::save(metadata)),

        Change::AdminKeyAdded(key) => writes.push(admin_key::insert(key)),
        Change::AdminKeyRevoked(id, at) => writes.push(admin_key::revoke(id, at)),
        Change::AdminKeyUsed(id, at) => writes.push(admin_key::used(id, at)),
        Change::Realm(realm) => writes.push(realm::save(realm)),
        Change::RealmRemoved(name, version) => writes.extend(realm::remove(&name, version)),
        Change::InvitationAdded(invitation) => writes.extend(invitation::add(&invitation)),
        Change::InvitationSpent(id) => writes.push(invitation::spend(id)),
        Change::IdentifierVerified(identifier) => writes.push(user_identifier::verify(&identifier)),

        Change::Credential(credential) => writes.push(credential::save(credential)),
        Change::CredentialRemoved(id, version) => writes.push(credential::remove(id, version)),
        Change::Flow(change) => write_flow(change, writes),
        Change::Grant(change) => writes.push(write_grant(change)),
        Change::AppPassword(change) => writes.push(write_app_password(change)),
    }
}

fn write_app_password(change: AppPasswordChange) -> Write {
    match change {
        AppPasswordChange::Added(password) => app_password::insert(password),
        AppPasswordChange::Used(id, at) => app_password::used(id, at),
        AppPasswordChange::Removed(id) => app_password::remove(id),
        AppPasswordChange::AllRemoved(user) => app_password::remove_all(user),
    }
}

fn write_flow(change: FlowChange, writes: &mut Vec<Write>) {
    match change {
        FlowChange::Saved(pending) => writes.push(pending_sign_in::save(pending)),
        FlowChange::Ended(id, version) => writes.push(pending_sign_in::remove(id, version)),
        FlowChange::Dropped(user) => writes.extend([pending_sign_in::drop_of(user), ceremony::drop_of(user)]),
        FlowChange::DroppedAt(app, user) => writes.push(pending_sign_in::drop_at(&app, user)),
        FlowChange::Asked(ceremony) => writes.push(ceremony::insert(ceremony)),
        FlowChange::Answered(id) => writes.push(ceremony::remove(id)),
    }
}

fn write_grant(change: GrantChange) -> Write {
    match change {
        GrantChange::Given(grant) => grant::save(grant),
        GrantChange::Taken(id, version) => grant::remove(id, version),
        GrantChange::AllOfHolderTaken(holder) => grant::remove_of_holder(holder),
    }
}

/// Removes a user of exactly this version, and everything that hangs on it but sessions.
fn erase_user(id: UserId, version: i64, writes: &mut Vec<Write>) {
    writes.extend(user::erase(id, version));
    writes.extend([
        user_password::erase(id),
        credential::erase(id),
        app_password::remove_all(id),
        pending_sign_in::drop_of(id),
        ceremony::drop_of(id),
        event::delete_key(id),
    ]);
}

/// A write that must touch exactly one row.
pub(crate) const fn one(sql: &'static str, parameters: Vec<Value>) -> Write {
    Write { statement: Statement { sql, parameters }, expect: Expect::One }
}

/// A write that may touch any number of rows.
pub(crate) const fn any(sql: &'static str, parameters: Vec<Value>) -> Write {
    Write { statement: Statement { sql, parameters }, expect: Expect::Any }
}

/// The condition that a row's key follows `cursor`, and its parameters. True of every row where there is none.
/// A database that does not look up rows as a whole in an index is asked column by column.
pub(crate) fn after_key(key: &[String], cursor: Option<&[Value]>, as_rows: bool) -> (String, Vec<Value>) {
    let Some(cursor) = cursor else { return ("1 = 1".to_owned(), Vec::new()) };
    if as_rows || key.len() == 1 {
        let places = vec!["?"; key.len()].join(", ");
        return (format!("({}) > ({places})", key.join(", ")), cursor.to_vec());
    }
    let (mut condition, mut parameters) = (String::new(), Vec::new());
    for (place, (name, value)) in key.iter().zip(cursor).enumerate() {
        if place + 1 == key.len() {
            condition.push_str(&format!("{name} > ?"));
        } else {
            condition.push_str(&format!("({name} > ? OR ({name} = ? AND "));
            parameters.push(value.clone());
        }
        parameters.push(value.clone());
    }
    condition.push_str(&")".repeat(2 * (key.len() - 1)));
    (condition, parameters)
}

/// A statement that is put together from the names of the schema, kept for good: there are a few for each table, and an
/// engine keeps each prepared.
pub(crate) fn fixed(text: String) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock();
    if let Some(found) = known.get(text.as_str()) {
        return found;
    }
    let kept: &'static str = Box::leak(text.into_boxed_str());
    known.insert(kept);
    kept
}

/// A read.
pub(crate) const fn read(sql: &'static str, parameters: Vec<Value>) -> Statement {
    Statement { sql, parameters }
}
