//! Hashing as this server is set to do it: started where a realm has passwords, ended where none has any more, and
//! built anew when its settings change. It knows no person; whose a hash is, is its row's matter.

use std::{sync::Arc, time::Duration};

use countersign_domain::{
    id::UserId,
    password::{Password, PasswordPolicy, PasswordRefusal},
    random::Random,
    secret::Secret,
    time::Timestamp,
    user_password::UserPassword,
};

use tokio::time::Instant;

use crate::{
    config::{Config, ConfigError, PasswordSettings, PasswordsSetting, UnansweredSetting},
    error::ApiError,
    passwords::{
        Error, HashParameters, Passwords, Verdict,
        breached::{Breaches, Filter},
    },
    state::Server,
    user_passwords::{open_hash, seal_hash},
    vault::Keys,
};

/// Workers, rules and lists for passwords.
pub struct Hashing {
    settings: PasswordSettings,
    passwords: Passwords,
    breaches: Breaches,
    policy: PasswordPolicy,
    decoy: UserPassword,
}

impl Hashing {
    /// Starts the workers and opens what stolen passwords are looked for in.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be used.
    pub fn start(
        settings: &PasswordSettings,
        keys: &Keys,
        random: &mut dyn Random,
    ) -> Result<Self, ConfigError> {
        let parameters = settings.parameters().map_err(|error| ConfigError(format!("passwords: {error}")))?;
        Self::at_cost(parameters, settings, keys, random)
    }

    /// The same at a cost that the settings do not name: for measuring all that is not hashing.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be used.
    pub fn at_cost(
        parameters: HashParameters,
        settings: &PasswordSettings,
        keys: &Keys,
        random: &mut dyn Random,
    ) -> Result<Self, ConfigError> {
        let passwords = Passwords::start(parameters, settings.pool(), keys.peppers(settings.pepper))
            .map_err(|error| ConfigError(format!("passwords.workers: {error}")))?;
        let user = UserId::from_bytes([0; 16]);
        let sealed_hash = seal_hash(keys, random, user, &passwords.decoy())
            .map_err(|_| ConfigError("passwords: no hash can be sealed".to_owned()))?;
        let decoy = UserPassword { user, sealed_hash, made_at: Timestamp::from_millis(0), version: 0 };
        let policy = settings.policy();
        Ok(Self { settings: settings.clone(), passwords, breaches: breaches(settings)?, policy, decoy })
    }

    /// Whether a password is a user's. For somebody who is not there or has none the same is done, with a hash of
    /// nothing; so it is for a hash that does not read.
    ///
    /// # Errors
    /// [`ApiError::PasswordsBusy`] when too many wait.
    pub async fn check(
        &self,
        keys: &Keys,
        password: &Password,
        stored: Option<&UserPassword>,
    ) -> Result<Verdict, ApiError> {
        let hash = open_hash(keys, stored.unwrap_or(&self.decoy))?;
        match self.passwords.verify(password, hash.expose()).await {
            Err(Error::Hash(error)) => {
                tracing::error!(%error, "a stored password cannot be checked: its person must choose another");
                self.passwords.verify(password, &self.passwords.decoy()).await.map_err(ApiError::from)
            }
            other => other.map_err(ApiError::from),
        }
    }

    /// A hash as it is kept.
    ///
    /// # Errors
    /// [`ApiError::PasswordsBusy`] when too many wait.
    pub async fn hash(
        &self,
        password: &Password,
        random: &mut (dyn Random + Send),
    ) -> Result<Secret<String>, ApiError> {
        Ok(self.passwords.hash(password, random).await?)
    }

    /// Whether this may become somebody's password, in whose name and at whose address `words` stand.
    ///
    /// # Errors
    /// [`PasswordRefusal`] as the member `password`, or [`ApiError::Unavailable`] while nobody can say whether it was
    /// stolen and that must not let it pass.
    pub async fn accept(&self, password: &Password, words: &[&str]) -> Result<(), ApiError> {
        password.check(self.policy, false, words).map_err(refused)?;
        match self.breaches.contain(password).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(refused(PasswordRefusal::Breached)),
            Err(error) => {
                tracing::warn!(%error, "a new password was put off");
                Err(ApiError::Unavailable)
            }
        }
    }

    /// The rules alone, for words that were not known before.
    ///
    /// # Errors
    /// [`PasswordRefusal`] as the member `password`.
    pub fn accept_beside(&self, password: &Password, words: &[&str]) -> Result<(), ApiError> {
        password.check(self.policy, false, words).map_err(refused)
    }

    /// Waits until a multiple of the time is over after which wrong passwords are answered.
    pub async fn even_out(&self, began: Instant) {
        let step = u128::from(self.settings.wrong_after_milliseconds) * 1_000;
        if step > 0 {
            let wait = step - began.elapsed().as_micros() % step;
            tokio::time::sleep(Duration::from_micros(u64::try_from(wait).unwrap_or(0))).await;
        }
    }

    /// Most memory in KiB that checking one hash may take.
    #[must_use]
    pub fn most_memory_kib(&self) -> u32 {
        self.settings.imported_memory_kib.max(self.settings.memory_kib)
    }
}

/// A password that is not taken, as the interface says it.
#[must_use]
pub fn refused(refusal: PasswordRefusal) -> ApiError {
    ApiError::InvalidMember { member: "password", code: refusal.code(), detail: refusal.to_string() }
}

fn breaches(settings: &PasswordSettings) -> Result<Breaches, ConfigError> {
    let breached = &settings.breached;
    let is_open = breached.unanswered == UnansweredSetting::Take;
    match (breached.server(), &breached.filter) {
        (Some(server), _) => {
            let server =
                server.map_err(|error| ConfigError(format!("passwords.breached.range_url: {error}")))?;
            Ok(Breaches::Range { server, is_open })
        }
        (None, Some(file)) => {
            let filter = Filter::open(file);
            let filter =
                filter.map_err(|error| ConfigError(format!("passwords.breached.filter: {error}")))?;
            Ok(Breaches::Filter(Arc::new(filter)))
        }
        (None, None) => Ok(Breaches::Unasked),
    }
}

/// Whether any realm has passwords.
#[must_use]
pub fn is_wanted(config: &Config) -> bool {
    config.realms.iter().any(|realm| realm.passwords == PasswordsSetting::On)
}

/// Starts, ends or replaces hashing as the configuration says now. What is under way ends with the workers that it
/// began on; their memory goes with the last of it.
///
/// # Errors
/// [`ConfigError`] names the setting that cannot be used; hashing then stays as it was.
pub fn follow(server: &Server) -> Result<(), ConfigError> {
    let config = server.config.load();
    if !is_wanted(&config) {
        server.hashing.store(None);
        return Ok(());
    }
    let is_same = |hashing: &Arc<Hashing>| hashing.settings == config.passwords;
    if !server.hashing.load().as_ref().is_some_and(is_same) {
        let hashing = Hashing::start(&config.passwords, &server.keys, &mut *server.random())?;
        server.hashing.store(Some(Arc::new(hashing)));
    }
    Ok(())
}
