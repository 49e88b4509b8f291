//! The keys that sign mail, by the domain they speak for.

use countersign_domain::{secret::Secret, time::Timestamp};

use crate::{
    config::{ConfigError, DkimSettings},
    outbox::{
        dkim::{self, DkimError, DkimKey},
        mail::Mail,
    },
};

/// Keys by domain: a mail is signed with those of its sender's domain or one above it.
#[derive(Default)]
pub struct DkimKeys(Vec<(String, Vec<DkimKey>)>);

impl DkimKeys {
    /// Reads the keys of a configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the file that cannot be read or holds no key.
    pub fn read(settings: &[DkimSettings]) -> Result<Self, ConfigError> {
        let mut keys: Vec<(String, Vec<DkimKey>)> = Vec::new();
        for DkimSettings { domain, selector, key_file } in settings {
            let wrong = |why: String| ConfigError(format!("mail.dkim: {}: {why}", key_file.display()));
            let pem = std::fs::read_to_string(key_file)
                .map(Secret::new)
                .map_err(|error| wrong(error.to_string()))?;
            let key = DkimKey::from_pem(domain, selector, &pem).map_err(|error| wrong(error.to_string()))?;
            match keys.iter_mut().find(|(other, _)| other == domain) {
                Some((_, of_domain)) => of_domain.push(key),
                None => keys.push((domain.clone(), vec![key])),
            }
        }
        Ok(Self(keys))
    }

    /// Signs a mail with every key of its sender's domain; mails of other domains stay as they are.
    ///
    /// # Errors
    /// [`DkimError`] when the library fails.
    pub fn sign(&self, mail: &mut Mail, now: Timestamp) -> Result<(), DkimError> {
        let sender = mail.envelope.from.domain();
        let speaks_for = |domain: &str| {
            sender == domain || sender.strip_suffix(domain).is_some_and(|host| host.ends_with('.'))
        };
        if let Some((_, keys)) = self.0.iter().find(|(domain, _)| speaks_for(domain)) {
            mail.message = dkim::sign(&mail.message, keys, now)?;
        }
        Ok(())
    }
}
