//! Recovery codes: a sheet of ten, each good once, for the day when everything else is lost. What they are made of, how
//! they are read, and which are spent. It knows no digest: which code of the sheet was typed comes in as an argument.

use zeroize::Zeroizing;

use crate::random::Random;

/// Codes on a sheet.
pub const ON_A_SHEET: usize = 10;
/// Characters of a code: 125 bits (security property 22 asks for 120).
const LENGTH: usize = 25;
/// Characters between two hyphens.
const GROUP: usize = 5;
/// Longest input that is looked at, in bytes.
const LONGEST_INPUT: usize = 96;
/// Crockford's base 32: no I, L, O or U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code, drawn or typed.
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<String>);

/// What was typed is no recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recovery code has 25 letters and digits")]
pub struct RecoveryCodeError;

impl RecoveryCode {
    /// Draws a code: every code is equally likely.
    pub fn draw(random: &mut dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        random.fill(&mut *bytes);
        Self(Zeroizing::new(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()))
    }

    /// Reads what a person typed from a sheet: spaces and hyphens are dropped, letters taken as capitals, and those that
    /// no code has as the digits that they look like.
    ///
    /// # Errors
    /// [`RecoveryCodeError`] when what remains is not 25 of a code's characters, or the input exceeds 96 bytes.
    pub fn parse(typed: &str) -> Result<Self, RecoveryCodeError> {
        if typed.len() > LONGEST_INPUT {
            return Err(RecoveryCodeError);
        }
        let is_space = |letter: &char| matches!(letter, ' ' | '-' | '\t' | '\r' | '\n' | '\u{a0}');
        let kept: Zeroizing<String> =
            Zeroizing::new(typed.chars().filter(|letter| !is_space(letter)).map(meant).collect());
        let fits = kept.len() == LENGTH && kept.bytes().all(|byte| LETTERS.contains(&byte));
        if fits { Ok(Self(kept)) } else { Err(RecoveryCodeError) }
    }

    /// The 25 characters.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As it stands on the sheet: five groups of five.
    #[must_use]
    pub fn shown(&self) -> Zeroizing<String> {
        let groups: Vec<&str> =
            (0..LENGTH).step_by(GROUP).map(|start| &self.0[start..start + GROUP]).collect();
        Zeroizing::new(groups.join("-"))
    }
}

/// A code is not printed.
impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

fn meant(letter: char) -> char {
    match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }
}

/// How many of a sheet's codes are left, where `spent` has a bit for each one that is not.
#[must_use]
pub const fn left(spent: i64) -> u32 {
    (ON_A_SHEET as u32).saturating_sub(spent.count_ones())
}

/// What is spent with the code at this place of the sheet, counted from 0; nothing where it was spent before.
#[must_use]
pub const fn spend(spent: i64, place: usize) -> Option<i64> {
    let bit = 1 << place;
    if spent & bit == 0 { Some(spent | bit) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn p22_a_code_has_120_bits_all_of_which_are_used() {
        let bits = (LETTERS.len() as f64).log2() * LENGTH as f64;
        assert!(bits >= 120.0, "{bits}");
        let mut random = Seeded::new(1);
        let mut seen = [[0_u32; 32]; LENGTH];
        for _ in 0..20_000 {
            let code = RecoveryCode::draw(&mut random);
            for (counts, letter) in seen.iter_mut().zip(code.expose().bytes()) {
                counts[LETTERS.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        for counts in seen {
            let expected = 20_000.0 / 32.0;
            let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            assert!(chi < 70.0, "31 degrees of freedom, p > 0.0001: {chi}");
        }
    }

    #[test]
    fn p22_each_code_of_a_sheet_is_spent_once() {
        let mut spent = 0;
        for place in 0..ON_A_SHEET {
            assert_eq!(left(spent), 10 - place as u32);
            spent = spend(spent, place).unwrap();
            assert_eq!(spend(spent, place), None);
        }
        assert_eq!(left(spent), 0);
    }

    #[test]
    fn what_a_person_types_from_a_sheet_is_read_forgivingly() {
        let shown = "0123V-56789-ABCDE-FGHJK-MNPQR";
        let code = RecoveryCode::parse(shown).unwrap();
        assert_eq!((code.shown().as_str(), code.expose()), (shown, "0123V56789ABCDEFGHJKMNPQR"));
        for typed in
            ["o1 23v 56789 abcde fghjk mnpqr", "OI23V56789ABCDEFGHJKMNPQR", "0l23V-56789ABCDE-FGHJKMNPQR\n"]
        {
            assert_eq!(RecoveryCode::parse(typed).unwrap().expose(), code.expose(), "{typed}");
        }
        for typed in [
            "",
            "0123V-56789",
            "U123V-56789-ABCDE-FGHJK-MNPQR",
            "０123V-56789-ABCDE-FGHJK-MNPQR",
            "ſ123V-56789-ABCDE-FGHJK-MNPQR",
        ] {
            assert!(RecoveryCode::parse(typed).is_err(), "{typed}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(seed: u64) {
            let code = RecoveryCode::draw(&mut Seeded::new(seed));
            let read = RecoveryCode::parse(&code.shown().to_lowercase()).unwrap();
            prop_assert_eq!(read.expose(), code.expose());
        }

        #[test]
        fn whatever_is_typed_never_panics(typed in "\\PC{0,40}|[0-9a-zA-Z -]{20,40}") {
            if let Ok(code) = RecoveryCode::parse(&typed) {
                prop_assert_eq!(code.expose().len(), LENGTH);
            }
        }
    }
}
