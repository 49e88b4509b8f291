//! A sign-in that is under way, between the rules and the store: what its row says, who may go on with it, what follows
//! from a proof. It knows no routes, and how each method is proven only by name.

use countersign_domain::{
    app::App,
    assurance::{Assurance, Level, Method, Methods},
    changes::{Changes, FlowChange},
    id::{SignInId, UserId},
    identifier::EmailAddress,
    pending_sign_in::{self, PendingSignIn},
    policy::{Holdings, Policy, Verdict},
    realm::RealmName,
    refusal::Refusal,
    session::Session,
    time::Timestamp,
    token::SecretToken,
    vault::Vault as _,
};
use serde::{Deserialize, Serialize};

use crate::{
    call::Call,
    credentials::{self, is_fresh},
    error::ApiError,
    keys::Context,
    state::Server,
    system::CLOCK_SKEW,
};

/// What a client presents to go on.
#[derive(Clone, Debug)]
pub struct FlowKey {
    /// The sign-in.
    pub id: SignInId,
    /// Ties it to the client that began it.
    pub binding: SecretToken,
}

/// What is remembered of a sign-in beside what the rules look at. Sealed as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Said {
    /// The mailbox of who is said to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The username of who is said to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The challenge that was mailed there, and its binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<(String, String)>,
}

impl Said {
    /// The mailbox of who is said to sign in.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it does not read.
    pub fn address(&self) -> Result<Option<EmailAddress>, ApiError> {
        self.email.as_deref().map(EmailAddress::parse).transpose().map_err(|_| ApiError::Internal)
    }
}

/// A sign-in that goes on, and how.
#[derive(Debug)]
pub struct Pending {
    /// As it is kept.
    pub row: PendingSignIn,
    /// What must follow.
    pub verdict: Verdict,
    /// Its binding, where it began just now: for the one answer that carries it.
    pub binding: Option<SecretToken>,
}

impl Server {
    /// What a sign-in to an app takes.
    #[must_use]
    pub fn policy(&self, app: &App) -> Policy {
        let is_strict = self.config.load().is_strict();
        self.realm(&app.realm).policy.of_app(app.accounts.as_ref(), is_strict)
    }

    /// What a user could prove beside their mailbox. Somebody who is not there costs the same reads.
    ///
    /// # Errors
    /// The store's.
    pub async fn holdings(&self, realm: &RealmName, user: UserId) -> Result<Holdings, ApiError> {
        let kinds = self.store.credential_kinds(user).await?;
        let methods = credentials::owned(self, (realm, user), kinds).await?;
        Ok(Holdings { methods, is_trusted: false })
    }
}

/// What a user could prove who calls from here: the browser may be one that they trust.
///
/// # Errors
/// The store's.
pub async fn holdings(call: &Call, policy: &Policy, user: UserId) -> Result<Holdings, ApiError> {
    let (server, now) = (&call.server, call.server.now());
    let device = named_device(call).await?;
    let is_trusted =
        device.is_some_and(|(device, is_held)| is_held && device.is_trusted(user, policy.trust, now));
    Ok(Holdings { is_trusted, ..server.holdings(&call.app.realm, user).await? })
}

/// The trusted device whose cookie came along, and whether its secret is the newest. Whose it is, and whether it is over,
/// is not looked at.
///
/// # Errors
/// The store's.
pub async fn named_device(call: &Call) -> Result<Option<(Session, bool)>, ApiError> {
    let Some(cookie) = &call.device_cookie else { return Ok(None) };
    let found = call.server.store.session(cookie.id).await?.filter(Session::is_device);
    Ok(found.map(|device| {
        let is_held = device.is_device_held_by(&cookie.secret, &call.server.keys);
        (device, is_held)
    }))
}

/// What a proof leads to in a sign-in: with what assurance it is enough, or what must follow.
#[derive(Debug)]
pub struct Judged {
    /// Everything that is proven by now.
    pub assurance: Assurance,
    /// What follows.
    pub verdict: Verdict,
}

/// Judges one more proof of somebody who has `holdings`.
///
/// # Errors
/// [`Refusal::MethodNotOffered`] when it is a proof that was not asked for, or of somebody else.
pub fn judge(
    policy: &Policy,
    flow: Option<&PendingSignIn>,
    (user, holdings): (UserId, Holdings),
    (proof, now): (Assurance, Timestamp),
) -> Result<Judged, Refusal> {
    let asked = flow.map_or(Level::Mailbox, |flow| flow.asked);
    if flow.and_then(|flow| flow.user).is_some_and(|known| known != user) {
        return Err(Refusal::MethodNotOffered);
    }
    let before = flow.and_then(PendingSignIn::assurance);
    let proven = before.map_or(Methods::NONE, |before| before.methods);
    // A passkey whose authenticator did not ask for its PIN is worth a security key, where that is enough.
    let is_touched = |method: Method| method == Method::SecurityKey && !proven.is_empty();
    let is_offered = |method: Method| match policy.judge(proven, holdings, asked) {
        Verdict::Enough => true,
        Verdict::More(methods) => {
            methods.contains(&method) || is_touched(method) && methods.contains(&Method::Passkey)
        }
        Verdict::Enrol(kinds) => kinds.iter().any(|kind| kind.method() == method),
    };
    // Beside a name, where a device is registered: in a walk it never comes first.
    let is_named = flow.is_none() && policy.start.has(Method::Totp);
    // A security key that knows its person is no less than one that does not.
    let counts = |method: Method| {
        is_offered(method)
            || method == Method::Passkey && is_offered(Method::SecurityKey)
            || method == Method::Totp && is_named
    };
    if !proof.methods.iter().any(counts) {
        return Err(Refusal::MethodNotOffered);
    }
    let methods = proven.and(proof.methods);
    let proven_at = before.map_or(proof.proven_at, |before| before.proven_at.min(proof.proven_at));
    let verdict = policy.judge(methods, holdings, asked);
    if matches!(verdict, Verdict::Enrol(_)) && !is_fresh(proven_at, now) {
        // Whoever makes a factor shows first who they are: what was shown long ago is shown anew.
        let verdict = policy.judge(proof.methods, holdings, asked);
        return Ok(Judged { assurance: proof, verdict });
    }
    Ok(Judged { assurance: Assurance { methods, proven_at }, verdict })
}

/// What is written when a sign-in has to go on. Where none was under way, one begins.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn go_on(
    call: &Call,
    flow: Option<PendingSignIn>,
    (user, address): (UserId, Option<&EmailAddress>),
    judged: Judged,
) -> Result<(Pending, Changes), ApiError> {
    let (mut row, binding) = match flow {
        Some(row) => (row, None),
        None => {
            let email = address.map(|address| address.canonical().to_owned());
            let said = Said { email, ..Said::default() };
            let (row, binding) = fresh(call, &said, Level::Mailbox)?;
            (row, Some(binding))
        }
    };
    row.user = Some(user);
    row.methods = judged.assurance.methods;
    row.proven_at = Some(judged.assurance.proven_at);
    let changes = Changes(vec![FlowChange::Saved(row.clone()).into()]);
    Ok((Pending { row, verdict: judged.verdict, binding }, changes))
}

/// What is written when a sign-in has come to its session.
#[must_use]
pub fn end(row: &PendingSignIn) -> Changes {
    let kept = is_kept(row).then(|| FlowChange::Ended(row.id, row.version).into());
    Changes(kept.into_iter().collect())
}

/// Whether it is in the store: one without a name is not before its first proof.
#[must_use]
pub const fn is_kept(row: &PendingSignIn) -> bool {
    row.version > 0
}

/// A sign-in that begins now without a name, and its binding. It is not kept: whoever opens a page that offers passkeys
/// begins one, and nothing is known of them yet.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn nameless(call: &Call, asked: Level) -> Result<(PendingSignIn, SecretToken), ApiError> {
    let id = SignInId::new(call.now, &mut *call.random());
    let binding = call.server.keys.nameless_binding(id, &call.app, asked);
    Ok((begun(&call.server, &call.app, (id, &binding), (&Said::default(), asked))?, binding))
}

/// The sign-in without a name that was begun with this id and binding. It is the same again after it came to a session:
/// that takes another proof, as a new one would.
fn nameless_of(
    server: &Server,
    app: &App,
    key: &FlowKey,
    now: Timestamp,
) -> Result<Option<PendingSignIn>, ApiError> {
    if key.id.made_at() > now + CLOCK_SKEW {
        return Ok(None);
    }
    let held = server.keys.binding(&key.binding);
    let is_theirs = |asked: &Level| {
        let binding = server.keys.nameless_binding(key.id, app, *asked);
        server.keys.binding(&binding) == held
    };
    let asked = Level::ALL.into_iter().find(is_theirs);
    asked.map(|asked| begun(server, app, (key.id, &key.binding), (&Said::default(), asked))).transpose()
}

/// A sign-in that begins now, and its binding.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn fresh(call: &Call, said: &Said, asked: Level) -> Result<(PendingSignIn, SecretToken), ApiError> {
    let mut random = call.random();
    let (id, binding) = (SignInId::new(call.now, &mut *random), SecretToken::draw(&mut *random));
    Ok((begun(&call.server, &call.app, (id, &binding), (said, asked))?, binding))
}

/// As a sign-in is when it begins, which its id says.
fn begun(
    server: &Server,
    app: &App,
    (id, binding): (SignInId, &SecretToken),
    (said, asked): (&Said, Level),
) -> Result<PendingSignIn, ApiError> {
    let created_at = id.made_at();
    let mut row = PendingSignIn {
        id,
        realm: app.realm.clone(),
        app: app.name.clone(),
        user: None,
        binding: server.keys.binding(binding),
        methods: Methods::NONE,
        proven_at: None,
        asked,
        sealed: Vec::new(),
        created_at,
        expires_at: created_at + pending_sign_in::LIFE,
        version: 0,
    };
    seal(server, &mut row, said)?;
    Ok(row)
}

/// The sign-in under way that a client has the binding of.
///
/// # Errors
/// [`Refusal::SignInOver`] whatever is wrong with it; the store's.
pub async fn find(
    server: &Server,
    app: &App,
    key: &FlowKey,
    now: Timestamp,
) -> Result<PendingSignIn, ApiError> {
    let found = match server.store.pending_sign_in(key.id).await? {
        Some(row) => Some(row),
        None => nameless_of(server, app, key, now)?,
    };
    let is_theirs = |row: &PendingSignIn| {
        row.app == app.name && row.realm == app.realm && row.binding == server.keys.binding(&key.binding)
    };
    found.filter(|row| is_theirs(row) && row.is_live(now)).ok_or(ApiError::Refused(Refusal::SignInOver))
}

fn place(id: &SignInId) -> Context<'_> {
    Context { table: "pending_sign_in", column: "sealed", id: id.bytes() }
}

/// What is remembered of a sign-in.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open(server: &Server, row: &PendingSignIn) -> Result<Said, ApiError> {
    let opened = server.keys.open(&place(&row.id), &row.sealed).map_err(|_| ApiError::Internal)?;
    serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)
}

/// Remembers something else of a sign-in.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal(server: &Server, row: &mut PendingSignIn, said: &Said) -> Result<(), ApiError> {
    let json = serde_json::to_vec(said).map_err(|_| ApiError::Internal)?;
    let sealed = server.keys.realm(&row.realm).seal(&mut *server.random(), &place(&row.id), &json);
    row.sealed = sealed.map_err(|_| ApiError::Internal)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p17_a_passkey_without_its_pin_is_worth_a_security_key_where_that_is_enough() {
        let held = Methods::NONE.with(Method::Passkey);
        let at = Timestamp::from_millis(1);
        let mut row = PendingSignIn {
            id: SignInId::from_bytes([1; 16]),
            realm: "default".parse().unwrap(),
            app: "club".parse().unwrap(),
            user: Some(UserId::from_bytes([2; 16])),
            binding: countersign_domain::secret::Digest::new([0; 32]),
            methods: Methods::NONE,
            proven_at: None,
            asked: Level::Mailbox,
            sealed: Vec::new(),
            created_at: at,
            expires_at: at,
            version: 0,
        };
        let user = (UserId::from_bytes([2; 16]), Holdings { methods: held, ..Holdings::default() });
        let touched = Assurance::of(Method::SecurityKey, at);
        let judge = |row: &PendingSignIn, least: Level| {
            let policy = Policy { least, ..Policy::default() };
            super::judge(&policy, Some(row), user, (touched, at)).map(|judged| judged.verdict)
        };
        assert_eq!(judge(&row, Level::Mailbox), Err(Refusal::MethodNotOffered), "nobody has said who it is");
        row.methods = Methods::NONE.with(Method::Code);
        row.proven_at = Some(at);
        assert_eq!(judge(&row, Level::Mailbox), Ok(Verdict::Enough));
        assert_eq!(judge(&row, Level::Aal1), Ok(Verdict::Enough));
        assert_eq!(judge(&row, Level::Aal2), Ok(Verdict::More(vec![Method::Passkey])));
        let other = (user.0, Holdings { methods: Methods::NONE.with(Method::Totp), ..Holdings::default() });
        let refused = super::judge(&Policy::default(), Some(&row), other, (touched, at));
        assert_eq!(refused.map(|judged| judged.verdict), Err(Refusal::MethodNotOffered));
    }
}
