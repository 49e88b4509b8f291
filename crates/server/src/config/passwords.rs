//! Passwords in the words of the configuration: what a hash costs, how many at once, and where stolen ones are looked
//! for. It starts no thread and asks nobody.

use std::{path::PathBuf, time::Duration};

use countersign_domain::password::PasswordPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::passwords::{
    HashParameters, ParameterError, PoolSettings,
    breached::{Filter, Guard, RangeServer},
};

/// Passwords, where a realm has them. Nothing of this costs anything until one does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSettings {
    /// Memory of one Argon2id hash in KiB: 19456 (19 MiB) at least. `countersign doctor passwords` proposes one.
    #[schemars(range(min = 19_456, max = 1_048_576))]
    pub memory_kib: u32,
    /// Passes of a hash over its memory: 2 at least; 1 from 47104 KiB on.
    #[schemars(range(min = 1, max = 16))]
    pub passes: u32,
    /// Lanes of a hash.
    #[schemars(range(min = 1, max = 4))]
    pub lanes: u32,
    /// Hashes at once, each with memory of its own: as many as there are cores by default.
    #[schemars(range(min = 1, max = 256), example = 2)]
    pub workers: Option<u32>,
    /// Hashes that may wait; beyond, callers are told to come back. 32 for each worker by default.
    #[schemars(range(min = 1, max = 10_000), example = 64)]
    pub queue: Option<u32>,
    /// Most memory in KiB that checking an imported hash may take. All workers together never take more than their number
    /// times the larger of this and `memory_kib`.
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub imported_memory_kib: u32,
    /// The number of the pepper that new hashes are made with. Going on to the next is rotation: earlier ones stay good
    /// for checking, and every hash is made anew at its person's next sign-in. Never go back.
    #[schemars(range(min = 1, max = 1000))]
    pub pepper: u32,
    /// Least characters of a password.
    #[schemars(range(min = 15, max = 64))]
    pub least_length: u32,
    /// Sign-ins with a wrong password are answered after a multiple of so many milliseconds: a hash that was imported, or
    /// made at another cost, takes its own time and would tell a stranger that somebody is there. 0 answers at once.
    #[schemars(range(min = 0, max = 2_000))]
    pub wrong_after_milliseconds: u32,
    /// Where passwords that were stolen elsewhere are looked for.
    pub breached: BreachedSettings,
}

/// Where passwords that were stolen elsewhere are looked for: a server, a file, or nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreachedSettings {
    /// A server that speaks the range protocol of Have I Been Pwned. It learns five of forty digits of a hash.
    #[schemars(example = &"https://api.pwnedpasswords.com/range")]
    pub range_url: Option<String>,
    /// A file that `countersign passwords build-filter` made: nobody is asked.
    #[schemars(example = &"/var/lib/countersign/stolen.filter")]
    pub filter: Option<PathBuf>,
    /// What comes of a new password when the server does not answer.
    pub unanswered: UnansweredSetting,
    /// How long the server may take to answer, in milliseconds.
    #[schemars(range(min = 100, max = 10_000))]
    pub patience_milliseconds: u32,
    /// Whether the server may be asked without TLS.
    pub allow_http: bool,
    /// Whether the server may have an address of this machine or of a private network.
    pub allow_private: bool,
}

/// What comes of a new password while nobody can say whether it was stolen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnansweredSetting {
    /// It is taken: people can choose passwords while the server is away.
    #[default]
    Take,
    /// It is refused until there is an answer.
    Refuse,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            memory_kib: HashParameters::default().memory_kib(),
            passes: 2,
            lanes: 1,
            workers: None,
            queue: None,
            imported_memory_kib: 64 * 1024,
            pepper: 1,
            least_length: 15,
            wrong_after_milliseconds: 250,
            breached: BreachedSettings::default(),
        }
    }
}

impl Default for BreachedSettings {
    fn default() -> Self {
        Self {
            range_url: None,
            filter: None,
            unanswered: UnansweredSetting::Take,
            patience_milliseconds: 2_000,
            allow_http: false,
            allow_private: false,
        }
    }
}

impl PasswordSettings {
    /// What a hash costs.
    ///
    /// # Errors
    /// [`ParameterError`] below what is sound.
    pub const fn parameters(&self) -> Result<HashParameters, ParameterError> {
        HashParameters::new(self.memory_kib, self.passes, self.lanes)
    }

    /// How many hashes at once, and how many may wait.
    #[must_use]
    pub fn pool(&self) -> PoolSettings {
        let size = |number: u32| usize::try_from(number).unwrap_or(1);
        let workers = self.workers.map_or_else(|| PoolSettings::default().workers, size);
        let queue = self.queue.map_or(workers * 32, size);
        PoolSettings { workers, queue, most_memory_kib: self.imported_memory_kib }
    }

    /// How long passwords must be.
    #[must_use]
    pub fn policy(&self) -> PasswordPolicy {
        let least_alone = usize::try_from(self.least_length).unwrap_or(usize::MAX);
        PasswordPolicy { least_alone, ..PasswordPolicy::default() }
    }

    /// What is wrong with these settings, each with the key below `passwords`.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Err(error) = self.parameters() {
            let key = match error {
                ParameterError::Memory => "memory_kib",
                ParameterError::Passes => "passes",
                ParameterError::Lanes => "lanes",
            };
            problems.push((key, error.to_string()));
        }
        let breached = &self.breached;
        if breached.range_url.is_some() && breached.filter.is_some() {
            problems.push(("breached.filter", "give only one of `range_url` and `filter`".to_owned()));
        }
        if let Some(Err(error)) = breached.server() {
            problems.push(("breached.range_url", error));
        }
        if let Some(Err(error)) = breached.filter.as_deref().map(Filter::open) {
            problems.push(("breached.filter", error.to_string()));
        }
        problems
    }
}

impl BreachedSettings {
    /// The server that is asked, if one is named.
    pub(crate) fn server(&self) -> Option<Result<RangeServer, String>> {
        let guard = Guard { allow_http: self.allow_http, allow_private: self.allow_private };
        let patience = Duration::from_millis(self.patience_milliseconds.into());
        let server = RangeServer::new(self.range_url.as_deref()?, guard, patience);
        Some(server.map_err(|error| error.to_string()))
    }
}
