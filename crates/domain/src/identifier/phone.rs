//! Phone numbers as ITU-T E.164 writes them. Knows no network and no plan of numbers: whether somebody answers is not
//! asked, and nothing is sent to them yet.

/// Fewest and most digits, the country's among them: E.164 allows 15, and no country has complete numbers below 7.
const LENGTHS: std::ops::RangeInclusive<usize> = 7..=15;
/// What people write between digits (RFC 3966, 5.1.1), and a space.
const SEPARATORS: [char; 5] = [' ', '-', '.', '(', ')'];

/// A number in its one canonical form: `+` and 7 to 15 digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

/// Text that is no phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected + and the country, then 7 to 15 digits in all, such as +49 30 901820")]
pub struct PhoneError;

impl PhoneNumber {
    /// Reads a number as people write it, with the country in front.
    ///
    /// # Errors
    /// [`PhoneError`] for everything else: numbers without their country, extensions, letters, other digits than 0 to 9.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let written = text.trim().strip_prefix('+').ok_or(PhoneError)?;
        if written.len() > 40 || !written.ends_with(|last: char| last.is_ascii_digit()) {
            return Err(PhoneError);
        }
        let mut canonical = String::from("+");
        for letter in written.chars() {
            match letter {
                '0'..='9' => canonical.push(letter),
                _ if SEPARATORS.contains(&letter) && canonical.len() > 1 => {}
                _ => return Err(PhoneError),
            }
        }
        let fits = LENGTHS.contains(&(canonical.len() - 1)) && !canonical.starts_with("+0");
        if fits { Ok(Self(canonical)) } else { Err(PhoneError) }
    }

    /// The canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p12_numbers_have_one_form() {
        for (written, expected) in [
            ("+4930901820", Some("+4930901820")),
            (" +49 (30) 90-18.20 ", Some("+4930901820")),
            ("+1 202 555 0123", Some("+12025550123")),
            ("+123456789012345", Some("+123456789012345")),
            ("+1234567890123456", None),
            ("+123456", None),
            ("030 901820", None),
            ("+030 901820", None),
            ("0049 30 901820", None),
            ("+49 30 901820 ext. 5", None),
            ("+49 30 901820;ext=5", None),
            ("+(49) 30 901820", None),
            ("++4930901820", None),
            ("+49\u{a0}30 901820", None),
            ("+٤٩٣٠٩٠١٨٢٠", None),
            ("+4930901820-", None),
            ("", None),
            ("+", None),
        ] {
            let read = PhoneNumber::parse(written).ok();
            assert_eq!(read.as_ref().map(PhoneNumber::as_str), expected, "{written:?}");
        }
    }

    proptest! {
        #[test]
        fn p12_what_was_read_reads_again_as_itself(text in "\\+?[0-9 ().-]{0,20}|.{0,20}") {
            if let Ok(number) = PhoneNumber::parse(&text) {
                prop_assert!(number.as_str().bytes().skip(1).all(|byte| byte.is_ascii_digit()));
                prop_assert_eq!(PhoneNumber::parse(number.as_str()), Ok(number));
            }
        }
    }
}
