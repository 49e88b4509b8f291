//! Steps that prove what a person has beside a mailbox and a password: a passkey or security key, a TOTP, a recovery code.
//! What a proof is worth is the policy's to say.

use countersign_domain::{
    assurance::{Assurance, Method},
    changes::{Changes, FlowChange},
    event::EventKind,
    id::UserId,
    identifier::EmailAddress,
    pending_sign_in::PendingSignIn,
    policy::Verdict,
    refusal::Refusal,
    user::{IdentifierKind, User},
};
use http::StatusCode;
use serde_json::Value;

use super::{SignInBody, body_of, verdict_of};
use crate::{
    accounts::{Entry, Evidence, authentication, begin, primary_address, tell_session, user_of},
    api::{Answer, answer, username},
    call::Call,
    credentials::event,
    error::ApiError,
    flow::{self, FlowKey, Pending},
    passkeys::{self, Asking, AuthenticationResponse, Place, begin_authentication},
    second_factors::{self, Attempt, window},
};

/// What a step led to, before it is written.
pub(super) type Step = (Result<Entry, Refusal>, Changes);

/// What was proven in a step.
pub(super) struct Proof {
    /// By whom; none for somebody new.
    pub(super) user: Option<User>,
    /// How and when.
    pub(super) assurance: Assurance,
    /// Whether they want the browser to be trusted.
    pub(super) trusts: bool,
}

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed<'a> {
    /// A code that an app shows.
    Totp(&'a str),
    /// A recovery code.
    RecoveryCode(&'a str),
}

impl Typed<'_> {
    const fn method(self) -> Method {
        match self {
            Self::Totp(_) => Method::Totp,
            Self::RecoveryCode(_) => Method::RecoveryCode,
        }
    }
}

/// Asks for a signature by a passkey or security key.
pub(super) async fn passkey_options(call: &Call, key: &FlowKey) -> Answer<SignInBody> {
    call.limit_network(None)?;
    let server = &call.server;
    let row = flow::find(server, &call.app, key, call.now).await?;
    let verdict = offered(call, &row, &[Method::Passkey, Method::SecurityKey]).await?;
    let options = if flow::is_kept(&row) {
        ask_for_signature(call, &row).await?
    } else {
        passkeys::begin_nameless(server, (&row.realm, row.id.bytes()), &call.app)?
    };
    let mut body = body_of(call, &Pending { row, verdict, binding: None });
    body.passkey = Some(options);
    Ok(answer(StatusCode::ACCEPTED, body))
}

/// Asks for a signature in a sign-in that is kept, and keeps the question.
async fn ask_for_signature(call: &Call, row: &PendingSignIn) -> Result<Value, ApiError> {
    let server = &call.server;
    // Nothing tells a person who is known from one who is not before a first proof.
    let user = known(row);
    let credentials = match user {
        Some(user) => server.store.credentials_of(user).await?,
        None => Vec::new(),
    };
    let asking = Asking {
        realm: &row.realm,
        within: row.id.bytes(),
        app: Some(&call.app),
        user,
        credentials: &credentials,
    };
    let (question, options) = begin_authentication(server, &asking)?;
    server.commit(Changes(vec![FlowChange::Asked(question).into()])).await?;
    Ok(options)
}

/// Takes the signature of a passkey or security key.
pub(super) async fn passkey(
    call: &Call,
    key: &FlowKey,
    (signature, trusts): (&AuthenticationResponse, bool),
) -> Result<Result<Entry, Refusal>, ApiError> {
    call.limit_network(None)?;
    call.server.decide(|| take_signature(call, key, (signature, trusts))).await
}

async fn take_signature(
    call: &Call,
    key: &FlowKey,
    (signature, trusts): (&AuthenticationResponse, bool),
) -> Result<Step, ApiError> {
    let (server, app, now) = (&call.server, &call.app, call.server.now());
    let row = flow::find(server, app, key, now).await?;
    offered(call, &row, &[Method::Passkey, Method::SecurityKey]).await?;
    let nameless_at = (!flow::is_kept(&row)).then_some(&**app);
    let place = Place { realm: &row.realm, within: row.id.bytes(), user: known(&row), nameless_at, now };
    let (outcome, mut changes) = passkeys::prove(server, &place, signature).await?;
    let proven = match outcome {
        Ok(proven) if is_about(call, &row, proven.user.id).await? => proven,
        Ok(_) => return Ok((Err(Refusal::InvalidPasskey), changes)),
        Err(fault) => {
            // What answers no question is no attempt.
            if !changes.is_empty() {
                let failed = authentication(EventKind::CredentialFailed, app, Method::Passkey).failed();
                changes.push(known(&row).map_or(failed.clone(), |user| failed.of_user(user)).into());
            }
            return Ok((Err(fault.into()), changes));
        }
    };
    changes.push(event(EventKind::CredentialPassed, Some(app), &proven.credential).into());
    let proof = Proof { user: Some(proven.user.clone()), assurance: proven.assurance(), trusts };
    follow(call, row, proof, changes).await
}

/// Takes a TOTP or a recovery code.
pub(super) async fn typed(
    call: &Call,
    key: &FlowKey,
    (typed, trusts): (Typed<'_>, bool),
) -> Result<Result<Entry, Refusal>, ApiError> {
    call.limit_network(None)?;
    let server = &call.server;
    let row = flow::find(server, &call.app, key, call.now).await?;
    let user = user_under_way(call, &row, typed.method()).await?;
    let _lane = server.lanes.enter(&attempt(call, &user).counters(typed.method()).digest).await;
    let outcome = server.decide(|| take_typed(call, key, (typed, trusts))).await?;
    if outcome.is_err() {
        server.lanes.note_failure();
    }
    Ok(outcome)
}

async fn take_typed(
    call: &Call,
    key: &FlowKey,
    (typed, trusts): (Typed<'_>, bool),
) -> Result<Step, ApiError> {
    let row = flow::find(&call.server, &call.app, key, call.server.now()).await?;
    let user = user_under_way(call, &row, typed.method()).await?;
    let attempt = attempt(call, &user);
    let proven = match typed {
        Typed::Totp(code) => second_factors::prove(&attempt, code).await?,
        Typed::RecoveryCode(code) => second_factors::prove_recovery(&attempt, code).await?,
    };
    let assurance = Assurance::of(typed.method(), attempt.now);
    match proven.outcome {
        Ok(()) => {
            let proof = Proof { user: Some(user), assurance, trusts };
            follow(call, row, proof, proven.changes).await
        }
        Err(refusal) => Ok((Err(refusal), proven.changes)),
    }
}

fn attempt<'a>(call: &'a Call, user: &'a User) -> Attempt<'a> {
    let (server, app) = (&call.server, &call.app);
    let known = call.known_browser.as_ref();
    let known_browser = known.and_then(|browser| browser.proven_as(&server.keys, user.id));
    Attempt { server, app, user, known_browser, window: window(server), now: server.now() }
}

/// Who proves one thing more, which was asked for.
async fn user_under_way(call: &Call, row: &PendingSignIn, method: Method) -> Result<User, ApiError> {
    offered(call, row, &[method]).await?;
    let user = match known(row) {
        Some(user) => call.server.store.user(user).await?,
        None => None,
    };
    user.ok_or(ApiError::Refused(Refusal::SignInOver))
}

/// Who it is, from a first proof on.
pub(super) fn known(row: &PendingSignIn) -> Option<UserId> {
    row.user.filter(|_| !row.methods.is_empty())
}

/// What may come next, if one of these may.
pub(super) async fn offered(
    call: &Call,
    row: &PendingSignIn,
    methods: &[Method],
) -> Result<Verdict, ApiError> {
    let verdict = verdict_of(call, row).await?;
    let is_offered = |offers: &[Method]| offers.iter().any(|offer| methods.contains(offer));
    match &verdict {
        Verdict::More(offers) if is_offered(offers) => Ok(verdict),
        _ => Err(ApiError::Refused(Refusal::MethodNotOffered)),
    }
}

/// What follows from a proof that is right, told and to be written behind `changes`.
pub(super) async fn follow(
    call: &Call,
    row: PendingSignIn,
    Proof { user, assurance, trusts }: Proof,
    mut changes: Changes,
) -> Result<Step, ApiError> {
    // The app had accounts when the sign-in began.
    let accounts = call.app.accounts.as_ref().ok_or(ApiError::Refused(Refusal::SignInOver))?;
    let address = mailbox_of(call, &row, user.as_ref()).await?;
    let evidence = Evidence { assurance, address: address.as_ref(), flow: Some(row), trusts };
    let entered = begin(call, accounts, evidence, user).await?;
    match &entered.outcome {
        Ok(entry) => {
            changes.extend(entered.changes);
            if let Entry::SignedIn(signed_in) = entry {
                tell_session(call, signed_in, &mut changes);
            }
        }
        Err(_) => {
            let refused = authentication(EventKind::SignInRefused, &call.app, assurance.methods);
            changes.push(refused.failed().into());
        }
    }
    Ok((entered.outcome, changes))
}

/// The mailbox that a sign-in is known by: the one that it began with, as long as it is the user's, or their first.
async fn mailbox_of(
    call: &Call,
    row: &PendingSignIn,
    user: Option<&User>,
) -> Result<Option<EmailAddress>, ApiError> {
    let said = flow::open(&call.server, row)?.address()?;
    let Some(user) = user else { return Ok(said) };
    if let Some(address) = said {
        let owner = user_of(&call.server, &row.realm, &address).await?;
        if owner.is_some_and(|owner| owner.id == user.id) {
            return Ok(Some(address));
        }
    }
    primary_address(&call.server, user.id).await
}

/// Whether a sign-in that began with a name began with one of this user's: nobody comes in as somebody else than they
/// said.
async fn is_about(call: &Call, row: &PendingSignIn, user: UserId) -> Result<bool, ApiError> {
    let (server, said) = (&call.server, flow::open(&call.server, row)?);
    let owner = match (said.address()?, said.username) {
        (Some(address), _) => user_of(server, &row.realm, &address).await?,
        (None, Some(name)) => {
            let digest = server.keys.username(&row.realm, &username(&name)?);
            server.store.user_by_identifier(&row.realm, IdentifierKind::Username, digest).await?
        }
        (None, None) => return Ok(true),
    };
    Ok(owner.is_some_and(|owner| owner.id == user))
}
