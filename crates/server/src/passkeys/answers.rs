//! Answers of authenticators, from what a page sends to what is written: the question is found by what the answer names,
//! taken where it was asked and nowhere else, and over in the same commit whether the answer was right or not. What a
//! proof is worth, and who may have a new credential, is not decided here.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use countersign_domain::{
    app::App,
    assurance::{Assurance, Method, Methods},
    ceremony::{self, Ceremony, CeremonyKind},
    changes::{Change, Changes, FlowChange},
    credential::Credential,
    id::{CeremonyId, UserId},
    realm::RealmName,
    time::Timestamp,
    user::User,
};

use super::{
    authenticate::{Authenticated, finish_authentication, lookup},
    client_data,
    fault::Fault,
    party::party,
    register::finish_registration,
    response::{AuthenticationResponse, Base64Url, RegistrationResponse},
    stored::{Question, ceremony_of},
};
use crate::{
    credentials::seal_question,
    error::ApiError,
    state::Server,
    system::{CLOCK_SKEW, CLOCK_TOLERANCE},
};

/// Where an answer is given.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The realm.
    pub realm: &'a RealmName,
    /// The id of the session or sign-in that asked.
    pub within: &'a [u8; 16],
    /// Who it is, where something else said so: everywhere but for a first proof.
    pub user: Option<UserId>,
    /// The app of a sign-in of which nothing is kept: its questions are not kept either.
    pub nameless_at: Option<&'a App>,
    /// When.
    pub now: Timestamp,
}

/// What an authenticator proved.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Whose it is.
    pub user: User,
    /// What it proved: [`Method::Passkey`], or [`Method::SecurityKey`] where it does not know its person.
    pub method: Method,
    /// When.
    pub at: Timestamp,
    /// The credential as it is written: with its counter, its last use, its backup state.
    pub credential: Credential,
}

impl Proven {
    /// The same as a whole sign-in.
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        Assurance { methods: Methods::NONE.with(self.method), proven_at: self.at }
    }
}

/// Takes the answer to [`begin_authentication`](super::begin_authentication). What is to be committed, right or wrong,
/// are the changes: the question is over, and the credential has its new counter. An answer to no question of this place
/// changes nothing. In a realm without the credential, the refusal is the same as for a wrong signature.
///
/// A right answer says nothing of the user's status: whoever begins a session asks for that.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open. Everything that may be wrong with the
/// answer is in the inner result.
pub async fn prove(
    server: &Server,
    place: &Place<'_>,
    answer: &AuthenticationResponse,
) -> Result<(Result<Proven, Fault>, Changes), ApiError> {
    let asked = (CeremonyKind::Authentication, &answer.response.client_data);
    let Waiting { ceremony, question, over: mut changes } = match waiting(server, place, asked).await? {
        Ok(waiting) => waiting,
        Err(fault) => return Ok((Err(fault), Changes::default())),
    };
    let found = server.store.credential(place.realm, lookup(server, place.realm, answer)).await?;
    let is_theirs = |found: &Credential| place.user.is_none_or(|user| user == found.user);
    let Some(found) = found.filter(is_theirs) else { return Ok((Err(Fault::CredentialId), changes)) };
    let Some(user) = server.store.user(found.user).await? else {
        return Ok((Err(Fault::CredentialId), changes));
    };
    Ok(match finish_authentication(server, (&ceremony, &question), &found, answer, place.now)? {
        Err(fault) => (Err(fault), changes),
        Ok(Authenticated { credential, method }) => {
            changes.push(Change::Credential(credential.clone()));
            (Ok(Proven { user, method, at: place.now, credential }), changes)
        }
    })
}

/// Takes the answer to [`begin_registration`](super::begin_registration) of the user whom the place names, who need not be
/// stored yet. The changes say that the question is over; the new credential is the caller's to write, with all that goes
/// with one ([`crate::credentials::added`]).
///
/// # Errors
/// As for [`prove`].
pub async fn enrol(
    server: &Server,
    place: &Place<'_>,
    (answer, label): (&RegistrationResponse, Option<&str>),
) -> Result<(Result<Credential, Fault>, Changes), ApiError> {
    let asked = (CeremonyKind::Registration, &answer.response.client_data);
    let Waiting { ceremony, question, over: changes } = match waiting(server, place, asked).await? {
        Ok(waiting) => waiting,
        Err(fault) => return Ok((Err(fault), Changes::default())),
    };
    let made = match finish_registration(server, (&ceremony, &question), (answer, label), place.now)? {
        Ok(made) => made,
        Err(fault) => return Ok((Err(fault), changes)),
    };
    if let Some(lookup) = made.lookup
        && server.store.credential(place.realm, lookup).await?.is_some()
    {
        return Ok((Err(Fault::Taken), changes));
    }
    Ok((Ok(made), changes))
}

/// A question that waits for its answer.
struct Waiting {
    ceremony: Ceremony,
    question: Question,
    /// What is written with the answer: nobody answers it again.
    over: Changes,
}

/// The question that an answer names, if it is one of this place and still waits.
async fn waiting(
    server: &Server,
    place: &Place<'_>,
    (kind, client_data): (CeremonyKind, &Base64Url),
) -> Result<Result<Waiting, Fault>, ApiError> {
    let id = match ceremony_of(client_data) {
        Ok(id) => id,
        Err(fault) => return Ok(Err(fault)),
    };
    let is_of_this_place = |asked: &Ceremony| {
        // One that was asked before anybody was known may be answered after.
        let is_theirs = asked.user.is_none() || asked.user == place.user;
        asked.takes(kind, place.within, place.now) && asked.realm == *place.realm && is_theirs
    };
    Ok(match server.store.ceremony(id).await? {
        Some(ceremony) if is_of_this_place(&ceremony) => {
            let over = Changes(vec![FlowChange::Answered(id).into()]);
            Ok(Waiting { question: Question::open(server, &ceremony)?, ceremony, over })
        }
        None if kind == CeremonyKind::Authentication => match place.nameless_at {
            Some(app) => nameless(server, (place, app), (id, client_data))?.ok_or(Fault::Over),
            None => Err(Fault::Over),
        },
        _ => Err(Fault::Over),
    })
}

/// The question of this id, if it is one that this sign-in asked without keeping it. What it was is only known as long as
/// the app and its pages are the same; that it was answered is kept.
fn nameless(
    server: &Server,
    (place, app): (&Place<'_>, &App),
    (id, client_data): (CeremonyId, &Base64Url),
) -> Result<Option<Waiting>, ApiError> {
    let party = party(&server.config.load(), Some(app))?;
    let question = Question::nameless(server, party, (id, place.realm, place.within));
    let expires_at = id.made_at() + ceremony::LIFE;
    let is_asked = client_data::challenge(&client_data.0)
        .is_ok_and(|challenge| verify_slices_are_equal(&challenge, &question.challenge.0).is_ok());
    let is_from_ahead = id.made_at() > place.now + CLOCK_SKEW;
    if !is_asked || is_from_ahead || place.now >= expires_at {
        return Ok(None);
    }
    let ceremony = Ceremony {
        id,
        realm: place.realm.clone(),
        kind: CeremonyKind::Answered,
        within: *place.within,
        user: None,
        sealed: seal_question(server, (place.realm, &id), &[])?,
        // Longer than any node takes an answer: another's clock may be behind, and a sweep may come in between.
        expires_at: expires_at + CLOCK_TOLERANCE,
    };
    let over = Changes(vec![FlowChange::Asked(ceremony.clone()).into()]);
    Ok(Some(Waiting { ceremony, question, over }))
}
