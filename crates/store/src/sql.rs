//! The one body of SQL: a file for each noun, which makes statements and reads rows.

mod admin_key;
mod api_key;
mod app;
mod challenge;
mod contact;
mod event;
mod event_checkpoint;
mod fact;
mod idempotency;
mod invitation;
mod message;
mod quota;
mod realm;
mod revocation;
mod row;
mod session;
mod signing_key;
mod sweep;
mod user;
mod user_identifier;
mod webhook;

use countersign_domain::changes::Change;

pub(crate) use self::{
    admin_key::*, api_key::*, app::*, challenge::*, contact::*, event::*, event_checkpoint::*, fact::*,
    idempotency::*, invitation::*, message::*, quota::*, realm::*, revocation::*, session::*, signing_key::*,
    sweep::*, user::*, user_identifier::*, webhook::*,
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
        Change::UserErased(id, version) => {
            writes.extend(user::erase(id, version));
            writes.push(event::delete_key(id));
        }
        Change::IdentifierAdded(identifier) => writes.push(user_identifier::insert(identifier)),
        Change::SubjectAdded(subject) => writes.push(user::insert_subject(&subject)),
        Change::SessionStarted(session) => writes.push(session::insert(session)),
        Change::Session(session) => writes.push(session::update(&session)),
        Change::SessionEnded(id) => writes.push(session::end(id)),
        Change::SessionsOfAppEnded(app) => writes.push(session::end_of_app(&app)),
        Change::SessionsEnded(user) => writes.push(session::end_of_user(user)),

        // Refused before: it is written as `EventWritten`.
        Change::Event(_) => {}
        Change::EventWritten(event) => event::insert(*event, writes),
        Change::EventKeyAdded(key) => writes.push(event::insert_key(key)),
        Change::WebhookQueued(delivery) => writes.push(webhook::insert(delivery)),

        Change::AdminKeyAdded(key) => writes.push(admin_key::insert(key)),
        Change::AdminKeyRevoked(id, at) => writes.push(admin_key::revoke(id, at)),
        Change::AdminKeyUsed(id, at) => writes.push(admin_key::used(id, at)),
        Change::Realm(realm) => writes.push(realm::save(realm)),
        Change::RealmRemoved(name, version) => writes.extend(realm::remove(&name, version)),
        Change::InvitationAdded(invitation) => writes.extend(invitation::add(&invitation)),
        Change::InvitationSpent(id) => writes.push(invitation::spend(id)),
        Change::IdentifierVerified(identifier) => writes.push(user_identifier::verify(&identifier)),
    }
}

/// A write that must touch exactly one row.
pub(crate) const fn one(sql: &'static str, parameters: Vec<Value>) -> Write {
    Write { statement: Statement { sql, parameters }, expect: Expect::One }
}

/// A write that may touch any number of rows.
pub(crate) const fn any(sql: &'static str, parameters: Vec<Value>) -> Write {
    Write { statement: Statement { sql, parameters }, expect: Expect::Any }
}

/// A read.
pub(crate) const fn read(sql: &'static str, parameters: Vec<Value>) -> Statement {
    Statement { sql, parameters }
}
