//! Usernames: one spelling for each (PRECIS UsernameCaseMapped, RFC 8265, 3.3), and one skeleton for all that look alike
//! (UTS 39), so that nobody is taken for somebody else. Knows nobody's name.

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation as _};
use unicode_security::{MixedScript as _, confusable_detection::skeleton};

/// Fewest and most characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=32;

/// A username: as it is shown, and what all names share that look like it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username {
    name: String,
    skeleton: String,
}

/// Text that cannot be a username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Too few or too many characters.
    #[error("expected 2 to 32 characters")]
    Length,
    /// A character that is not for names.
    #[error(
        "expected letters, digits and . _ - alone, a letter or digit at both ends, and one letter at least"
    )]
    Character,
    /// Letters of several scripts, which look alike.
    #[error("expected letters of one script")]
    Script,
}

impl Username {
    /// Reads a name: capital letters and other widths become what they are shown as.
    ///
    /// # Errors
    /// [`UsernameError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        if text.len() > 4 * LENGTHS.end() {
            return Err(UsernameError::Length);
        }
        let name = UsernameCaseMapped::enforce(text).map_err(|_| UsernameError::Character)?.into_owned();
        if !LENGTHS.contains(&name.chars().count()) {
            return Err(UsernameError::Length);
        }
        let fits =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-') || is_mark(letter);
        let ends = name.starts_with(char::is_alphanumeric) && !name.ends_with(['.', '_', '-']);
        if !ends || !name.chars().all(fits) || !name.chars().any(char::is_alphabetic) {
            return Err(UsernameError::Character);
        }
        if !name.as_str().is_single_script() {
            return Err(UsernameError::Script);
        }
        // What a small letter looks like may be a capital one, which looks like another small one: 0, O, o.
        let once = skeleton(&name).collect::<String>().to_lowercase();
        let skeleton = skeleton(&once).collect::<String>().to_lowercase();
        Ok(Self { name, skeleton })
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The same for all names that look alike: what it is found by, and never shown.
    #[must_use]
    pub fn skeleton(&self) -> &str {
        &self.skeleton
    }
}

/// Marks that stand on letters where a script needs them: PRECIS has let them in already.
fn is_mark(letter: char) -> bool {
    !letter.is_ascii() && !letter.is_alphanumeric() && !letter.is_whitespace() && !letter.is_control()
}

impl std::fmt::Debug for Username {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Username(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_have_one_spelling() {
        use UsernameError as E;
        for (written, expected) in [
            ("ann", Ok("ann")),
            ("Ann.Lee-2", Ok("ann.lee-2")),
            ("ＡＮＮ", Ok("ann")),
            ("Strauße", Ok("strauße")),
            ("e\u{301}lan", Ok("\u{e9}lan")),
            ("名前", Ok("名前")),
            ("हिन्दी", Ok("हिन्दी")),
            ("a", Err(E::Length)),
            ("", Err(E::Character)),
            ("ann lee", Err(E::Character)),
            ("ann@lee", Err(E::Character)),
            ("-ann", Err(E::Character)),
            ("ann.", Err(E::Character)),
            ("12345", Err(E::Character)),
            ("ann\u{200b}", Err(E::Character)),
            ("ann\u{202e}", Err(E::Character)),
            ("an\u{0}n", Err(E::Character)),
            ("ann😀", Err(E::Character)),
            ("ⓐnn", Err(E::Character)),
            ("\u{430}nn", Err(E::Script)),
        ] {
            let read = Username::parse(written);
            assert_eq!(read.as_ref().map(Username::as_str).map_err(|error| *error), expected, "{written:?}");
        }
        assert_eq!(Username::parse(&"a".repeat(33)), Err(E::Length));
    }

    #[test]
    fn p14_names_that_look_alike_have_one_skeleton() {
        for (one, other) in [
            ("ann", "ANN"),
            ("bob", "b0b"),
            ("larry", "1arry"),
            ("mary", "rnary"),
            ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
            ("e\u{301}lan", "\u{e9}lan"),
        ] {
            let [one, other] = [one, other].map(|name| Username::parse(name).unwrap());
            assert_eq!(one.skeleton(), other.skeleton(), "{} {}", one.as_str(), other.as_str());
        }
        let [one, other] = ["ann", "anne"].map(|name| Username::parse(name).unwrap());
        assert_ne!(one.skeleton(), other.skeleton());
    }

    proptest! {
        #[test]
        fn p14_what_was_read_reads_again_as_itself(text in "\\PC{0,12}|[A-Za-z0-9._-]{0,12}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
            }
        }
    }
}
