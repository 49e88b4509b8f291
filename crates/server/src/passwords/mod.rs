//! Hashing of passwords: Argon2id under a pepper, on a pool of threads whose memory is fixed, and the hashes of others
//! that people bring along. It knows no people, no rows and no rules about what a good password is.

mod argon;
pub mod breached;
mod encoding;
mod foreign;
pub mod measure;
mod parameters;
mod pepper;
mod pool;
mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use countersign_domain::{password::Password, random::Random, secret::Secret};

pub use self::{
    parameters::{HashParameters, ParameterError},
    pepper::Peppers,
    pool::{Pool, PoolSettings},
    stored::{HashError, StoredHash},
};

/// Why nothing can be said about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More sign-ins wait than the queue holds: come back in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// A stored hash that does not read, or needs a pepper that is not there.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// A worker failed.
    #[error("hashing failed")]
    Failed,
}

/// What a password is worth against a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one.
    Wrong,
    /// It is the one.
    Right {
        /// The hash is not how it would be made today: hash the password anew and keep that.
        is_outdated: bool,
    },
}

/// Makes and checks hashes.
pub struct Passwords {
    pool: Pool,
    parameters: HashParameters,
    peppers: Arc<Peppers>,
}

impl Passwords {
    /// Starts the workers.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(
        parameters: HashParameters,
        settings: PoolSettings,
        peppers: Peppers,
    ) -> std::io::Result<Self> {
        let pool = Pool::start(settings, parameters)?;
        Ok(Self { pool, parameters, peppers: Arc::new(peppers) })
    }

    /// A hash as it is kept: a PHC string that names its parameters and its pepper, with a salt of its own.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full.
    pub async fn hash(
        &self,
        password: &Password,
        random: &mut (dyn Random + Send),
    ) -> Result<Secret<String>, Error> {
        let mut salt = [0; argon::SALT];
        random.fill(&mut salt);
        let (password, parameters, peppers) = (password.clone(), self.parameters, Arc::clone(&self.peppers));
        let work =
            move |memory: &mut argon::Memory| argon::make(&password, &salt, parameters, &peppers, memory);
        Ok(Secret::new(self.pool.run(work).await??))
    }

    /// Whether a password is the one that was hashed.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full; [`Error::Hash`] when the hash does not read or costs more than is
    /// allowed here.
    pub async fn verify(&self, password: &Password, stored: &str) -> Result<Verdict, Error> {
        let stored = StoredHash::parse(stored)?;
        stored.check_cost(self.pool.most_memory())?;
        let is_outdated = !stored.is_current(self.parameters, self.peppers.current());
        let (password, peppers) = (password.clone(), Arc::clone(&self.peppers));
        let is_right = self.pool.run(move |memory| stored.verify(&password, &peppers, memory)).await??;
        Ok(if is_right { Verdict::Right { is_outdated } } else { Verdict::Wrong })
    }

    /// A hash of nothing, as it would be made now: checking a password against it is the work for a person who does not
    /// exist or has none, and no password is right.
    #[must_use]
    pub fn decoy(&self) -> String {
        argon::write(&[0; argon::SALT], &[0; argon::OUTPUT], self.parameters, self.peppers.current())
    }
}
