//! Fills a database with users, each with two browsers signed in, as the server would have written them. `cargo xtask
//! bench` runs it.
//!
//! `fill_accounts CONFIG USERS COOKIES` adds users `person-0@example.org` and on to the app `bench`, and writes the values
//! of their cookies into the file COOKIES, a line each.

use std::{
    error::Error,
    io::{BufWriter, Write as _},
    path::Path,
};

use countersign_domain::{
    assurance::{Assurance, Method},
    changes::{Change, Changes},
    id::{SessionId, UserId},
    identifier::EmailAddress,
    random::Random,
    realm::RealmName,
    session::{Holder, Session},
    subject::Sector,
    time::{Span, Timestamp},
    token::SecretToken,
    user::{IdentifierKind, User, UserIdentifier, UserStatus, UserSubject},
    vault::Vault as _,
};
use countersign_server::{
    config::Config,
    key_file,
    keys::Context,
    system::{Clock as _, Entropy as _, SystemClock, SystemEntropy},
    vault::Keys,
    wiring,
};

/// Users in one commit.
const AT_ONCE: u64 = 500;
/// Browsers of each.
const BROWSERS: u64 = 2;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, users, cookies] = &arguments[..] else {
        return Err("usage: fill_accounts CONFIG USERS COOKIES".into());
    };
    let config = Config::parse(&std::fs::read_to_string(config)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(fill(&config, users.parse()?, Path::new(cookies)))
}

async fn fill(config: &Config, users: u64, cookies: &Path) -> Result {
    let store = wiring::open_store(config).await?;
    let mut random = SystemEntropy.random();
    let keys = Keys::new(&key_file::root_key(config, &store, &mut *random).await?);
    let mut cookies = BufWriter::new(std::fs::File::create(cookies)?);
    let now = SystemClock::default().now();
    let mut filled = 0;
    while filled < users {
        let mut changes = Changes::default();
        for number in filled..users.min(filled + AT_ONCE) {
            for cookie in add(number, now, &keys, &mut *random, &mut changes)? {
                writeln!(cookies, "{cookie}")?;
            }
        }
        store.commit(changes).await?;
        filled += AT_ONCE;
    }
    store.close().await;
    Ok(cookies.flush()?)
}

/// One user with all that belongs to them; the cookies of their browsers.
fn add(
    number: u64,
    now: Timestamp,
    keys: &Keys,
    random: &mut dyn Random,
    changes: &mut Changes,
) -> Result<Vec<String>> {
    let address = EmailAddress::parse(&format!("person-{number}@example.org"))?;
    let (realm, app) = (RealmName::default(), "bench".parse()?);
    let sector = Sector::App(app);
    let (id, subject) = (UserId::new(now, random), keys.subject(&sector, &address));
    changes.push(Change::UserAdded(User {
        id,
        realm: realm.clone(),
        status: UserStatus::Active,
        sealed_profile: None,
        created_at: now,
        signed_in_at: now,
        version: 1,
    }));
    let digest = keys.identifier(&realm, &address);
    let place = Context { table: "user_identifier", column: "sealed", id: digest.bytes() };
    changes.push(Change::IdentifierAdded(UserIdentifier {
        digest,
        realm: realm.clone(),
        kind: IdentifierKind::Email,
        user: id,
        sealed: keys.seal(random, &place, address.canonical().as_bytes())?,
        primary: true,
        verified_at: Some(now),
        created_at: now,
    }));
    changes.push(Change::SubjectAdded(UserSubject { user: id, sector: keys.sector(&sector), subject }));
    let mut cookies = Vec::new();
    for _ in 0..BROWSERS {
        let (session, secret) = (SessionId::new(now, random), SecretToken::draw(random));
        let name = session.to_string();
        cookies.push(format!("{}.{}", name.trim_start_matches(SessionId::PREFIX), secret.expose()));
        changes.push(Change::SessionStarted(Session {
            id: session,
            realm: realm.clone(),
            user: id,
            app: "bench".parse()?,
            subject,
            assurance: Assurance::of(Method::Code, now),
            holder: Holder::Cookie(keys.session(session, &secret)),
            sealed_device: Some(vec![0; 48]),
            created_at: now,
            used_at: now,
            idle_ends_at: now + Span::DAY,
            expires_at: now + Span::DAY,
            version: 1,
        }));
    }
    Ok(cookies)
}
