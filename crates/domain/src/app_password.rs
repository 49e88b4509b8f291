//! App passwords: what a person gives to a client that can send nothing but a name and a password (HTTP Basic), for named
//! apps alone. It knows no app's settings, and not who is asked.

use zeroize::Zeroizing;

use crate::{
    api_key::{ApiKeyError, check_text, draw_text},
    id::{AppPasswordId, UserId},
    random::Random,
    realm::RealmName,
    secret::Digest,
    time::{Span, Timestamp},
};

/// App passwords that one user may have.
pub const MOST: usize = 50;
/// How often at most a use is written.
const USE_NOTED: Span = Span::DAY;
/// What the text begins with.
const PREFIX: &str = "csp_";

/// The text of an app password: 160 random bits behind a beginning that leak scanners find, and a checksum.
#[derive(Clone)]
pub struct AppPasswordText(Zeroizing<String>);

impl AppPasswordText {
    /// Draws a new one.
    pub fn draw(random: &mut dyn Random) -> Self {
        Self(draw_text(PREFIX, random))
    }

    /// Reads one as a client presents it.
    ///
    /// # Errors
    /// [`ApiKeyError`] tells a typing error from something else. Whether it is known is not asked here.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        check_text(PREFIX, text)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, to be shown once and digested.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// It is not printed.
impl std::fmt::Debug for AppPasswordText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("csp_…")
    }
}

/// An app password as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPassword {
    /// Names it without giving it away.
    pub id: AppPasswordId,
    /// Where its user lives.
    pub realm: RealmName,
    /// Whose.
    pub user: UserId,
    /// Keyed digest of its text.
    pub digest: Digest,
    /// What the person calls it and the apps it is good for, sealed: the database does not tell who uses what.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the day.
    pub used_at: Option<Timestamp>,
}

impl AppPassword {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether its use now is worth a write.
    #[must_use]
    pub fn is_use_noted(&self, now: Timestamp) -> bool {
        self.used_at.is_none_or(|used| now.since(used) >= USE_NOTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn p01_an_app_password_has_160_bits_and_reads_as_it_was_shown() {
        let text = AppPasswordText::draw(&mut Seeded::new(5));
        assert_eq!(text.expose().len(), 4 + 32 + 7);
        assert_eq!(AppPasswordText::parse(text.expose()).unwrap().expose(), text.expose());
        let swapped = text.expose().replace("csp_", "cs_sk_");
        let long = format!("{}0", text.expose());
        for bad in ["", "csp_", &text.expose()[..42], &swapped, &long, &text.expose().to_uppercase()] {
            assert!(AppPasswordText::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{text:?}"), "csp_…");
    }
}
