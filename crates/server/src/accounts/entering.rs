//! From what is proven to a session, or to what must be proven as well: everything that a sign-in reads, and the one
//! place where the policy is asked before a session begins.

use countersign_domain::{
    app::AccountPolicy,
    assurance::Assurance,
    changes::{Change, Changes, Decision},
    event::EventKind,
    id::{SessionId, UserId},
    identifier::EmailAddress,
    pending_sign_in::PendingSignIn,
    policy::{Policy, Verdict},
    random::Random,
    refusal::Refusal,
    session::{MOST_SESSIONS, Session},
    sign_in::{self, Known, SignIn, SignedIn, Wants},
    subject::Subject,
    time::Span,
    user::{NEVER, User, UserStatus},
    vault::Vault as _,
};

use super::{
    held_sessions, holds_tokens, invitation_of, new_device, registered_device, seal_device, seal_identifier,
    telling::{authentication, tell_endings},
};
use crate::{
    call::Call,
    error::ApiError,
    flow::{self, Pending},
    state::Server,
};

/// What a proof that is right leads to where an app has accounts.
#[derive(Debug)]
pub enum Entry {
    /// A session.
    SignedIn(Box<SignedIn>),
    /// Something else has to be proven as well.
    Pending(Box<Pending>),
}

/// What shows that a person is who they say.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// How and when it was shown.
    pub assurance: Assurance,
    /// The mailbox that it was shown for, or that the user is found by.
    pub address: Option<&'a EmailAddress>,
    /// The sign-in under way that it belongs to.
    pub flow: Option<PendingSignIn>,
    /// Whether the person wants this browser to be trusted, if the policy lets it.
    pub trusts: bool,
}

/// Reads and decides a sign-in of this user, or of a stranger who has the mailbox. A stranger costs a read more: both have
/// proven who they are by now, and are told which they are.
///
/// # Errors
/// The store's, or when memory fails.
pub async fn begin(
    call: &Call,
    accounts: &AccountPolicy,
    evidence: Evidence<'_>,
    user: Option<User>,
) -> Result<Decision<Result<Entry, Refusal>>, ApiError> {
    let (server, app) = (&call.server, &call.app);
    let now = server.now();
    let Evidence { mut assurance, address, flow, trusts } = evidence;
    let policy = server.policy(app);
    let under_way = flow.as_ref().and_then(|flow| flow.user);
    let Some(id) = who(server, user.as_ref(), under_way).await? else {
        return Ok(Decision { outcome: Err(Refusal::MethodNotOffered), changes: Changes::default() });
    };
    let holdings = flow::holdings(call, &policy, id).await?;
    let is_trusted = holdings.is_trusted;
    let subject = address.map_or_else(
        || server.keys.user_subject(&app.sector, id),
        |address| server.keys.subject(&app.sector, address),
    );
    let known = read_known(call, accounts, (id, user), (address, subject)).await?;
    if sign_in::admit(accounts, address, &known, now).is_ok() {
        match flow::judge(&policy, flow.as_ref(), (id, holdings), (assurance, now)) {
            Ok(judged) if judged.verdict == Verdict::Enough => assurance = judged.assurance,
            Ok(judged) => {
                let (pending, mut changes) = flow::go_on(call, flow, (id, address), judged)?;
                // Written as they are: whatever throws a stranger out at this moment is before or after it, not beside.
                changes.0.extend(known.user.map(Change::User));
                return Ok(Decision { outcome: Ok(Entry::Pending(Box::new(pending))), changes });
            }
            Err(refusal) => return Ok(Decision { outcome: Err(refusal), changes: Changes::default() }),
        }
    }
    let mut ending: Vec<Session> = known.sessions.iter().chain(&known.presented).cloned().collect();
    let erasing = known.user.clone().filter(|user| user.status == UserStatus::Erasing);
    // Who comes for the first time has no browser to be told about.
    let returning = known.user.clone().filter(|user| user.signed_in_at > NEVER);
    let is_own_session = known.presented.iter().any(|session| session.user == id);
    let mut decision = start_session(call, accounts, (assurance, address, subject), known)?;
    if let Some(user) = erasing {
        crate::erasure::remind(server, app, &user, &mut decision.changes).await?;
    }
    if let (Some(user), Ok(signed_in)) = (&returning, &decision.outcome) {
        tell_mailboxes(call, (user, is_own_session), &signed_in.session, &mut decision.changes).await?;
    }
    if let Ok(signed_in) = &mut decision.outcome {
        let named = flow::named_device(call).await?;
        ending.extend(named.iter().map(|(device, _)| device.clone()));
        carry_trust(call, (&policy, named), (trusts, is_trusted), signed_in, &mut decision.changes)?;
    }
    tell_endings(&ending, now, &mut decision.changes);
    if decision.outcome.is_ok() {
        decision.changes.extend(flow.map(|flow| flow::end(&flow)).unwrap_or_default());
    }
    let Decision { outcome, changes } = decision;
    Ok(Decision { outcome: outcome.map(|signed_in| Entry::SignedIn(Box::new(signed_in))), changes })
}

/// Who it is: a user, or somebody new who is on the way, or just begins. `None` where a stranger's mailbox would stand for a
/// user who is there, of whom it proves nothing.
async fn who(
    server: &Server,
    user: Option<&User>,
    under_way: Option<UserId>,
) -> Result<Option<UserId>, ApiError> {
    Ok(match (user, under_way) {
        (Some(user), _) => Some(user.id),
        (None, Some(id)) => server.store.user(id).await?.is_none().then_some(id),
        (None, None) => Some(UserId::new(server.now(), &mut *server.random())),
    })
}

/// Writes to a person that a device was registered, or that somebody signed in with a browser that is not known.
async fn tell_mailboxes(
    call: &Call,
    (user, is_own_session): (&User, bool),
    session: &Session,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    match (session.is_registered(), is_own_session) {
        (true, _) => new_device::tell_registered(call, user, session, changes).await,
        (false, false) => new_device::tell(call, user, session, changes).await,
        (false, true) => Ok(()),
    }
}

/// What becomes of the trust in a browser whose person has signed in: it is trusted from now on, or trusted on under another
/// secret where it stood in for a factor. One whose secret is not the newest is trusted no more: somebody else had a copy of
/// it and came first, or an answer was lost.
fn carry_trust(
    call: &Call,
    (policy, named): (&Policy, Option<(Session, bool)>),
    (trusts, stood_in): (bool, bool),
    signed_in: &mut SignedIn,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    let device = match named.filter(|(device, _)| device.user == signed_in.session.user) {
        Some((device, false)) => {
            changes.push(Change::SessionEnded(device.id));
            None
        }
        Some((device, true)) => Some(device),
        None => None,
    };
    match device {
        former if trusts => trust(call, policy, former, signed_in, changes)?,
        Some(device) if stood_in => trust_on(call, device, signed_in, changes),
        _ => {}
    }
    Ok(())
}

/// Trusts the browser of a sign-in with a second factor, in place of what it was trusted by before.
fn trust(
    call: &Call,
    policy: &Policy,
    former: Option<Session>,
    signed_in: &mut SignedIn,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    let (server, session) = (&call.server, &signed_in.session);
    if call.is_secret() || policy.trust <= Span::ZERO || !session.assurance.methods.has_second_factor() {
        return Ok(());
    }
    if let Some(former) = former {
        changes.push(Change::SessionEnded(former.id));
    }
    let mut random = server.random();
    let id = SessionId::new(server.now(), &mut *random);
    let name = seal_device_of(call, &mut *random, id)?;
    let (device, secret) = session.trust((id, name), policy.trust, &server.keys, &mut *random);
    changes.push(Change::SessionStarted(device.clone()));
    let told = authentication(EventKind::SessionStarted, &call.app, session.assurance.methods);
    let told = told.of_user(session.user).of_subject(session.subject).on(&id.to_string());
    changes.push(told.with("holder", device.holder.name().to_owned()).into());
    signed_in.device = Some((device, secret));
    Ok(())
}

/// Gives the browser that stood in for a factor another secret.
fn trust_on(call: &Call, device: Session, signed_in: &mut SignedIn, changes: &mut Changes) {
    // It may have made room for this very session.
    let is_ended = |change: &Change| matches!(change, Change::SessionEnded(id) if *id == device.id);
    if changes.0.iter().any(is_ended) {
        return;
    }
    let server = &call.server;
    let (device, secret) = device.trust_on(server.now(), &server.keys, &mut *server.random());
    changes.push(Change::Session(device.clone()));
    signed_in.device = Some((device, secret));
}

/// Everything about somebody that a sign-in looks at, and no more: in a large store each of these lies on pages of its own.
async fn read_known(
    call: &Call,
    accounts: &AccountPolicy,
    (id, user): (UserId, Option<User>),
    (address, subject_of_address): (Option<&EmailAddress>, Subject),
) -> Result<Known, ApiError> {
    let (store, sector) = (&call.server.store, call.server.keys.sector(&call.app.sector));
    let subject = store.user_subject(id, sector).await?.map(|found| found.subject);
    let is_device = call.registers.is_some();
    Ok(Known {
        user,
        id,
        subject,
        subject_owner: match subject {
            Some(_) => None,
            None => store.subject(subject_of_address).await?.map(|found| found.user),
        },
        sessions: match is_device || store.session_count(id).await? >= MOST_SESSIONS {
            true => store.sessions_of(id).await?,
            false => Vec::new(),
        },
        invitation: match address {
            Some(address) => invitation_of(call, accounts, address).await?,
            None => None,
        },
        presented: match (&call.registers, call.is_secret()) {
            (_, true) => Vec::new(),
            (None, false) => held_sessions(call).await?,
            (Some(_), false) => registered_device(call).await?.into_iter().collect(),
        },
    })
}

/// Decides about the session of somebody who has proven enough.
fn start_session(
    call: &Call,
    accounts: &AccountPolicy,
    (assurance, address, subject): (Assurance, Option<&EmailAddress>, Subject),
    known: Known,
) -> Result<Decision<Result<SignedIn, Refusal>>, ApiError> {
    let (server, app) = (&call.server, &call.app);
    let now = server.now();
    let mut random = server.random();
    let session = SessionId::new(now, &mut *random);
    let realm = server.realm(&app.realm);
    let (wants, life) = match &call.registers {
        Some(_) => (Wants::Device, realm.device.life()),
        None if call.is_secret() || holds_tokens(call) => (Wants::RefreshToken, realm.session),
        None => (Wants::Cookie, realm.session),
    };
    let asked = SignIn {
        app,
        accounts,
        policy: &life,
        assurance,
        subject,
        address,
        sealed_identifier: match address {
            Some(address) => seal_identifier(server, &mut *random, &app.realm, address)?,
            None => Vec::new(),
        },
        wants,
        sealed_device: seal_device_of(call, &mut *random, session)?,
        session,
        now,
    };
    Ok(sign_in::sign_in(asked, known, &server.keys, &mut *random))
}

/// The name of the device that a call comes from, sealed for its session: what the person calls it, or what its browser
/// is.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_device_of(
    call: &Call,
    random: &mut dyn Random,
    session: SessionId,
) -> Result<Option<Vec<u8>>, ApiError> {
    let place = (&call.app.realm, session);
    if let Some(label) = call.registers.as_ref().and_then(|registration| registration.label.as_deref()) {
        return seal_device(&call.server, random, place, label).map(Some);
    }
    // Behind a secret key it is the app's server that calls.
    let Some(agent) = call.user_agent.as_deref().filter(|_| !call.is_secret()) else { return Ok(None) };
    seal_device(&call.server, random, place, &crate::pages::device(agent)).map(Some)
}
