//! Steps that make what is missing: where everything a person has is not enough, they make a passkey or a TOTP in the
//! middle of the sign-in. It is written with the session that it completes, or not at all.

use countersign_domain::{
    assurance::Assurance,
    changes::{Changes, FlowChange},
    credential::{Credential, CredentialKind},
    id::{CeremonyId, UserId},
    pending_sign_in::PendingSignIn,
    policy::Verdict,
    refusal::Refusal,
    totp::{Digits, TotpAlgorithm},
    user::{NEVER, User, UserStatus},
};
use http::StatusCode;

use super::{
    SignInBody, body_of,
    factors::{Proof, Step, follow, known},
    verdict_of,
};
use crate::{
    accounts::{Entry, user_of},
    api::{Answer, answer, my_totp::TotpOptionsAnswer},
    call::Call,
    credentials::{added_too, check_label, is_fresh},
    error::ApiError,
    flow::{self, FlowKey, Pending},
    passkeys::{self, Making, Names, Place, RegistrationResponse, Wanted, begin_registration},
    second_factors::{
        enrolment::{Confirmed, Enrolment, Within},
        totp::TotpSecret,
    },
};

/// What makes a new credential.
#[derive(Clone, Copy)]
pub(super) enum Made<'a> {
    /// What an authenticator made.
    Passkey(&'a RegistrationResponse),
    /// The question, and the first code of an app that took its secret.
    Totp(CeremonyId, &'a str),
}

impl Made<'_> {
    const fn kind(self) -> CredentialKind {
        match self {
            Self::Passkey(_) => CredentialKind::Passkey,
            Self::Totp(..) => CredentialKind::Totp,
        }
    }
}

/// Asks for a new passkey.
pub(super) async fn passkey_options(call: &Call, key: &FlowKey) -> Answer<SignInBody> {
    call.limit_network(None)?;
    let server = &call.server;
    let (row, user) = expected(call, key, CredentialKind::Passkey).await?;
    let names = names(call, &row, user).await?;
    let credentials = server.store.credentials_of(user).await?;
    let making = Making {
        within: row.id.bytes(),
        app: Some(&call.app),
        realm: &row.realm,
        user,
        names: &names,
        credentials: &credentials,
    };
    let (question, options) = begin_registration(server, &making, Wanted::Passkey)?;
    server.commit(Changes(vec![FlowChange::Asked(question).into()])).await?;
    let verdict = verdict_of(call, &row).await?;
    let mut body = body_of(call, &Pending { row, verdict, binding: None });
    body.new_passkey = Some(options);
    Ok(answer(StatusCode::ACCEPTED, body))
}

/// Shows the secret of a new TOTP.
pub(super) async fn totp_options(call: &Call, key: &FlowKey) -> Answer<SignInBody> {
    call.limit_network(None)?;
    let server = &call.server;
    let (row, user) = expected(call, key, CredentialKind::Totp).await?;
    let totp = TotpSecret::draw(TotpAlgorithm::Sha1, Digits::Six, &mut *server.random());
    let enrolment = Enrolment::begin(server, within(&row, user), totp)?;
    let shown = TotpOptionsAnswer::of(&enrolment, &call.app.title, &names(call, &row, user).await?.name)?;
    server.commit(Changes(vec![FlowChange::Asked(enrolment.ceremony).into()])).await?;
    let verdict = verdict_of(call, &row).await?;
    let mut body = body_of(call, &Pending { row, verdict, binding: None });
    body.new_totp = Some(shown);
    Ok(answer(StatusCode::ACCEPTED, body))
}

/// Takes what was made: the sign-in goes on with it.
pub(super) async fn add(
    call: &Call,
    key: &FlowKey,
    (made, label): (Made<'_>, Option<&str>),
) -> Result<Result<Entry, Refusal>, ApiError> {
    call.limit_network(None)?;
    if let Some(label) = label {
        check_label(label)?;
    }
    call.server.decide(|| take(call, key, made, label)).await
}

async fn take(call: &Call, key: &FlowKey, made: Made<'_>, label: Option<&str>) -> Result<Step, ApiError> {
    let (server, now) = (&call.server, call.server.now());
    let (row, id) = expected(call, key, made.kind()).await?;
    let (credential, mut changes) = match made {
        Made::Passkey(answer) => {
            let place =
                Place { realm: &row.realm, within: row.id.bytes(), user: Some(id), nameless_at: None, now };
            let (outcome, changes) = passkeys::enrol(server, &place, (answer, label)).await?;
            (outcome.map_err(Refusal::from), changes)
        }
        Made::Totp(ceremony, code) => totp(call, &row, (ceremony, id), (code, label)).await?,
    };
    let credential = match credential {
        Ok(credential) => credential,
        Err(refusal) => return Ok((Err(refusal), changes)),
    };
    let user = match server.store.user(id).await? {
        Some(user) => Some(user),
        // The mailbox may be somebody's by now.
        None => match flow::open(server, &row)?.address()? {
            Some(address) => user_of(server, &row.realm, &address).await?,
            None => None,
        },
    };
    let owner = user.clone().unwrap_or_else(|| User {
        id,
        realm: row.realm.clone(),
        status: UserStatus::Active,
        sealed_profile: None,
        created_at: now,
        signed_in_at: NEVER,
        version: 0,
    });
    let (assurance, proven) = (Assurance::of(credential.kind.method(), now), row.methods);
    let (outcome, followed) =
        follow(call, row, Proof { user, assurance, trusts: false }, Changes::default()).await?;
    if let Ok(Entry::SignedIn(_)) = &outcome {
        changes.extend(followed);
        changes.extend(added_too(server, Some(&call.app), (&owner, proven), credential).await?);
        // What was under way with fewer factors is over.
        changes.push(FlowChange::Dropped(id).into());
        return Ok((outcome, changes));
    }
    // Nobody gets a credential by a sign-in that it does not complete.
    let refusal = outcome.err().unwrap_or(Refusal::MethodNotOffered);
    Ok((Err(refusal), changes))
}

/// What the first code makes of a TOTP that waits for it.
async fn totp(
    call: &Call,
    row: &PendingSignIn,
    (ceremony, user): (CeremonyId, UserId),
    (code, label): (&str, Option<&str>),
) -> Result<(Result<Credential, Refusal>, Changes), ApiError> {
    let server = &call.server;
    let Some(enrolment) = Enrolment::find(server, within(row, user), ceremony).await? else {
        return Ok((Err(Refusal::CeremonyOver), Changes::default()));
    };
    let (confirmed, changes) = enrolment.answer(server, code, server.now())?;
    Ok(match confirmed {
        Confirmed::Right(step) => (Ok(enrolment.credential(server, (step, label))?), changes),
        Confirmed::Wrong(tries_left) => (Err(Refusal::InvalidCode { tries_left }), changes),
    })
}

fn within(row: &PendingSignIn, user: UserId) -> Within<'_> {
    Within { realm: &row.realm, id: row.id.bytes(), user }
}

/// The sign-in, and who makes a credential of this kind, if one is to be made.
async fn expected(
    call: &Call,
    key: &FlowKey,
    kind: CredentialKind,
) -> Result<(PendingSignIn, UserId), ApiError> {
    let row = flow::find(&call.server, &call.app, key, call.server.now()).await?;
    let is_wanted = matches!(verdict_of(call, &row).await?, Verdict::Enrol(kinds) if kinds.contains(&kind));
    let Some(user) = known(&row).filter(|_| is_wanted) else {
        return Err(ApiError::Refused(Refusal::MethodNotOffered));
    };
    let is_fresh = row.proven_at.is_some_and(|proven_at| is_fresh(proven_at, call.server.now()));
    if is_fresh { Ok((row, user)) } else { Err(ApiError::NotFresh) }
}

/// What the person is called by authenticators; somebody new, what they began with.
async fn names(call: &Call, row: &PendingSignIn, user: UserId) -> Result<Names, ApiError> {
    if let Some(user) = call.server.store.user(user).await? {
        return passkeys::register::names(&call.server, &user).await;
    }
    let name = flow::open(&call.server, row)?.email.unwrap_or_default();
    Ok(Names { display_name: name.clone(), name })
}
