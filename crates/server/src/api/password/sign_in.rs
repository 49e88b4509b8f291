//! `POST /v1/password/sign-in`: a name and a password become a session. Somebody who is not there costs the same reads,
//! the same hashing and the same write as somebody with another password.

use countersign_domain::{
    assurance::{Assurance, Method},
    changes::Changes,
    contact::Contact,
    event::{Event, EventKind},
    id::UserId,
    identifier::{EmailAddress, Username},
    password::Password,
    refusal::Refusal,
    secret::{Digest, Secret},
    user::{IdentifierKind, User},
    user_password::{self, UserPassword},
    vault::Vault as _,
};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    super::{Answer, challenge::TokenBody, mailbox, sign_in::answer_entry, start::EndUser, username},
    TRIES, typed,
};
use crate::{
    accounts::{Entry, Evidence, authentication, begin, held_session, primary_address, tell_sign_in},
    call::{Call, Json},
    error::ApiError,
    flow::{self, FlowKey},
    hashing::Hashing,
    passwords::Verdict,
    state::Server,
    user_passwords::{Budget, counters, of_app, save},
};

/// Who signs in, and with what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordSignInBody {
    /// A mailbox of the person's. Either this or `username`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    /// Their username: capital letters and names that look alike are the same. Either this or `email`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    pub username: Option<String>,
    /// The password, as it was typed.
    #[schema(value_type = String, min_length = 1, max_length = 1024)]
    pub password: Zeroizing<String>,
    /// Who asked, as the app's server saw them: for limits. Secret keys only.
    #[serde(default)]
    pub end_user: Option<EndUser>,
}

/// By which name somebody signs in.
pub enum Name {
    /// A mailbox.
    Email(EmailAddress),
    /// A username.
    Username(Username),
}

/// What was read about the person who is said to sign in.
struct Person {
    user: Option<User>,
    password: Option<UserPassword>,
    contact: Contact,
}

/// What hashing said, and about which password.
struct Checked {
    which: Option<(UserId, i64)>,
    is_right: bool,
    /// The hash as it would be made now, where the one that is kept is another.
    anew: Option<Secret<String>>,
}

/// What a try ends in; none when the password was changed while it was checked.
type Outcome = Option<Result<Entry, Refusal>>;

/// Sign in with a password, where the app's realm has them.
#[utoipa::path(post, path = "/v1/password/sign-in", operation_id = "sign_in_with_password", tag = "passwords",
    request_body = PasswordSignInBody,
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 200, description = "What the proof is worth", body = TokenBody)))]
pub async fn sign_in(call: Call, Json(body, _): Json<PasswordSignInBody>) -> Answer<TokenBody> {
    let name = Name::of(&body)?;
    if !call.server.policy(&call.app).start.has(Method::Password) {
        return Err(ApiError::Refused(Refusal::MethodNotOffered));
    }
    let outcome = prove(&call, &name, &body.password, body.end_user.as_ref(), None).await?;
    finish(&call, outcome).await
}

/// Checks a password, for a sign-in of its own or one that is under way.
///
/// # Errors
/// What is wrong with the request; the store's. A wrong password is a refusal.
pub async fn prove(
    call: &Call,
    name: &Name,
    password: &str,
    end_user: Option<&EndUser>,
    flow: Option<&FlowKey>,
) -> Result<Result<Entry, Refusal>, ApiError> {
    if end_user.is_some() {
        call.secret_only()?;
    }
    let password = typed(password)?;
    let hashing = of_app(&call.server, &call.app)?;
    call.limit_network(end_user.and_then(|user| user.ip))?;
    let began = Instant::now();
    for _ in 0..TRIES {
        let person = find(call, name).await?;
        user_password::admit(&person.contact, call.server.now())?;
        let checked = &check(call, &hashing, &person, &password).await?;
        let lane = call.server.lanes.enter(&person.contact.key.digest).await;
        let outcome = call.server.decide(|| decide(call, name, checked, flow)).await?;
        drop(lane);
        if let Some(outcome) = outcome {
            if matches!(outcome, Err(Refusal::InvalidPassword)) {
                hashing.even_out(began).await;
            }
            return Ok(outcome);
        }
    }
    Err(ApiError::Unavailable)
}

impl Name {
    fn of(body: &PasswordSignInBody) -> Result<Self, ApiError> {
        Self::given(body.email.as_deref(), body.username.as_deref())
    }

    /// The name that a body has as `email` or as `username`.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] where there is none or both, or it does not read.
    pub(in crate::api) fn given(email: Option<&str>, name: Option<&str>) -> Result<Self, ApiError> {
        match (email, name) {
            (Some(address), None) => mailbox(address).map(Self::Email),
            (None, Some(name)) => username(name).map(Self::Username),
            _ => Err(ApiError::invalid("email", "expected either email or username")),
        }
    }

    /// What its user is found by.
    pub(in crate::api) fn key(&self, call: &Call) -> (IdentifierKind, Digest) {
        let (keys, realm) = (&call.server.keys, &call.app.realm);
        match self {
            Self::Email(address) => (IdentifierKind::Email, keys.identifier(realm, address)),
            Self::Username(name) => (IdentifierKind::Username, keys.username(realm, name)),
        }
    }

    /// The mailbox that the person is known by at apps that see them for the first time: the one that was named, else
    /// their primary one. Asked after the right password alone.
    pub(in crate::api) async fn mailbox(
        &self,
        server: &Server,
        user: UserId,
    ) -> Result<Option<EmailAddress>, ApiError> {
        match self {
            Self::Email(address) => Ok(Some(address.clone())),
            Self::Username(_) => primary_address(server, user).await,
        }
    }
}

/// Reads everything, in the same number of reads whoever it is. The password comes after the user: whoever changes it
/// writes the user too, so that no change in between is missed.
async fn find(call: &Call, name: &Name) -> Result<Person, ApiError> {
    let (server, realm) = (&call.server, &call.app.realm);
    let (kind, name) = name.key(call);
    let user = server.store.user_by_identifier(realm, kind, name).await?;
    let id = user.as_ref().map_or_else(|| UserId::new(server.now(), &mut *server.random()), |user| user.id);
    let password = server.store.password(id).await?;
    let session = match call.session_cookie.as_ref().filter(|_| !call.is_secret()) {
        Some(cookie) => held_session(server, cookie).await?,
        None => None,
    };
    let session = session.filter(|session| session.user == id && session.is_live(server.now()));
    let known = call.known_browser.as_ref().filter(|_| !call.is_secret());
    let known = known.and_then(|browser| browser.known_as(&server.keys, id));
    let budget = match (&user, session, &known) {
        (None, ..) => Budget::Nobody(&name),
        (Some(user), Some(session), _) => Budget::Browser(user.id, session.id),
        (Some(user), None, Some(known)) => Budget::KnownBrowser(user.id, known),
        (Some(user), None, None) => Budget::User(user.id),
    };
    let contact = server.store.contact(counters(&server.keys, realm, budget)).await?;
    Ok(Person { user, password, contact })
}

/// Hashes. A hash that is not as it would be made now is made anew, after the right password alone.
async fn check(
    call: &Call,
    hashing: &Hashing,
    person: &Person,
    password: &Password,
) -> Result<Checked, ApiError> {
    let verdict = hashing.check(&call.server.keys, password, person.password.as_ref()).await?;
    let anew = match verdict {
        // Where too many wait, the next sign-in will do.
        Verdict::Right { is_outdated: true } => hashing.hash(password, &mut *call.random()).await.ok(),
        _ => None,
    };
    Ok(Checked { which: which(person), is_right: verdict != Verdict::Wrong, anew })
}

fn which(person: &Person) -> Option<(UserId, i64)> {
    person.password.as_ref().map(|password| (password.user, password.version))
}

async fn decide(
    call: &Call,
    name: &Name,
    checked: &Checked,
    flow: Option<&FlowKey>,
) -> Result<(Outcome, Changes), ApiError> {
    let (server, app) = (&call.server, &call.app);
    let now = server.now();
    let flow = match flow {
        Some(key) => Some(flow::find(server, app, key, now).await?),
        None => None,
    };
    let person = find(call, name).await?;
    if which(&person) != checked.which {
        return Ok((None, Changes::default()));
    }
    let attempt = user_password::attempt(person.contact.clone(), checked.is_right, server.is_shared(), now);
    let mut changes = attempt.changes;
    let (user, password) = match (attempt.outcome, person.user, person.password) {
        (Ok(()), Some(user), Some(password)) => (user, password),
        (Ok(()), ..) => return Err(ApiError::Internal),
        (Err(refusal), ..) => {
            if !changes.is_empty() {
                changes
                    .push(told(call, EventKind::PasswordFailed, person.contact.key.digest).failed().into());
            }
            return Ok((Some(Err(refusal)), changes));
        }
    };
    let accounts = app.accounts.as_ref().ok_or(ApiError::PasswordsOff)?;
    let address = name.mailbox(server, user.id).await?;
    let assurance = Assurance::of(Method::Password, now);
    let evidence = Evidence { assurance, address: address.as_ref(), flow, trusts: false };
    let entered = begin(call, accounts, evidence, Some(user)).await?;
    if let Ok(entry) = &entered.outcome {
        changes.extend(entered.changes);
        match entry {
            Entry::SignedIn(signed_in) => {
                let passed = authentication(EventKind::PasswordPassed, app, Method::Password);
                tell_sign_in(call, signed_in, passed, &mut changes);
            }
            Entry::Pending(_) => {
                changes.push(told(call, EventKind::PasswordPassed, person.contact.key.digest).into());
            }
        }
        if let Some(hash) = &checked.anew {
            changes.push(save(server, password.user, Some(&password), hash, password.made_at)?);
        }
    }
    if entered.outcome.is_err() {
        let contact = person.contact.key.digest;
        changes.push(told(call, EventKind::PasswordPassed, contact).into());
        changes.push(told(call, EventKind::SignInRefused, contact).failed().into());
    }
    Ok((Some(entered.outcome), changes))
}

/// Something about who tried, by a pseudonym: a user's events cost more, and a stranger would learn that there is one.
fn told(call: &Call, kind: EventKind, contact: Digest) -> Event {
    authentication(kind, &call.app, Method::Password).of_contact(contact)
}

async fn finish(call: &Call, outcome: Result<Entry, Refusal>) -> Answer<TokenBody> {
    let entry = outcome.inspect_err(|_| call.server.metrics.refused_proof(&call.app))?;
    answer_entry(call, entry).await
}
