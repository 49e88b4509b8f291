//! The name of a group: of people, or of apps. It knows no member.

use std::sync::Arc;

use crate::slug::is_slug;

/// Names a group of people or of apps within a realm: 1 to 63 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(Arc<str>);

/// A name that no group can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a group's name has 1 to 63 characters of a-z, 0-9 and -, and neither begins nor ends with -")]
pub struct GroupNameError;

impl GroupName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for GroupName {
    type Err = GroupNameError;

    fn from_str(text: &str) -> Result<Self, GroupNameError> {
        if is_slug(text) { Ok(Self(text.into())) } else { Err(GroupNameError) }
    }
}

impl std::fmt::Display for GroupName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_slugs() {
        assert_eq!("family".parse::<GroupName>().unwrap().to_string(), "family");
        for bad in ["", "-a", "A", "a b", "a,b", "ä"] {
            assert_eq!(bad.parse::<GroupName>(), Err(GroupNameError), "{bad}");
        }
    }
}
