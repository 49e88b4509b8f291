//! Fills a database with users, each with two browsers signed in, or with a registered device and grants, as the server
//! would have written them. `cargo xtask bench` runs it.
//!
//! `fill_accounts CONFIG USERS COOKIES` adds users `person-0@example.org` and on to the app `bench`, and writes the values
//! of their cookies into the file COOKIES, a line each. `fill_accounts CONFIG USERS COOKIES GRANTS` gives each a registered
//! device in place of the browsers, and so many grants: one for `bench`, the others for some of `app-0` to `app-998`.

use std::{
    error::Error,
    io::{BufWriter, Write as _},
    path::Path,
};

use countersign_domain::{
    app::AppName,
    assurance::{Assurance, Method},
    changes::{Change, Changes, GrantChange},
    grant::{self, Grant},
    id::{GrantId, SessionId, UserId},
    identifier::EmailAddress,
    random::Random,
    realm::RealmName,
    scope::Scopes,
    session::{Holder, Session},
    subject::{Sector, Subject},
    time::{Span, Timestamp},
    token::SecretToken,
    user::{IdentifierKind, User, UserIdentifier, UserStatus, UserSubject},
    vault::Vault as _,
};
use countersign_server::{
    config::Config,
    events::person::PersonKey,
    grants, key_file,
    keys::Context,
    system::{Clock as _, Entropy as _, SystemClock, SystemEntropy},
    vault::Keys,
    wiring,
};

/// Users in one commit. Rows lie everywhere in their trees: the more of them at once, the fewer pages are written.
const AT_ONCE: u64 = 50_000;
/// Grants in one commit, in the order of their tree.
const GRANTS_AT_ONCE: usize = 250_000;
/// Browsers of each.
const BROWSERS: u64 = 2;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (config, users, cookies, grants) = match &arguments[..] {
        [config, users, cookies] => (config, users, cookies, None),
        [config, users, cookies, grants] => (config, users, cookies, Some(grants.parse()?)),
        _ => return Err("usage: fill_accounts CONFIG USERS COOKIES [GRANTS]".into()),
    };
    let config = Config::parse(&std::fs::read_to_string(config)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(fill(&config, users.parse()?, Path::new(cookies), grants))
}

async fn fill(config: &Config, users: u64, cookies: &Path, grants: Option<u64>) -> Result {
    let store = wiring::open_store(config).await?;
    let mut random = SystemEntropy.random();
    let keys = Keys::new(&key_file::root_key(config, &store, &mut *random).await?);
    let mut cookies = BufWriter::new(std::fs::File::create(cookies)?);
    let (now, mut granting) = (SystemClock::default().now(), Vec::new());
    let mut filled = 0;
    while filled < users {
        let mut changes = Changes::default();
        for number in filled..users.min(filled + AT_ONCE) {
            let user = add(number, now, &keys, &mut *random, &mut changes)?;
            let holders = if grants.is_some() { 1 } else { BROWSERS };
            for _ in 0..holders {
                let cookie = add_session(&user, grants.is_some(), &keys, &mut *random, &mut changes)?;
                writeln!(cookies, "{cookie}")?;
            }
            for grant in 0..grants.unwrap_or_default() {
                let (holder, target) = granted(user.id, (number, grant))?;
                granting.push((keys.grant(&user.realm, &holder, &target), user.id, (number, grant)));
            }
        }
        store.commit(changes).await?;
        filled += AT_ONCE;
    }
    granting.sort_unstable_by_key(|(id, ..)| *id.bytes());
    for part in granting.chunks(GRANTS_AT_ONCE) {
        let given = |granting: &Granting| Ok(given(&keys, &mut *random, granting, now)?.into());
        store.commit(Changes(part.iter().map(given).collect::<Result<_>>()?)).await?;
    }
    store.close().await;
    Ok(cookies.flush()?)
}

/// Somebody whose sessions and grants are added.
struct Added {
    id: UserId,
    realm: RealmName,
    subject: Subject,
    at: Timestamp,
}

/// One user.
fn add(
    number: u64,
    now: Timestamp,
    keys: &Keys,
    random: &mut (dyn Random + Send),
    changes: &mut Changes,
) -> Result<Added> {
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
    // Whoever came once has a name in the log of events.
    changes.push(Change::EventKeyAdded(PersonKey::draw(keys, id, random)?.1));
    Ok(Added { id, realm, subject, at: now })
}

/// A browser that is signed in, or a registered device: its cookie.
fn add_session(
    user: &Added,
    is_device: bool,
    keys: &Keys,
    random: &mut dyn Random,
    changes: &mut Changes,
) -> Result<String> {
    let now = user.at;
    let (id, secret) = (SessionId::new(now, random), SecretToken::draw(random));
    let digest = keys.session(id, &secret);
    changes.push(Change::SessionStarted(Session {
        id,
        realm: user.realm.clone(),
        user: user.id,
        app: "bench".parse()?,
        subject: user.subject,
        assurance: Assurance::of(Method::Code, now),
        holder: if is_device { Holder::registered(digest, now) } else { Holder::Cookie(digest) },
        sealed_device: Some(vec![0; 48]),
        created_at: now,
        used_at: now,
        idle_ends_at: now + Span::DAY,
        expires_at: now + Span::DAY,
        version: 1,
    }));
    let name = id.to_string();
    Ok(format!("{}.{}", name.trim_start_matches(SessionId::PREFIX), secret.expose()))
}

/// A grant that is to be given: its id, whose it is, and which of theirs.
type Granting = (GrantId, UserId, (u64, u64));

/// To whom the grant of this number is given, and what it opens.
fn granted(user: UserId, (number, grant): (u64, u64)) -> Result<(grant::Holder, grant::Target)> {
    let app: AppName = match grant {
        0 => "bench".parse()?,
        grant => format!("app-{}", (number * 7 + grant * 101) % 999).parse()?,
    };
    Ok((grant::Holder::User(user), grant::Target::App(app)))
}

/// A grant, as it is stored.
fn given(
    keys: &Keys,
    random: &mut dyn Random,
    (id, user, which): &Granting,
    at: Timestamp,
) -> Result<GrantChange> {
    let (holder, target) = granted(*user, *which)?;
    let kept = grants::Kept {
        grant: Grant {
            id: *id,
            realm: RealmName::default(),
            holder,
            target,
            scopes: Scopes::parse(["read:email"])?,
            expires_at: None,
            declared: false,
        },
        given_by: "fill".to_owned(),
        given_at: at,
        version: 0,
    };
    let stored = grants::seal(keys, random, &kept).map_err(|_| "a grant cannot be sealed")?;
    Ok(GrantChange::Given(stored))
}
