//! A sign-in with a browser that the person has not signed in with before: they are told, with a link that ends it. Who
//! signed in with a browser is known from a cookie that it holds, and from nothing that is kept here.

use countersign_domain::{
    changes::{Change, Changes},
    id::UserId,
    secret::Digest,
    session::Session,
    time::Span,
    token::SecretToken,
    undo::{SIGN_IN_UNDO, Undo, UndoKind},
    user::User,
};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue};

use crate::{
    call::Call,
    config::CookieKind,
    cookie,
    erasure::draw_undo,
    error::ApiError,
    keys::Context,
    outbox::{Notice, notice::Link},
    state::Server,
    vault::Keys,
};

/// What one browser is known by, one or two for each person; a further one takes the place of who came longest ago.
const MOST_PEOPLE: usize = 6;
/// For how long a browser is known after a sign-in.
const LIFE: Span = Span::from_hours(365 * 24);

/// Who signed in with a browser before, as it tells by its cookie: a token of its own, and a keyed digest of that and
/// each person. Nobody but this server can tell whose they are, or make one.
#[derive(Clone)]
pub struct KnownBrowser {
    token: SecretToken,
    /// Who came last is the first.
    people: Vec<Digest>,
}

impl KnownBrowser {
    /// What came with a request. A cookie that does not read counts as none.
    #[must_use]
    pub fn of(headers: &HeaderMap, server: &Server) -> Option<Self> {
        let name = server.config.load().cookies.name(CookieKind::KnownBrowser);
        Self::read(&cookie::value(headers, &name)?)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let token = SecretToken::parse(parts.next()?).ok()?;
        let people: Option<Vec<Digest>> = parts.take(MOST_PEOPLE).map(read_digest).collect();
        Some(Self { token, people: people? })
    }

    fn text(&self) -> String {
        let mut text = self.token.expose().to_owned();
        for person in &self.people {
            text.push('.');
            text.push_str(&BASE64URL_NOPAD.encode(person.bytes()));
        }
        text
    }

    fn knows(&self, keys: &Keys, user: UserId) -> bool {
        self.known_as(keys, user).is_some()
    }

    /// Which of a person's browsers this is; none where they never signed in with it.
    #[must_use]
    pub fn known_as(&self, keys: &Keys, user: UserId) -> Option<Digest> {
        let digest = keys.known_browser(&self.token, user);
        self.people.contains(&digest).then_some(digest)
    }

    /// The same where the person showed a second factor with it. Whoever reads a mailbox makes many browsers known, and
    /// none of them so.
    #[must_use]
    pub fn proven_as(&self, keys: &Keys, user: UserId) -> Option<Digest> {
        let digest = keys.proven_browser(&self.token, user);
        self.people.contains(&digest).then_some(digest)
    }

    fn with(mut self, keys: &Keys, user: UserId, has_factor: bool) -> Self {
        let is_proven = has_factor || self.proven_as(keys, user).is_some();
        let known = keys.known_browser(&self.token, user);
        let proven = is_proven.then(|| keys.proven_browser(&self.token, user));
        for digest in proven.into_iter().chain([known]) {
            self.people.retain(|person| *person != digest);
            self.people.insert(0, digest);
        }
        self.people.truncate(MOST_PEOPLE);
        self
    }
}

fn read_digest(text: &str) -> Option<Digest> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok().map(Digest::new)
}

/// Tells the person of a session that has just begun, unless the browser is known to be theirs, or their realm wants no
/// such mails. An app's server that signs people in shows no browser.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn tell(
    call: &Call,
    user: &User,
    session: &Session,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    let server = &call.server;
    let is_known = call.known_browser.as_ref().is_some_and(|browser| browser.knows(&server.keys, user.id));
    if call.is_secret() || is_known || !server.realm(&user.realm).new_device_mail {
        return Ok(());
    }
    let end = way_back(server, session, changes)?;
    let device = crate::pages::device(call.user_agent.as_deref().unwrap_or_default());
    server.tell_user(&call.app, user, &Notice::NewDevice { device, end }, changes).await
}

/// Tells the person of a device that was registered just now, whatever browser it is: it comes in without them.
///
/// # Errors
/// Those of [`tell`].
pub async fn tell_registered(
    call: &Call,
    user: &User,
    device: &Session,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    let (server, end) = (&call.server, way_back(&call.server, device, changes)?);
    // Not what whoever registered it calls it: that would be words of theirs in a mail of ours.
    let device = crate::pages::device(call.user_agent.as_deref().unwrap_or_default());
    server.tell_user(&call.app, user, &Notice::DeviceRegistered { device, end }, changes).await
}

/// A link that ends a session that has just begun.
fn way_back(server: &Server, session: &Session, changes: &mut Changes) -> Result<Link, ApiError> {
    let times = (session.created_at, session.created_at + SIGN_IN_UNDO);
    let (end, undo) = draw_undo(server, session.user, UndoKind::SignIn, times);
    let place = Context { table: "user_undo", column: "sealed", id: undo.link.bytes() };
    let sealed = server.keys.seal(&mut *server.random(), &place, session.id.bytes());
    let sealed = Some(sealed.map_err(|_| ApiError::Internal)?);
    changes.push(Change::UndoAdded(Undo { sealed, ..undo }));
    Ok(end)
}

/// `Set-Cookie` by which a browser is known after a sign-in; none where nobody is told of others.
#[must_use]
pub fn remember(call: &Call, session: &Session) -> Option<HeaderValue> {
    let server = &call.server;
    if call.is_secret() || !server.realm(&session.realm).new_device_mail {
        return None;
    }
    let fresh = || KnownBrowser { token: SecretToken::draw(&mut *call.random()), people: Vec::new() };
    let browser = call.known_browser.clone().unwrap_or_else(fresh).with(
        &server.keys,
        session.user,
        session.assurance.methods.has_second_factor(),
    );
    server.config.load().cookies.set(CookieKind::KnownBrowser, &browser.text(), LIFE)
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;
    use crate::keys::RootKey;

    #[test]
    fn p26_a_browser_is_known_to_the_last_people_and_its_cookie_is_of_no_use_in_another() {
        let keys = Keys::new(&RootKey::generate(&mut Seeded::new(1)));
        let browser =
            |seed| KnownBrowser { token: SecretToken::draw(&mut Seeded::new(seed)), people: Vec::new() };
        let people: Vec<UserId> = (1..=7).map(|number| UserId::from_bytes([number; 16])).collect();
        let mut known = browser(1);
        for person in people.iter().chain([&people[2]]) {
            assert!(!known.knows(&keys, *person) || *person == people[2]);
            known = known.with(&keys, *person, false);
            known = KnownBrowser::read(&known.text()).unwrap();
            assert!(known.knows(&keys, *person));
        }
        assert!(!known.knows(&keys, people[0]), "who came longest ago made room");
        assert_eq!(known.people.len(), MOST_PEOPLE);
        let moved = KnownBrowser { people: known.people.clone(), ..browser(2) };
        assert!(people.iter().all(|person| !moved.knows(&keys, *person)));
        let text = known.text();
        for bad in
            ["", ".", "x", &text[1..], &text[..text.len() - 1], &format!("{}.AAAA", known.token.expose())]
        {
            assert!(KnownBrowser::read(bad).is_none(), "{bad}");
        }
    }
}
