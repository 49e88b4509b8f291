//! What a grant lets an app know and do (RFC 6749, 3.3). It knows no person and no app.

use std::sync::Arc;

/// A scope: 1 to 64 of `a-z`, `0-9`, `:`, `.`, `_` and `-`. Some have a meaning here, the others are the app's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<str>);

/// What is no scope, or one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Characters or length.
    #[error("a scope has 1 to 64 characters of a-z, 0-9, :, ., _ and -")]
    Form,
    /// Longer than [`Scopes::MOST`].
    #[error("at most 32 scopes")]
    TooMany,
}

impl Scope {
    /// The address of the person.
    pub const EMAIL: &str = "read:email";
    /// The name by which the person signs in.
    pub const USERNAME: &str = "read:username";
    /// Whether the person is an administrator.
    pub const USER_ROLE: &str = "read:user-role";
    /// The groups that the person is in.
    pub const GROUPS: &str = "read:groups";
    /// What the person is called.
    pub const NAME: &str = "read:name";

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":._-".contains(&byte);
        let is_scope = (1..=64).contains(&text.len()) && text.bytes().all(fits);
        if is_scope { Ok(Self(text.into())) } else { Err(ScopeError::Form) }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Some scopes, each once, in the order of their text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Most scopes at once.
    pub const MOST: usize = 32;

    /// These, in whichever order and however often they are named.
    ///
    /// # Errors
    /// [`ScopeError::TooMany`].
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, ScopeError> {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.len() > Self::MOST { Err(ScopeError::TooMany) } else { Ok(Self(scopes)) }
    }

    /// Each of these texts read.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, ScopeError> {
        let scopes: Result<Vec<_>, _> = texts.into_iter().map(|text| text.as_ref().parse()).collect();
        Self::new(scopes?)
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known.as_str() == scope)
    }

    /// All that are among these or those. More than [`MOST`](Self::MOST) may come together from several grants.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        let mut all: Vec<_> = self.0.iter().chain(&others.0).cloned().collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// They, in the order of their text.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As OAuth writes them: with a space between (RFC 6749, 3.3).
impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, scope) in self.0.iter().enumerate() {
            write!(f, "{}{scope}", if number == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_in_any_order_and_each_once() {
        let scopes = Scopes::parse(["read:name", "wiki.write", "read:email", "read:name"]).unwrap();
        assert_eq!(scopes.to_string(), "read:email read:name wiki.write");
        assert!(scopes.has(Scope::EMAIL) && !scopes.has(Scope::GROUPS));
        let more = scopes.and(&Scopes::parse([Scope::GROUPS, Scope::EMAIL]).unwrap());
        assert_eq!(more.to_string(), "read:email read:groups read:name wiki.write");
        assert_eq!(Scopes::default().to_string(), "");
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for bad in ["", "a b", "A", "a\"", "a\\", "ä", "a\r\n", &"a".repeat(65)] {
            assert_eq!(bad.parse::<Scope>(), Err(ScopeError::Form), "{bad}");
        }
        let many = (0..33).map(|number| format!("s{number}"));
        assert_eq!(Scopes::parse(many), Err(ScopeError::TooMany));
    }
}
