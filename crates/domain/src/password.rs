//! Passwords: which are taken, and the one form that is hashed. The rules are those of NIST SP 800-63B-4 and ASVS 5.0:
//! length counts, composition does not, and what anybody would guess is refused with the reason. It knows no hash, no
//! list of breached passwords and nobody's address beyond the words that it is given.

mod guessable;
mod pieces;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::secret::Secret;

/// Least characters of a password that is all a person has.
pub const LEAST_ALONE: usize = 15;
/// Least characters of a password beside a second factor.
pub const LEAST_WITH_SECOND_FACTOR: usize = 8;
/// Most characters of a password. Whatever is shorter counts to its last byte.
pub const MOST: usize = 1024;
/// The most that an operator may ask for at least: so many characters are always enough.
pub const MOST_LEAST: usize = 64;

/// A password in the form that is hashed: Unicode's NFC, nothing else changed and nothing cut off. Spaces, NUL and
/// letters of any script count like others.
#[derive(Clone, Debug)]
pub struct Password(Secret<String>);

/// Why a password is not taken. The text says what to do and never repeats the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Nothing, or fewer characters than are asked for.
    #[error("choose at least {least} characters: a few words make a good password")]
    TooShort {
        /// How many are asked for.
        least: usize,
    },
    /// More than [`MOST`] characters.
    #[error("choose at most 1024 characters")]
    TooLong,
    /// Among the most used, or one thing over and over.
    #[error("this is among the first that anybody would try: choose another")]
    Common,
    /// Little more than the name of the app or the person's own name or address.
    #[error("this is made of your name, your address or the name of this service: choose another")]
    Contextual,
    /// Found in a collection of passwords that were stolen elsewhere.
    #[error("this was found among passwords that were stolen elsewhere: choose another")]
    Breached,
}

impl PasswordRefusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::Common => "password_common",
            Self::Contextual => "password_contextual",
            Self::Breached => "password_breached",
        }
    }
}

/// How long passwords must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Least characters where a password is all that is asked for: 15 to 64.
    pub least_alone: usize,
    /// Least characters where a second factor is asked for too: 8 to 64.
    pub least_with_second_factor: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { least_alone: LEAST_ALONE, least_with_second_factor: LEAST_WITH_SECOND_FACTOR }
    }
}

impl Password {
    /// A password as a person typed it. Whether it is a good one is not looked at: an old one must still be checked.
    ///
    /// # Errors
    /// [`PasswordRefusal::TooShort`] for nothing at all, [`PasswordRefusal::TooLong`] beyond 1024 characters.
    pub fn parse(text: &str) -> Result<Self, PasswordRefusal> {
        // Composing joins four characters at most: nothing longer can be short enough, and the work is bounded.
        if text.chars().nth(MOST * 4).is_some() {
            return Err(PasswordRefusal::TooLong);
        }
        let normal = Secret::new(ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned());
        match normal.expose().chars().count() {
            0 => Err(PasswordRefusal::TooShort { least: 1 }),
            length if length > MOST => Err(PasswordRefusal::TooLong),
            _ => Ok(Self(normal)),
        }
    }

    /// The characters, for the one place that hashes them.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether this may become somebody's password. `words` are what anybody would try first for this person: titles
    /// of the app and the realm, the address, the name, each as it is.
    ///
    /// # Errors
    /// The first reason why not. [`PasswordRefusal::Breached`] is for others to say.
    pub fn check(
        &self,
        policy: PasswordPolicy,
        has_second_factor: bool,
        words: &[&str],
    ) -> Result<(), PasswordRefusal> {
        let least = if has_second_factor { policy.least_with_second_factor } else { policy.least_alone };
        if self.expose().chars().count() < least {
            return Err(PasswordRefusal::TooShort { least });
        }
        if guessable::is_common(self.expose()) {
            return Err(PasswordRefusal::Common);
        }
        if guessable::is_contextual(self.expose(), words) {
            return Err(PasswordRefusal::Contextual);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, proptest};

    use super::{MOST, Password, PasswordPolicy, PasswordRefusal};

    const WORDS: [&str; 4] =
        ["Blue Harbour", "Members", "grace.hopper@navy.example.org", "Grace Brewster Hopper"];

    fn check(text: &str, has_second_factor: bool) -> Result<(), PasswordRefusal> {
        Password::parse(text)?.check(PasswordPolicy::default(), has_second_factor, &WORDS)
    }

    #[test]
    fn p24_length_counts_in_characters_and_less_beside_a_second_factor() {
        let short = |least| Err(PasswordRefusal::TooShort { least });
        let cases = [
            ("", false, short(1)),
            ("", true, short(1)),
            ("vioka7!", true, short(8)),
            ("vioka7!p", true, Ok(())),
            ("vioka7!p", false, short(15)),
            ("quiet lampshade", false, Ok(())),
            ("quiet lampshad", false, short(15)),
            // Fourteen characters, but many more bytes.
            ("ключотквартиры", false, short(15)),
            ("ключ от квартиры", false, Ok(())),
            // Fifteen as typed, fourteen when composed.
            ("quiet lampsha\u{308}d", false, short(15)),
        ];
        for (text, second, expected) in cases {
            assert_eq!(check(text, second), expected, "{text:?} {second}");
        }
    }

    #[test]
    fn p24_long_ones_are_taken_and_nothing_is_composed_of_rules() {
        let long =
            |length: usize| "ab1 Cd.2ef?".chars().cycle().take(length - 5).chain("zebra".chars()).collect();
        for length in [64_usize, 65, 72, 73, 128, 1000, MOST] {
            let text: String = long(length);
            assert_eq!(check(&text, false), Ok(()), "{length}");
        }
        let too_long: String = long(MOST + 1);
        assert_eq!(check(&too_long, false), Err(PasswordRefusal::TooLong));
        assert_eq!(check(&"x".repeat(1_000_000), false), Err(PasswordRefusal::TooLong));
        for text in ["only small letters here", "94811 20577 36261", "ALL LARGE AND LOUD"] {
            assert_eq!(check(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn p24_the_same_letters_are_the_same_password_and_no_byte_is_lost() {
        let of = |text| Password::parse(text).unwrap().expose().to_owned();
        assert_eq!(of("Gru\u{308}ße aus Köln"), of("Grüße aus Köln"));
        assert_eq!(of("Ko\u{308}ln"), "Köln");
        // NFC, not NFKC: what only looks alike stays another.
        assert_ne!(of("ﬁsh"), of("fish"));
        for text in ["before\0after", " space around ", "tab\tand\nline", "🦀🦀🦀"] {
            assert_eq!(of(text), text);
        }
        assert_ne!(of("before\0after"), of("before\0other"));
    }

    #[test]
    fn p24_common_and_contextual_ones_are_refused_with_the_reason() {
        let common = [
            "password1",
            "password1234567",
            "PassWord1",
            "qwertyuiop",
            "aaaaaaaaaaaaaaaaaaa",
            "qwertyqwertyqwerty",
        ];
        let runs = ["abcdefghijklmnop", "123456789012345678", "9876543210987654", "passwordpassword"];
        for text in common.iter().chain(&runs) {
            assert_eq!(check(text, true), Err(PasswordRefusal::Common), "{text}");
        }
        let own = [
            "BlueHarbour2026!!",
            "grace.hopper@navy.example.org",
            "hopper-grace-1906",
            "blue harbour members",
        ];
        for text in own {
            assert_eq!(check(text, false), Err(PasswordRefusal::Contextual), "{text}");
        }
        // A word of one's own among others is no reason.
        for text in ["the harbour smells of tar", "saving grace of the kettle"] {
            assert_eq!(check(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn p24_no_password_is_printed() {
        let password = Password::parse("quiet lampshade").unwrap();
        assert_eq!(format!("{password:?}"), "Password(Secret(…))");
    }

    proptest! {
        #[test]
        fn p24_any_text_is_taken_or_refused_and_normalising_twice_changes_nothing(
            text in prop::collection::vec(any::<char>(), 0..1200).prop_map(String::from_iter),
            second in any::<bool>(),
        ) {
            if let Ok(password) = Password::parse(&text) {
                let again = Password::parse(password.expose());
                assert_eq!(again.map(|again| again.expose().to_owned()), Ok(password.expose().to_owned()));
                let _ = password.check(PasswordPolicy::default(), second, &WORDS);
            }
        }
    }
}
