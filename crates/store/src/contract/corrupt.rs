//! Rows that this program cannot have written: an error that names table and column, never a panic.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    algorithm::Algorithm,
    api_key::{ApiKey, ApiKeyKind},
    changes::{Change, FlowChange, Idempotency},
    id::{ApiKeyId, TokenId},
    realm::RealmName,
    signing_key::{Owner, StoredKey},
    stored_app::StoredApp,
    testing::Seeded,
    token::{Revocation, RevocationTarget},
    user_password::{PasswordWish, UserPassword},
};

use super::credential::{ceremony, passkey, pending};
use super::sample::{self, NOW, after, digest, save};
use crate::{
    Error, Rows, Store,
    engine::{Statement, Value},
    sql,
};

/// Table, column that is told, what is set, and to what.
type Case = (&'static str, &'static str, &'static str, Value);

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn bytes(length: usize) -> Value {
    Value::Bytes(vec![1; length])
}

fn cases() -> Vec<Case> {
    let mut cases = cases_of_challenges();
    cases.extend(cases_of_people());
    cases.extend(cases_of_apps());
    cases
}

fn cases_of_challenges() -> Vec<Case> {
    let number = Value::Integer;
    vec![
        ("challenge", "app", "UPDATE challenge SET app = ?", text("-")),
        ("challenge", "contact", "UPDATE challenge SET contact = ?", bytes(31)),
        ("challenge", "purpose", "UPDATE challenge SET purpose = ?", text("fun")),
        ("challenge", "state", "UPDATE challenge SET state = ?", text("odd")),
        ("challenge", "state", "UPDATE challenge SET state = ?", text("passed")),
        ("challenge", "state", "UPDATE challenge SET proven_at = ?", number(1)),
        ("challenge", "subject", "UPDATE challenge SET subject = ?", bytes(0)),
        ("challenge", "code_digest", "UPDATE challenge SET code_digest = ?", bytes(33)),
        ("challenge", "link_digest", "UPDATE challenge SET link_digest = ?", bytes(1)),
        ("challenge", "binding_digest", "UPDATE challenge SET binding_digest = ?", bytes(31)),
        ("challenge", "confirmation", "UPDATE challenge SET confirmation = ?", number(256)),
        ("challenge", "tries", "UPDATE challenge SET tries = ?", number(-1)),
        ("challenge", "link_tries", "UPDATE challenge SET link_tries = ?", number(1 << 32)),
        ("contact", "sends", "UPDATE contact SET sends = ?", bytes(9)),
        ("contact", "failures", "UPDATE contact SET failures = ?", bytes(13)),
        ("contact", "failures_in_a_row", "UPDATE contact SET failures_in_a_row = ?", number(-1)),
        ("contact", "live", "UPDATE contact SET live = ?", bytes(15)),
        ("message", "id", "UPDATE message SET id = ?", bytes(15)),
        ("message", "app", "UPDATE message SET app = ?", text("A")),
        ("message", "deliver", "UPDATE message SET deliver = ?", number(2)),
        ("message", "attempts", "UPDATE message SET attempts = ?", number(-1)),
        ("idempotency", "body", "UPDATE idempotency SET body = ?", bytes(3)),
        ("idempotency", "challenge", "UPDATE idempotency SET challenge = ?", bytes(3)),
        ("revocation", "target", "UPDATE revocation SET target = ?", bytes(15)),
        ("revocation", "target", "UPDATE revocation SET kind = ?", text("subject")),
        ("revocation", "target", "UPDATE revocation SET kind = ?", text("app")),
        ("revocation", "target", "UPDATE revocation SET kind = ?", text("odd")),
        ("revocation", "app", "UPDATE revocation SET app = ?", text("a b")),
    ]
}

fn cases_of_people() -> Vec<Case> {
    let number = Value::Integer;
    vec![
        ("realm_user", "id", "UPDATE realm_user SET id = ?", bytes(15)),
        ("realm_user", "realm", "UPDATE realm_user SET realm = ?", text("a b")),
        ("realm_user", "status", "UPDATE realm_user SET status = ?", text("odd")),
        ("user_identifier", "digest", "UPDATE user_identifier SET digest = ?", bytes(31)),
        ("user_identifier", "realm", "UPDATE user_identifier SET realm = ?", text("-")),
        ("user_identifier", "kind", "UPDATE user_identifier SET kind = ?", text("fax")),
        ("user_identifier", "is_primary", "UPDATE user_identifier SET is_primary = ?", number(2)),
        ("user_subject", "subject", "UPDATE user_subject SET subject = ?", bytes(25)),
        ("invitation", "realm", "UPDATE invitation SET realm = ?", text("a b")),
        ("invitation", "digest", "UPDATE invitation SET digest = ?", bytes(31)),
        ("user_password", "user_id", "UPDATE user_password SET user_id = ?", bytes(15)),
        ("password_wish", "challenge", "UPDATE password_wish SET challenge = ?", bytes(17)),
        ("credential", "kind", "UPDATE credential SET kind = ?", text("tooth")),
        ("credential", "lookup", "UPDATE credential SET lookup = ?", bytes(31)),
        ("pending_sign_in", "user_id", "UPDATE pending_sign_in SET user_id = ?", bytes(15)),
        ("pending_sign_in", "methods", "UPDATE pending_sign_in SET methods = ?", text("code+guess")),
        ("pending_sign_in", "acr", "UPDATE pending_sign_in SET acr = ?", text("aal9")),
        ("ceremony", "within", "UPDATE ceremony SET within = ?", bytes(17)),
        ("ceremony", "kind", "UPDATE ceremony SET kind = ?", text("wedding")),
        ("session", "realm", "UPDATE session SET realm = ?", text("")),
        ("session", "user_id", "UPDATE session SET user_id = ?", bytes(17)),
        ("session", "app", "UPDATE session SET app = ?", text("A")),
        ("session", "subject", "UPDATE session SET subject = ?", bytes(23)),
        ("session", "method", "UPDATE session SET method = ?", text("guess")),
        ("session", "cookie_digest", "UPDATE session SET cookie_digest = ?", bytes(33)),
        ("session", "former_digest", "UPDATE session SET former_digest = ?", bytes(33)),
        ("session", "former_digest", "UPDATE session SET former_digest = ?", bytes(32)),
        ("session", "generation", "UPDATE session SET generation = ?", number(0)),
        ("session", "generation", "UPDATE session SET generation = ?", number(-1)),
        ("session", "generation", "UPDATE session SET cookie_digest = ?", bytes(32)),
    ]
}

fn cases_of_apps() -> Vec<Case> {
    let number = Value::Integer;
    vec![
        ("app", "name", "UPDATE app SET name = ?", text("a_b")),
        ("app", "disabled", "UPDATE app SET disabled = ?", number(7)),
        ("api_key", "id", "UPDATE api_key SET id = ?", bytes(1)),
        ("api_key", "app", "UPDATE api_key SET app = ?", text("")),
        ("api_key", "kind", "UPDATE api_key SET kind = ?", text("root")),
        ("api_key", "digest", "UPDATE api_key SET digest = ?", bytes(64)),
        ("signing_key", "app", "UPDATE signing_key SET realm = '', app = ?", text("-")),
        ("signing_key", "realm", "UPDATE signing_key SET realm = ?", text("-")),
        ("signing_key", "realm", "UPDATE signing_key SET app = ?", text("forum")),
        ("signing_key", "algorithm", "UPDATE signing_key SET algorithm = ?", text("none")),
    ]
}

/// Every column with a form of its own, set to something of another form.
pub async fn impossible_rows_are_told_by_table_and_column(store: Store) {
    for (table, column, sql, value) in cases() {
        clear(&store).await;
        save(&store, one_of_each()).await;
        read(&store, table).await.unwrap();
        store.engine.commit(vec![sql::any(sql, vec![value.clone()])]).await.unwrap();
        match read(&store, table).await {
            Err(Error::Corrupt { table: told, column: at, id }) => {
                assert_eq!((told, at), (table, column), "{sql} {value:?}");
                assert!(!id.is_empty() || value == text(""), "the row is named: {sql}");
            }
            other => panic!("{sql} {value:?}: {other:?}"),
        }
    }
}

async fn clear(store: &Store) {
    let tables = [
        "DELETE FROM challenge",
        "DELETE FROM contact",
        "DELETE FROM message",
        "DELETE FROM idempotency",
        "DELETE FROM revocation",
        "DELETE FROM app",
        "DELETE FROM api_key",
        "DELETE FROM signing_key",
        "DELETE FROM realm_user",
        "DELETE FROM user_identifier",
        "DELETE FROM user_subject",
        "DELETE FROM session",
        "DELETE FROM invitation",
        "DELETE FROM user_password",
        "DELETE FROM password_wish",
        "DELETE FROM credential",
        "DELETE FROM pending_sign_in",
        "DELETE FROM ceremony",
    ];
    store.engine.commit(tables.map(|sql| sql::any(sql, Vec::new())).into()).await.unwrap();
}

async fn read(store: &Store, table: &str) -> Result<(), Error> {
    match table {
        "challenge" => store.challenge(sample::challenge(1).id).await.map(drop),
        "contact" => store.contact(sample::contact(1).key).await.map(drop),
        "message" => store.messages(10).await.map(drop),
        "idempotency" => store.idempotency(digest(1)).await.map(drop),
        "revocation" => store.revocations(NOW).await.map(drop),
        "app" => first(store.apps().await),
        "api_key" => first(store.api_keys().await),
        "signing_key" => first(store.signing_keys().await),
        "realm_user" => {
            let all = Statement { sql: "SELECT * FROM realm_user", parameters: Vec::new() };
            store.all(all, sql::read_user).await.map(drop)
        }
        "user_identifier" => store.identifiers_of(sample::user(1).id).await.map(drop),
        "user_subject" => {
            let subject = sample::user_subject(1);
            store.user_subject(subject.user, subject.sector).await.map(drop)
        }
        "invitation" => {
            let all = Statement { sql: "SELECT * FROM invitation", parameters: Vec::new() };
            store.all(all, sql::read_invitation).await.map(drop)
        }
        "user_password" => {
            let all = Statement {
                sql: "SELECT user_id, sealed_hash, made_at, version FROM user_password",
                parameters: Vec::new(),
            };
            store.all(all, sql::read_password).await.map(drop)
        }
        "password_wish" => {
            let all = Statement {
                sql: "SELECT challenge, sealed_hash, expires_at FROM password_wish",
                parameters: Vec::new(),
            };
            store.all(all, sql::read_wish).await.map(drop)
        }
        "credential" => store.credentials_of(sample::user(1).id).await.map(drop),
        "pending_sign_in" => store.pending_sign_in(pending(1).id).await.map(drop),
        "ceremony" => store.ceremony(ceremony(1).id).await.map(drop),
        "session" => store.session(sample::session(1).id).await.map(drop),
        other => panic!("no such table: {other}"),
    }
}

/// What is wrong with the first row that does not read.
fn first<T>(rows: Result<Rows<T>, Error>) -> Result<(), Error> {
    rows?.corrupt.into_iter().next().map_or(Ok(()), Err)
}

/// An app or a key that does not read is told, and the others read on.
pub async fn one_app_or_key_does_not_take_the_others_with_it(store: Store) {
    let app = |name: &str| StoredApp {
        name: sample::app(name),
        settings: "{}".to_owned(),
        disabled: false,
        created_at: NOW,
        version: 0,
    };
    let key = |seed: u64| ApiKey {
        id: ApiKeyId::new(NOW, &mut Seeded::new(seed)),
        app: sample::app("forum"),
        kind: ApiKeyKind::Secret,
        digest: digest(seed),
        label: String::new(),
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    save(&store, ["forum", "shop", "wiki"].map(|name| Change::App(app(name))).into()).await;
    save(&store, [1, 2, 3].map(|seed| Change::ApiKeyAdded(key(seed))).into()).await;
    let spoil_app = sql::any("UPDATE app SET disabled = 7 WHERE name = ?", vec![text("shop")]);
    let spoil_key =
        sql::any("UPDATE api_key SET kind = ? WHERE digest = ?", vec![text("root"), digest(2).into()]);
    store.engine.commit(vec![spoil_app, spoil_key]).await.unwrap();
    let (apps, keys) = (store.apps().await.unwrap(), store.api_keys().await.unwrap());
    let names: Vec<_> = apps.good.iter().map(|app| app.name.as_str()).collect();
    assert_eq!(names, ["forum", "wiki"]);
    assert!(matches!(&apps.corrupt[..], [Error::Corrupt { table: "app", id, .. }] if id == "shop"));
    let mut digests: Vec<_> = keys.good.iter().map(|key| key.digest).collect();
    digests.sort_by_key(|found| *found != digest(1));
    assert_eq!(digests, [digest(1), digest(3)]);
    assert!(matches!(&keys.corrupt[..], [Error::Corrupt { table: "api_key", column: "kind", .. }]));
}

fn one_of_each() -> Vec<Change> {
    let app = sample::app("forum");
    vec![
        Change::Contact(sample::contact(1)),
        Change::ChallengeStarted(sample::challenge(1)),
        Change::Message(sample::message(1)),
        Change::Idempotency(Idempotency {
            id: digest(1),
            body: digest(2),
            challenge: sample::challenge(1).id,
            expires_at: after(1),
        }),
        Change::Revocation(Revocation {
            app: app.clone(),
            target: RevocationTarget::Token(TokenId::new(NOW, &mut Seeded::new(1))),
            before: NOW,
            revoked_at: NOW,
            expires_at: after(1),
        }),
        Change::App(StoredApp {
            name: app.clone(),
            settings: "{}".to_owned(),
            disabled: false,
            created_at: NOW,
            version: 0,
        }),
        Change::ApiKeyAdded(ApiKey {
            id: ApiKeyId::new(NOW, &mut Seeded::new(1)),
            app,
            kind: ApiKeyKind::Secret,
            digest: digest(1),
            label: String::new(),
            created_at: NOW,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }),
        Change::UserAdded(sample::user(1)),
        Change::IdentifierAdded(sample::identifier(1)),
        Change::SubjectAdded(sample::user_subject(1)),
        Change::SessionStarted(sample::session(1)),
        Change::InvitationAdded(sample::invitation(1)),
        Change::Credential(passkey(1)),
        FlowChange::Saved(pending(1)).into(),
        FlowChange::Asked(ceremony(1)).into(),
        Change::Password(password()),
        Change::PasswordWished(wish()),
        Change::SigningKey(signing_key()),
    ]
}

fn signing_key() -> StoredKey {
    StoredKey {
        id: "key".to_owned(),
        owner: Owner::Realm(RealmName::default()),
        algorithm: Algorithm::default(),
        generation: 1,
        sealed: Vec::new(),
        public: Vec::new(),
        created_at: NOW,
        active_at: NOW,
        retires_at: NOW,
        gone_at: after(1),
    }
}

fn password() -> UserPassword {
    UserPassword { user: sample::user(1).id, sealed_hash: Vec::new(), made_at: NOW, version: 0 }
}

fn wish() -> PasswordWish {
    let challenge = sample::challenge(1).id;
    PasswordWish { challenge, sealed_hash: Vec::new(), expires_at: after(1) }
}
