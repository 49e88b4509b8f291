//! The apps and keys that are known at this moment: those of the configuration and those of the store, in memory,
//! replaced as a whole when either changes. It knows no request.

use std::{collections::HashMap, sync::Arc};

use countersign_domain::{
    admin_key::AdminKey,
    api_key::{ApiKey, ApiKeyText},
    app::{App, AppName},
    assurance::Level,
    id::{AdminKeyId, ApiKeyId},
    realm::{Realm, RealmName},
    secret::Digest,
    stored_app::StoredApp,
    stored_realm::StoredRealm,
    time::Timestamp,
};
use countersign_store::{Error, Rows, Store};

use crate::{
    client_address::Proxies,
    config::{AppSettings, Config, ConfigError, Declared, RealmSettings, declared},
    forward_auth,
    grants::DeclaredGrants,
    vault::Keys,
};

/// Apps and keys as they are now.
#[derive(Debug, Default)]
pub struct Registry {
    apps: HashMap<AppName, Arc<App>>,
    keys: HashMap<Digest, Arc<ApiKey>>,
    /// Every origin of every app: who may be told that a request was refused.
    origins: std::collections::HashSet<String>,
    /// The origins of apps with accounts: cookies may ride along there.
    account_origins: std::collections::HashSet<String>,
    declared: std::collections::HashSet<AppName>,
    admin_keys: HashMap<Digest, Arc<AdminKey>>,
    realms: HashMap<RealmName, Realm>,
    grants: DeclaredGrants,
    forward_auth: forward_auth::Settings,
    proxies: Proxies,
    generation: u32,
    corrupt: Vec<Error>,
}

/// Everything that is stored and known by heart.
#[derive(Debug)]
pub struct Stored {
    apps: Rows<StoredApp>,
    keys: Rows<ApiKey>,
    admin_keys: Rows<AdminKey>,
    realms: Rows<StoredRealm>,
}

impl Stored {
    /// As it is now.
    ///
    /// # Errors
    /// The store's; a row that does not read is none.
    pub async fn read(store: &Store) -> Result<Self, Error> {
        Ok(Self {
            apps: store.apps().await?,
            keys: store.api_keys().await?,
            admin_keys: store.admin_keys().await?,
            realms: store.realms().await?,
        })
    }
}

impl Registry {
    /// Everything that the configuration declares and that is stored. What is stored and also declared is left out: the
    /// file wins. A row that does not read is left out as well, and is [known](Self::corrupt).
    ///
    /// # Errors
    /// [`ConfigError`] says what is wrong with the configuration.
    pub fn build(config: &Config, stored: Stored, vault: &Keys) -> Result<Self, ConfigError> {
        let Stored { apps, keys, admin_keys, realms } = stored;
        let forward_auth = forward_auth::Settings::new(config);
        let proxies = Proxies::new(&config.server);
        let mut registry = Self { corrupt: apps.corrupt, forward_auth, proxies, ..Self::default() };
        registry.corrupt.extend(keys.corrupt.into_iter().chain(admin_keys.corrupt).chain(realms.corrupt));
        for realm in &realms.good {
            match read_realm(realm) {
                Ok(realm) => drop(registry.realms.insert(realm.name.clone(), realm)),
                Err(corrupt) => registry.corrupt.push(corrupt),
            }
        }
        for settings in &config.realms {
            let realm = settings.realm()?;
            registry.realms.insert(realm.name.clone(), realm);
        }
        registry.admin_keys = admin_keys.good.into_iter().map(|key| (key.digest, Arc::new(key))).collect();
        for key in keys.good {
            registry.keys.insert(key.digest, Arc::new(key));
        }
        for Declared { app, keys } in declared(&config.apps)? {
            registry.declared.insert(app.name.clone());
            for (text, label) in &keys {
                let key = declared_key(&app.name, text, label, vault);
                registry.keys.insert(key.digest, Arc::new(key));
            }
            registry.apps.insert(app.name.clone(), Arc::new(app));
        }
        registry.add_stored(apps.good);
        registry.grants = DeclaredGrants::build(config, vault)?;
        registry.origins = registry.apps.values().flat_map(|app| app.origins.iter().cloned()).collect();
        let with_accounts = registry.apps.values().filter(|app| app.accounts.is_some());
        registry.account_origins = with_accounts.flat_map(|app| app.origins.iter().cloned()).collect();
        Ok(registry)
    }

    /// Adds the apps of the store, the oldest first. One whose audience an app of another realm has is left out: two of
    /// them may have been made at the same moment at two nodes, and a file may declare one of that audience later.
    fn add_stored(&mut self, mut apps: Vec<StoredApp>) {
        apps.retain(|app| !self.declared.contains(&app.name));
        apps.sort_by(|one, other| (one.created_at, &one.name).cmp(&(other.created_at, &other.name)));
        for stored in &apps {
            let read = read_app(stored).and_then(|app| {
                let crosses = self.apps.values().any(|other| other.crosses_realms_with(&app));
                let id = app.name.to_string();
                if crosses { Err(Error::Corrupt { table: "app", column: "audience", id }) } else { Ok(app) }
            });
            match read {
                Ok(app) => drop(self.apps.insert(app.name.clone(), Arc::new(app))),
                Err(corrupt) => self.corrupt.push(corrupt),
            }
        }
    }

    /// What is wrong with stored apps and keys that are left out.
    #[must_use]
    pub fn corrupt(&self) -> &[Error] {
        &self.corrupt
    }

    /// Whether an app is stored and does not read.
    #[must_use]
    pub fn is_corrupt(&self, name: &AppName) -> bool {
        self.corrupt
            .iter()
            .any(|error| matches!(error, Error::Corrupt { table: "app", id, .. } if id == name.as_str()))
    }

    /// An app by its name.
    #[must_use]
    pub fn app(&self, name: &str) -> Option<&Arc<App>> {
        self.apps.get(name)
    }

    /// All apps, by name.
    #[must_use]
    pub fn apps(&self) -> Vec<&Arc<App>> {
        let mut apps: Vec<_> = self.apps.values().collect();
        apps.sort_by(|one, other| one.name.cmp(&other.name));
        apps
    }

    /// The same after `former`: of another [generation](Self::generation) where apps, realms, declared grants or settings are others.
    #[must_use]
    pub fn after(self, former: &Self) -> Self {
        let is_same = self.apps == former.apps
            && self.realms == former.realms
            && self.forward_auth == former.forward_auth
            && self.grants == former.grants;
        Self { generation: former.generation.wrapping_add(u32::from(!is_same)), ..self }
    }

    /// Whether every app of `former` is still there, in its realm.
    #[must_use]
    pub fn keeps_realms_of(&self, former: &Self) -> bool {
        former.apps.values().all(|app| self.apps.get(&app.name).is_some_and(|now| now.realm == app.realm))
    }

    /// Differs where what was found with other apps, realms or settings cannot be relied upon.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The level that whatever opens an app has at least: what its policy wants, and the profile of the server.
    #[must_use]
    pub fn least(&self, app: &App) -> Level {
        let is_strict = self.forward_auth.is_strict;
        let policy = match self.realms.get(&app.realm) {
            Some(realm) => realm.policy,
            None => Realm::new(app.realm.clone()).policy,
        };
        policy.of_app(app.accounts.as_ref(), is_strict).wanted(Level::Mailbox)
    }

    /// What questions of proxies need of the configuration.
    #[must_use]
    pub const fn forward_auth(&self) -> &forward_auth::Settings {
        &self.forward_auth
    }

    /// The proxies that are believed.
    #[must_use]
    pub const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether an app comes from the configuration file, and is read-only elsewhere.
    #[must_use]
    pub fn is_declared(&self, name: &AppName) -> bool {
        self.declared.contains(name)
    }

    /// A key by the digest of its text.
    #[must_use]
    pub fn key(&self, digest: &Digest) -> Option<&Arc<ApiKey>> {
        self.keys.get(digest)
    }

    /// A key by its id.
    #[must_use]
    pub fn key_by_id(&self, id: ApiKeyId) -> Option<&Arc<ApiKey>> {
        self.keys.values().find(|key| key.id == id)
    }

    /// The keys of an app, oldest first.
    #[must_use]
    pub fn keys_of(&self, app: &AppName) -> Vec<&Arc<ApiKey>> {
        let mut keys: Vec<_> = self.keys.values().filter(|key| key.app == *app).collect();
        keys.sort_by_key(|key| key.id);
        keys
    }

    /// An admin key by the digest of its text.
    #[must_use]
    pub fn admin_key(&self, digest: &Digest) -> Option<&Arc<AdminKey>> {
        self.admin_keys.get(digest)
    }

    /// An admin key by its id.
    #[must_use]
    pub fn admin_key_by_id(&self, id: AdminKeyId) -> Option<&Arc<AdminKey>> {
        self.admin_keys.values().find(|key| key.id == id)
    }

    /// All admin keys, oldest first.
    #[must_use]
    pub fn admin_keys(&self) -> Vec<&Arc<AdminKey>> {
        let mut keys: Vec<_> = self.admin_keys.values().collect();
        keys.sort_by_key(|key| key.id);
        keys
    }

    /// A realm that is declared or stored, by its name.
    #[must_use]
    pub fn realm(&self, name: &RealmName) -> Option<&Realm> {
        self.realms.get(name)
    }

    /// The grants of the configuration file.
    #[must_use]
    pub const fn grants(&self) -> &DeclaredGrants {
        &self.grants
    }

    /// The names of all realms that are declared or stored, in no order.
    pub fn realm_names(&self) -> impl Iterator<Item = &RealmName> {
        self.realms.keys()
    }

    /// Whether any app lets pages of this origin speak.
    #[must_use]
    pub fn knows_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    /// Whether an app with accounts lets pages of this origin speak.
    #[must_use]
    pub fn lets_cookies_ride(&self, origin: &str) -> bool {
        self.account_origins.contains(origin)
    }
}

/// Logs which rows are left out and were not before.
pub fn report_left_out(corrupt: &[Error], former: &[Error]) {
    let known: Vec<String> = former.iter().map(ToString::to_string).collect();
    for error in corrupt.iter().map(ToString::to_string).filter(|error| !known.contains(error)) {
        tracing::error!(
            error,
            "it is left out, and the others are not: mend it or bring it back from a backup"
        );
    }
}

/// An app as it was stored.
///
/// # Errors
/// [`Error::Corrupt`] when its settings do not read.
pub fn read_app(stored: &StoredApp) -> Result<App, Error> {
    let settings = serde_json::from_str::<AppSettings>(&stored.settings).ok();
    let app = settings.and_then(|settings| settings.app().ok()).filter(|app| app.name == stored.name);
    let corrupt = || Error::Corrupt { table: "app", column: "settings", id: stored.name.to_string() };
    let mut app = app.ok_or_else(corrupt)?;
    app.disabled |= stored.disabled;
    Ok(app)
}

/// A realm as it was stored.
///
/// # Errors
/// [`Error::Corrupt`] when its settings do not read.
pub fn read_realm(stored: &StoredRealm) -> Result<Realm, Error> {
    let settings = serde_json::from_str::<RealmSettings>(&stored.settings).ok();
    let realm = settings.and_then(|settings| settings.realm().ok()).filter(|realm| realm.name == stored.name);
    realm.ok_or_else(|| Error::Corrupt { table: "realm", column: "settings", id: stored.name.to_string() })
}

/// A key of the configuration file; its id is made from its digest, so that it is the same at every start.
fn declared_key(app: &AppName, text: &ApiKeyText, label: &str, vault: &Keys) -> ApiKey {
    let digest = vault.api_key(text);
    let mut id = [0; 16];
    id[6..].copy_from_slice(&digest.bytes()[..10]);
    ApiKey {
        id: ApiKeyId::from_bytes(id),
        app: app.clone(),
        kind: text.kind(),
        digest,
        label: label.to_owned(),
        created_at: Timestamp::from_millis(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}
