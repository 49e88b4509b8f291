//! Giving and taking: what is decided, in one commit with the word to all nodes and the log.

use std::sync::Arc;

use countersign_domain::{
    changes::{Change, Changes, GrantChange},
    event::{Event, EventKind},
    grant::{Grant, Holder, Target},
    id::{GrantId, UserId},
    realm::RealmName,
    scope::Scopes,
    time::{Span, Timestamp},
    token::Revocation,
    user::{User, UserStatus},
};

use super::GiveBody;
use crate::{
    admin::{Operator, realms},
    error::ApiError,
    events::context,
    grants::{Kept, open, seal},
    state::Server,
};

/// Shortest and longest life of a grant that ends: a minute, and about a hundred years.
const LIFE: (i64, i64) = (60, 3_155_760_000);

/// What came of giving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// There was none.
    New,
    /// There was one, with other scopes or another end.
    Changed,
    /// There was the same.
    Same,
}

/// What is to be given, read.
struct Wish {
    realm: RealmName,
    holder: Holder,
    target: Target,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
}

/// Gives.
pub(super) async fn give(
    server: &Arc<Server>,
    operator: &Operator,
    body: &GiveBody,
) -> Result<(Kept, Given), ApiError> {
    let wish = &read(server, operator, body)?;
    let given = server.decide(|| decide(server, operator, wish)).await?;
    Ok(given)
}

fn read(server: &Server, operator: &Operator, body: &GiveBody) -> Result<Wish, ApiError> {
    let target = match (&body.app, &body.app_group) {
        (Some(app), None) => {
            let unknown = |_| ApiError::invalid("app", "no app has this name");
            Target::App(operator.app(server, app).map_err(unknown)?.name.clone())
        }
        (None, Some(group)) => Target::Group(parsed("app_group", group)?),
        _ => return Err(ApiError::invalid("app", "give either app or app_group")),
    };
    let holder = match (&body.user, &body.group) {
        (Some(user), None) => {
            let user: Result<UserId, _> = user.parse();
            Holder::User(user.map_err(|_| unknown_user())?)
        }
        (None, Some(group)) => Holder::Group(parsed("group", group)?),
        _ => return Err(ApiError::invalid("user", "give either user or group")),
    };
    let expires_at = match body.expires_in {
        None => None,
        Some(seconds) if (LIFE.0..=LIFE.1).contains(&seconds) => {
            Some(server.now() + Span::from_seconds(seconds))
        }
        Some(_) => {
            let expected = format!("expected {} to {}", LIFE.0, LIFE.1);
            return Err(ApiError::invalid("expires_in", expected));
        }
    };
    let realm = match (&target, &body.realm) {
        (Target::App(app), None) => server.app(app.as_str()).ok_or(ApiError::NotFound)?.realm.clone(),
        (_, asked) => operator.choose(asked.as_deref())?,
    };
    if let Target::App(app) = &target
        && server.app(app.as_str()).is_none_or(|app| app.realm != realm)
    {
        return Err(ApiError::invalid("realm", "the app is in another realm"));
    }
    Ok(Wish { realm, holder, target, scopes: scopes(&body.scopes)?, expires_at })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    member: &'static str,
    text: &str,
) -> Result<T, ApiError> {
    text.parse().map_err(|error: T::Err| ApiError::invalid(member, error.to_string()))
}

fn scopes(texts: &[String]) -> Result<Scopes, ApiError> {
    Scopes::parse(texts).map_err(|error| ApiError::invalid("scopes", error.to_string()))
}

fn unknown_user() -> ApiError {
    ApiError::invalid("user", "the realm has no user of this id")
}

async fn decide(
    server: &Server,
    operator: &Operator,
    wish: &Wish,
) -> Result<((Kept, Given), Changes), ApiError> {
    let mut changes = hold(server, operator, wish).await?;
    let id = server.keys.grant(&wish.realm, &wish.holder, &wish.target);
    let former = match server.store.grants(&[id]).await?.first() {
        Some(stored) => Some(open(&server.keys, stored)?),
        None => None,
    };
    let grant = Grant {
        id,
        realm: wish.realm.clone(),
        holder: wish.holder.clone(),
        target: wish.target.clone(),
        scopes: wish.scopes.clone(),
        expires_at: wish.expires_at,
        declared: false,
    };
    let now = server.now();
    let version = former.as_ref().map_or(0, |former| former.version);
    let kept = Kept { grant, given_by: context::actor().to_string(), given_at: now, version };
    let given = match former {
        Some(former) if former.grant == kept.grant => return Ok(((former, Given::Same), Changes::default())),
        // What is over is no more, though it is still there.
        Some(former) if former.grant.expires_at.is_none_or(|end| end > now) => Given::Changed,
        _ => Given::New,
    };
    changes.push(GrantChange::Given(seal(&server.keys, &mut *server.random(), &kept)?).into());
    told(server, EventKind::GrantGiven, &kept.grant, &mut changes);
    Ok(((kept, given), changes))
}

/// Writes along what must not go while something is given to it: the user, or else the realm.
async fn hold(server: &Server, operator: &Operator, wish: &Wish) -> Result<Changes, ApiError> {
    let Holder::User(id) = wish.holder else {
        return realms::hold(server, &wish.realm).await?.ok_or_else(realms::unknown);
    };
    let user: Option<User> = server.store.user(id).await?;
    let user = user.filter(|user| operator.covers(&user.realm) && user.status != UserStatus::Erasing);
    let user = user.ok_or_else(unknown_user)?;
    if user.realm != wish.realm {
        return Err(ApiError::invalid("user", "the user is in another realm: nothing crosses realms"));
    }
    Ok(Changes(vec![Change::User(user)]))
}

/// Takes one back.
pub(super) async fn take(server: &Arc<Server>, id: GrantId) -> Result<(), ApiError> {
    if server.registry.load().grants().get(id).is_some() {
        return Err(ApiError::Declared);
    }
    server
        .decide(|| async move {
            let found = server.store.grants(&[id]).await?;
            let kept = open(&server.keys, found.first().ok_or(ApiError::NotFound)?)?;
            let mut changes = Changes(vec![GrantChange::Taken(id, kept.version).into()]);
            told(server, EventKind::GrantTaken, &kept.grant, &mut changes);
            Ok(((), changes))
        })
        .await
}

/// Tells all nodes that the holder may reach something else than before, and the log what.
fn told(server: &Server, kind: EventKind, grant: &Grant, changes: &mut Changes) {
    let (holder, event) = match &grant.holder {
        Holder::User(user) => (Some(server.keys.access_of_user(*user)), Event::new(kind).of_user(*user)),
        Holder::Group(group) => {
            let event = Event::new(kind).on(&format!("group:{group}"));
            (Some(server.keys.access_of_group(&grant.realm, group)), event)
        }
        Holder::Address(_) | Holder::Everybody => (None, Event::new(kind)),
    };
    let revocation = holder.map(|holder| Revocation::of_access(holder, server.now()));
    changes.0.extend(revocation.map(Change::Revocation));
    let event = match &grant.target {
        Target::App(app) => event.at(app),
        Target::Group(group) => event.by_method(format!("app_group:{group}")),
    };
    let event = event.within(&grant.realm).with("scopes", grant.scopes.to_string());
    changes.push(event.into());
}
