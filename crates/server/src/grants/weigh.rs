//! What is read to say what somebody may reach.

use std::{collections::HashMap, sync::Arc};

use countersign_domain::{
    app::App,
    grant::{Access, Grant, Holder, MOST_APP_GROUPS, Question, Target},
    id::GrantId,
    membership::Membership,
    secret::Digest,
    user::{IdentifierKind, User},
};
use countersign_store::GrantList;

use super::{
    membership,
    sealed::{Kept, open},
};
use crate::{error::ApiError, state::Server};

/// Grants that are read at once for a list of all that somebody may reach.
const AT_ONCE: i64 = 500;
/// Most grants that are read for it: those beyond are left out.
const MOST_LISTED: usize = 10_000;

/// Everything that bears on a user at an app.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// What they are in their realm.
    pub membership: Membership,
    /// The digests of the addresses that they have shown to be theirs, where that matters.
    pub addresses: Vec<Digest>,
    /// The grants that were found.
    pub grants: Vec<Grant>,
}

impl Weighed {
    /// The question that this answers, now.
    #[must_use]
    pub fn question<'a>(&'a self, server: &Server, user: &'a User, app: &'a App) -> Question<'a> {
        Question {
            user,
            membership: &self.membership,
            addresses: &self.addresses,
            app,
            admins_hold_every_app: server.realm(&user.realm).admins_hold_every_app,
            now: server.now(),
        }
    }
}

/// Reads what bears on a user at an app, who is this in their realm. Nothing is read where something bars the way.
///
/// # Errors
/// The store's; [`ApiError::Internal`] when something sealed does not open.
pub async fn weigh(
    server: &Server,
    (user, membership): (&User, &Membership),
    app: &App,
) -> Result<Weighed, ApiError> {
    let mut weighed = Weighed { membership: membership.clone(), addresses: Vec::new(), grants: Vec::new() };
    if weighed.question(server, user, app).barred().is_some() {
        return Ok(weighed);
    }
    let names = names_of(server, user, &weighed.membership, app);
    for stored in server.store.grants(&names).await? {
        weighed.grants.push(open(&server.keys, &stored)?.grant);
    }
    let registry = server.registry.load();
    weighed.grants.extend(registry.grants().for_app(app).cloned());
    drop(registry);
    weighed.addresses = addresses(server, user, &weighed.grants).await?;
    Ok(weighed)
}

/// Who holds grants that count for a user: they, and each of their groups.
fn holders_of(user: &User, membership: &Membership) -> impl Iterator<Item = Holder> {
    let groups = membership.groups.clone().into_iter().map(Holder::Group);
    std::iter::once(Holder::User(user.id)).chain(groups)
}

fn names_of(server: &Server, user: &User, membership: &Membership, app: &App) -> Vec<GrantId> {
    let groups = app.forward_auth.groups.iter().take(MOST_APP_GROUPS).cloned().map(Target::Group);
    let targets: Vec<_> = std::iter::once(Target::App(app.name.clone())).chain(groups).collect();
    let mut names = Vec::with_capacity(targets.len() * (1 + membership.groups.len()));
    for holder in holders_of(user, membership) {
        names.extend(targets.iter().map(|target| server.keys.grant(&user.realm, &holder, target)));
    }
    names
}

/// The addresses that somebody has shown to be theirs; nothing is read where no grant names one.
async fn addresses(server: &Server, user: &User, grants: &[Grant]) -> Result<Vec<Digest>, ApiError> {
    if !grants.iter().any(|grant| matches!(grant.holder, Holder::Address(_))) {
        return Ok(Vec::new());
    }
    let all = server.store.identifiers_of(user.id).await?;
    let proven =
        all.iter().filter(|known| known.kind == IdentifierKind::Email && known.verified_at.is_some());
    Ok(proven.map(|known| known.digest).collect())
}

/// Every app that a user may reach, in the order of their names.
///
/// # Errors
/// As for [`weigh`].
pub async fn reach_of(server: &Server, user: &User) -> Result<Vec<(Arc<App>, Access)>, ApiError> {
    let membership = membership(server, user)?;
    let holders = holders_of(user, &membership);
    let holders = holders.map(|holder| server.keys.grant_holder(&user.realm, &holder)).collect();
    let stored = stored_of(server, &GrantList::Holders(holders)).await?;
    let mut grants: Vec<_> = stored.into_iter().map(|kept| kept.grant).collect();
    let registry = server.registry.load_full();
    grants.extend(registry.grants().of_realm(&user.realm).cloned());
    let addresses = addresses(server, user, &grants).await?;
    let mut by_target: HashMap<Target, Vec<Grant>> = HashMap::new();
    for grant in grants {
        by_target.entry(grant.target.clone()).or_default().push(grant);
    }
    let mut weighed = Weighed { membership, addresses, grants: Vec::new() };
    let mut reached = Vec::new();
    for app in registry.apps() {
        let groups = app.forward_auth.groups.iter().cloned().map(Target::Group);
        let targets = std::iter::once(Target::App(app.name.clone())).chain(groups);
        weighed.grants = targets.filter_map(|target| by_target.get(&target)).flatten().cloned().collect();
        let access = weighed.question(server, user, app).answer(&weighed.grants);
        reached.extend(access.map(|access| (Arc::clone(app), access)));
    }
    Ok(reached)
}

/// What a user was granted themselves.
///
/// # Errors
/// As for [`weigh`].
pub async fn granted_to(server: &Server, user: &User) -> Result<Vec<Kept>, ApiError> {
    stored_of(server, &GrantList::Holders(vec![server.keys.grants_of_user(user.id)])).await
}

async fn stored_of(server: &Server, list: &GrantList) -> Result<Vec<Kept>, ApiError> {
    let (mut all, mut after) = (Vec::new(), GrantId::from_bytes([0; 16]));
    while all.len() < MOST_LISTED {
        let part = server.store.grants_after(list, after, AT_ONCE).await?;
        let Some(last) = part.last() else { break };
        after = last.id;
        let is_all = part.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        for stored in &part {
            all.push(open(&server.keys, stored)?);
        }
        if is_all {
            break;
        }
    }
    Ok(all)
}
