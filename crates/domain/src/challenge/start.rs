//! The beginning of a challenge: what is drawn, what is replaced, what is promised.

use super::{Challenge, Purpose, State, end, refused};
use crate::{
    app::App,
    changes::{Change, Changes, Decision},
    code::Code,
    contact::{Contact, MOST_LIVE},
    id::ChallengeId,
    identifier::EmailAddress,
    random::{Random, below},
    refusal::Refusal,
    time::{Span, Timestamp},
    token::SecretToken,
    vault::Vault,
};

/// Wrong numbers that a link survives, less one: a hurried person may mistype once.
const LINK_TRIES: u32 = 2;
/// How long an ended challenge still answers "over" rather than "not found".
const KEPT_AFTER: Span = Span::from_hours(1);

/// What is needed to start a challenge.
#[derive(Debug)]
pub struct Start<'a> {
    /// The app that asks.
    pub app: &'a App,
    /// The id it will have.
    pub id: ChallengeId,
    /// Whom to ask.
    pub address: &'a EmailAddress,
    /// What for.
    pub purpose: Purpose,
    /// The binding of an earlier challenge from the same place, which this one replaces.
    pub former_binding: Option<&'a SecretToken>,
    /// The address, sealed, if the app's tokens are to carry it.
    pub sealed_address: Option<Vec<u8>>,
    /// From where it is asked, sealed.
    pub sealed_origin: Option<Vec<u8>>,
    /// When.
    pub now: Timestamp,
}

/// What was read about the person before a start.
#[derive(Debug)]
pub struct Person {
    /// The person at this app.
    pub contact: Contact,
    /// The address at all apps together.
    pub everywhere: Contact,
    /// The challenges that `contact` lists as live, as far as they still exist.
    pub live: Vec<Challenge>,
}

/// A challenge that was started, with the secrets that leave in the mail and in the answer.
#[derive(Debug)]
pub struct Started {
    /// As it is kept.
    pub challenge: Challenge,
    /// For the mail.
    pub code: Option<Code>,
    /// For the mail.
    pub link: Option<SecretToken>,
    /// For the answer.
    pub binding: SecretToken,
    /// False when the mail must be written and never sent.
    pub deliver: bool,
}

/// Starts a challenge.
pub fn start(
    start: Start<'_>,
    mut person: Person,
    vault: &dyn Vault,
    random: &mut dyn Random,
) -> Decision<Result<Started, Refusal>> {
    let Start { app, now, .. } = start;
    if let Err(refusal) = person.contact.may_send(&app.challenge, now) {
        return refused(refusal);
    }
    let mut changes = Changes::default();
    make_room(&start, &mut person, vault, &mut changes);

    let with_code = app.challenge.delivery.has_code() && person.contact.admit(1, now).is_ok();
    let code = with_code.then(|| app.challenge.code.draw(random));
    let link = (app.challenge.delivery.has_link() || !with_code).then(|| SecretToken::draw(random));
    let binding = SecretToken::draw(random);
    let life = match start.purpose {
        Purpose::SignIn | Purpose::Register | Purpose::ResetPassword => app.challenge.life,
        Purpose::ConfirmAddress => app.challenge.confirmation_life,
    };
    let challenge = Challenge {
        id: start.id,
        app: app.name.clone(),
        contact: person.contact.key.digest,
        purpose: start.purpose,
        state: State::Pending { tries: app.challenge.tries, link_tries: LINK_TRIES },
        subject: vault.subject(&app.sector, start.address),
        code: code.as_ref().map(|code| vault.code(start.id, code)),
        link: link.as_ref().map(|token| vault.link(token)),
        binding: vault.binding(&binding),
        confirmation: 10 + u8::try_from(below(random, 90)).unwrap_or(0),
        sealed_address: start.sealed_address,
        sealed_origin: start.sealed_origin,
        created_at: now,
        expires_at: now + life,
        keep_until: now + life + KEPT_AFTER,
        version: 1,
    };
    let deliver = person.everywhere.may_send_anywhere(now);
    person.contact.live.push(challenge.id);
    person.contact.live_until(challenge.keep_until);
    person.contact.note_send(now);
    if deliver {
        person.everywhere.note_send(now);
    }
    changes.lead(Change::Contact(person.everywhere));
    changes.lead(Change::Contact(person.contact));
    changes.push(Change::ChallengeStarted(challenge.clone()));
    Decision { outcome: Ok(Started { challenge, code, link, binding, deliver }), changes }
}

/// Ends the challenge that this one replaces, and the oldest where too many live; forgets those that are over.
fn make_room(start: &Start<'_>, person: &mut Person, vault: &dyn Vault, changes: &mut Changes) {
    let former = start.former_binding.map(|binding| vault.binding(binding));
    let live = std::mem::take(&mut person.live).into_iter().filter(|challenge| challenge.is_live(start.now));
    let (replaced, mut others): (Vec<_>, Vec<_>) =
        live.partition(|challenge| former == Some(challenge.binding));
    others.sort_by_key(|challenge| challenge.id);
    let kept = others.split_off((others.len() + 1).saturating_sub(MOST_LIVE));
    for challenge in replaced.into_iter().chain(others) {
        end(challenge, State::Failed, changes);
    }
    person.contact.live = kept.into_iter().map(|challenge| challenge.id).collect();
}
