//! An administrator's credential over a network: what it may do, and in which realm. Kept as a digest, as an app's key
//! is, and of the same form. It knows no route.

use zeroize::Zeroizing;

use crate::{
    api_key::{ApiKeyError, check_text, draw_text},
    id::AdminKeyId,
    random::Random,
    realm::RealmName,
    secret::Digest,
    time::Timestamp,
};

/// What the text of an admin key begins with.
pub const ADMIN_KEY_PREFIX: &str = "cs_ak_";

/// What an admin key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminScope {
    /// See everything that is shown, change nothing.
    Read,
    /// See and change people, their sessions and invitations.
    Users,
    /// See and change apps, and what they have under way: messages, tokens.
    Apps,
    /// See, make and end the keys of apps and those that sign.
    Keys,
    /// Everything, admin keys and realms too.
    All,
}

impl AdminScope {
    /// Every scope there is.
    pub const EVERY: [Self; 5] = [Self::Read, Self::Users, Self::Apps, Self::Keys, Self::All];

    /// The name under which it travels and is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Users => "users",
            Self::Apps => "apps",
            Self::Keys => "keys",
            Self::All => "all",
        }
    }
}

/// A name that no scope has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected scopes out of read, users, apps, keys and all, at least one")]
pub struct AdminScopeError;

impl std::str::FromStr for AdminScope {
    type Err = AdminScopeError;

    fn from_str(text: &str) -> Result<Self, AdminScopeError> {
        Self::EVERY.into_iter().find(|scope| scope.name() == text).ok_or(AdminScopeError)
    }
}

/// The scopes of a key: at least one, each once, in the order of [`AdminScope::EVERY`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminScopes(Vec<AdminScope>);

impl AdminScopes {
    /// These scopes, in whichever order and however often they are named.
    ///
    /// # Errors
    /// [`AdminScopeError`] when there is none.
    pub fn new(scopes: impl IntoIterator<Item = AdminScope>) -> Result<Self, AdminScopeError> {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() { Err(AdminScopeError) } else { Ok(Self(scopes)) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = AdminScope> {
        self.0.iter().copied()
    }

    /// Whether they allow what `scope` allows.
    #[must_use]
    pub fn allow(&self, scope: AdminScope) -> bool {
        self.0.contains(&scope) || self.0.contains(&AdminScope::All)
    }
}

/// Their names with spaces between them.
impl std::fmt::Display for AdminScopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.iter().map(AdminScope::name).collect();
        f.write_str(&names.join(" "))
    }
}

impl std::str::FromStr for AdminScopes {
    type Err = AdminScopeError;

    fn from_str(text: &str) -> Result<Self, AdminScopeError> {
        let scopes: Result<Vec<_>, _> = text.split(' ').map(str::parse).collect();
        Self::new(scopes?)
    }
}

/// An admin key's text: of the form of an API key, with a beginning of its own.
#[derive(Clone)]
pub struct AdminKeyText(Zeroizing<String>);

/// Text that cannot be an admin key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminKeyError {
    /// It does not look like one at all.
    #[error("an admin key begins with cs_ak_ and has 45 characters")]
    Form,
    /// It looks like one, and a character is wrong or missing.
    #[error("the admin key has a typing error: its checksum does not fit")]
    Checksum,
}

impl AdminKeyText {
    /// Draws a new key.
    pub fn draw(random: &mut dyn Random) -> Self {
        Self(draw_text(ADMIN_KEY_PREFIX, random))
    }

    /// Reads a key as a caller presents it.
    ///
    /// # Errors
    /// [`AdminKeyError`] tells a typing error from something that is no key. Whether the key is known is not asked here.
    pub fn parse(text: &str) -> Result<Self, AdminKeyError> {
        check_text(ADMIN_KEY_PREFIX, text).map_err(|error| match error {
            ApiKeyError::Form => AdminKeyError::Form,
            ApiKeyError::Checksum => AdminKeyError::Checksum,
        })?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, to be shown once and digested.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AdminKeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{ADMIN_KEY_PREFIX}…")
    }
}

/// An admin key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminKey {
    /// Names it without giving it away.
    pub id: AdminKeyId,
    /// The realm that it administers; none for all of them.
    pub realm: Option<RealmName>,
    /// What it may do there.
    pub scopes: AdminScopes,
    /// Keyed digest of its text.
    pub digest: Digest,
    /// What the operator calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl AdminKey {
    /// Whether the key opens anything at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it administers a realm.
    #[must_use]
    pub fn covers(&self, realm: &RealmName) -> bool {
        self.realm.as_ref().is_none_or(|own| own == realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api_key::{ApiKeyKind, ApiKeyText},
        testing::Seeded,
    };

    #[test]
    fn an_admin_key_is_no_key_of_an_app_and_the_other_way_round() {
        let admin = AdminKeyText::draw(&mut Seeded::new(1));
        assert_eq!(AdminKeyText::parse(admin.expose()).unwrap().expose(), admin.expose());
        assert_eq!(ApiKeyText::parse(admin.expose()).err(), Some(ApiKeyError::Form));
        let app = ApiKeyText::draw(ApiKeyKind::Secret, &mut Seeded::new(1));
        assert_eq!(AdminKeyText::parse(app.expose()).err(), Some(AdminKeyError::Form));
        let dressed = app.expose().replace("cs_sk_", "cs_ak_");
        assert_eq!(AdminKeyText::parse(&dressed).err(), Some(AdminKeyError::Checksum));
        assert_eq!(format!("{admin:?}"), "cs_ak_…");
    }

    #[test]
    fn scopes_are_read_in_any_order_and_allow_what_they_name() {
        for (text, expected) in [
            ("read", Some("read")),
            ("keys read keys", Some("read keys")),
            ("all users", Some("users all")),
            ("", None),
            ("root", None),
            ("read  users", None),
        ] {
            let read = text.parse::<AdminScopes>().ok().map(|scopes| scopes.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        let users: AdminScopes = "users".parse().unwrap();
        let allowed = AdminScope::EVERY.map(|scope| users.allow(scope));
        assert_eq!(allowed, [false, true, false, false, false]);
        let all: AdminScopes = "all".parse().unwrap();
        assert!(AdminScope::EVERY.into_iter().all(|scope| all.allow(scope)));
    }
}
