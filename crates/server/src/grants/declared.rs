//! The grants of the configuration file, by what they are for. They are known by heart and replaced with the registry.

use std::collections::{BTreeMap, HashMap};

use countersign_domain::{
    app::App,
    grant::{Grant, Holder, Target},
    id::GrantId,
    realm::RealmName,
    vault::Vault as _,
};

use crate::{
    config::{Config, ConfigError, DeclaredHolder},
    vault::Keys,
};

/// All of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DeclaredGrants {
    by_target: HashMap<(RealmName, Target), Vec<Grant>>,
    by_id: BTreeMap<GrantId, Grant>,
}

impl DeclaredGrants {
    /// Those that a configuration declares. Two that go from one holder to one target are one, with the scopes of both.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be.
    pub fn build(config: &Config, keys: &Keys) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for (number, settings) in config.grants.iter().enumerate() {
            let wrong = |(setting, why)| ConfigError(format!("grants[{number}].{setting}: {why}"));
            let declared = settings.grant().map_err(wrong)?;
            let holder = match declared.holder {
                DeclaredHolder::Group(group) => Holder::Group(group),
                DeclaredHolder::Address(address) => {
                    Holder::Address(keys.identifier(&declared.realm, &address))
                }
                DeclaredHolder::Everybody => Holder::Everybody,
            };
            let id = keys.declared_grant(&declared.realm, &holder, &declared.target);
            let (realm, target, expires_at) = (declared.realm, declared.target, None);
            let scopes = all
                .by_id
                .get(&id)
                .map_or(declared.scopes.clone(), |known| known.scopes.and(&declared.scopes));
            all.by_id.insert(id, Grant { id, realm, holder, target, scopes, expires_at, declared: true });
        }
        for grant in all.by_id.values() {
            let place = (grant.realm.clone(), grant.target.clone());
            all.by_target.entry(place).or_default().push(grant.clone());
        }
        Ok(all)
    }

    /// Those for an app, whoever holds them.
    pub fn for_app<'a>(&'a self, app: &App) -> impl Iterator<Item = &'a Grant> {
        let groups = app.forward_auth.groups.iter().cloned().map(Target::Group);
        let targets: Vec<_> = std::iter::once(Target::App(app.name.clone())).chain(groups).collect();
        let realm = app.realm.clone();
        targets.into_iter().filter_map(move |target| self.by_target.get(&(realm.clone(), target))).flatten()
    }

    /// All of a realm, in the order of their names.
    pub fn of_realm<'a>(&'a self, realm: &'a RealmName) -> impl Iterator<Item = &'a Grant> {
        self.by_id.values().filter(move |grant| grant.realm == *realm)
    }

    /// One by its name.
    #[must_use]
    pub fn get(&self, id: GrantId) -> Option<&Grant> {
        self.by_id.get(&id)
    }
}
