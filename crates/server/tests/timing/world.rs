//! A server in memory whose clock stands still, and people who are put straight into its store: ten thousand of them
//! could not all be made by asking.

use std::{cell::RefCell, sync::Arc};

use axum::body::Body;
use countersign_domain::{
    app::AppName,
    challenge::{Challenge, Purpose, State},
    changes::{Change, Changes},
    code::Code,
    contact::{Contact, ContactKey},
    id::ChallengeId,
    identifier::EmailAddress,
    random::Random as _,
    secret::Digest,
    subject::Sector,
    testing::Seeded,
    time::{Span, Timestamp},
    token::SecretToken,
    vault::Vault as _,
};
use countersign_server::{
    config::{AppSettings, Config, Part},
    keys::RootKey,
    service::Service,
    state::Server,
    wiring,
};
use countersign_store::{Store, sqlite::Sqlite};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::{
    fixed::{SeededEntropy, TestClock},
    settings,
};

/// The app whose server asks.
pub(crate) const APP: &str = "shop";
/// An app whose tokens are signed with a shared secret.
pub(crate) const MAC_APP: &str = "old";

pub(crate) struct World {
    pub(crate) server: Arc<Server>,
    service: Service,
    random: RefCell<Seeded>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, set otherwise.
    pub(crate) async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = settings::config();
        let shared = AppSettings { token_algorithm: Some("HS256".to_owned()), ..settings::app(MAC_APP) };
        config.apps.push(shared);
        for app in &mut config.apps {
            app.messages_per_day = Some(u32::MAX);
        }
        config.limits.messages_per_day = u32::MAX;
        set(&mut config);
        let store = Store::new(Arc::new(Sqlite::memory().unwrap()));
        store.migrate().await.unwrap();
        let system = (TestClock::new() as _, Arc::new(SeededEntropy::new(1)) as _);
        let root = RootKey::generate(&mut Seeded::new(7));
        let server = wiring::assemble(config, store, &root, system).await.unwrap();
        let service = wiring::service(&server, &[Part::Public]);
        Self { server, service, random: RefCell::new(Seeded::new(34)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.server.now()
    }

    /// An address that nobody has used; all are equally long.
    pub(crate) fn stranger(&self) -> EmailAddress {
        let number = u64::from_be_bytes(self.random.borrow_mut().bytes());
        EmailAddress::parse(&format!("person-{number:016x}@mail.example")).unwrap()
    }

    /// The counters of somebody at an app, or at all apps together, who was last written to two hours ago.
    pub(crate) fn contact(&self, app: Option<&str>, address: &EmailAddress) -> Contact {
        let app: Option<AppName> = app.map(|app| app.parse().unwrap());
        let digest = self.server.keys.contact(app.as_ref(), address);
        let mut contact = Contact::fresh(ContactKey { app, digest });
        contact.note_send(Timestamp::from_millis(self.now().millis() - Span::from_hours(2).millis()));
        contact
    }

    /// A challenge of somebody that waits for `code`.
    pub(crate) fn challenge(&self, app: &str, person: Digest, address: &EmailAddress) -> Challenge {
        let mut random = self.random.borrow_mut();
        let (now, keys) = (self.now(), &self.server.keys);
        let id = ChallengeId::new(now, &mut *random);
        let app: AppName = app.parse().unwrap();
        Challenge {
            id,
            contact: person,
            purpose: Purpose::SignIn,
            state: State::Pending { tries: 5, link_tries: 2 },
            subject: keys.subject(&Sector::App(app.clone()), address),
            app,
            code: Some(keys.code(id, &Code::parse("123456").unwrap())),
            link: None,
            binding: keys.binding(&binding()),
            confirmation: 42,
            sealed_address: None,
            sealed_origin: None,
            created_at: now,
            expires_at: now + Span::from_minutes(10),
            keep_until: now + Span::from_hours(1),
            version: 1,
        }
    }

    /// Puts all of it into the store.
    pub(crate) async fn keep(&self, changes: Vec<Change>) {
        self.server.store.commit(Changes(changes)).await.unwrap();
    }

    /// An id that was never given out.
    pub(crate) fn unused_id(&self) -> ChallengeId {
        ChallengeId::new(self.now(), &mut *self.random.borrow_mut())
    }

    /// Sends a request and reads all of its answer.
    pub(crate) async fn answer(&self, request: Request<Body>) -> (u16, Vec<u8>) {
        let (parts, body) = self.service.answer(request).await.into_parts();
        (parts.status.as_u16(), body.collect().await.unwrap().to_bytes().to_vec())
    }
}

/// The binding of every challenge here.
pub(crate) fn binding() -> SecretToken {
    SecretToken::draw(&mut Seeded::new(56))
}

/// A request of the app's server.
pub(crate) fn post(path: &str, body: &Value) -> Request<Body> {
    request(Method::POST, path, &settings::secret_key(APP), body.to_string())
}

/// A request with any Bearer credential.
pub(crate) fn request(method: Method, path: &str, credential: &str, body: String) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {credential}"))
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap()
}
