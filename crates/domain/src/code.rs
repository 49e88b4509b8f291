//! Codes that a person reads in a mail and types: drawn uniformly, read forgivingly, never printed.

use zeroize::Zeroizing;

use crate::random::{Random, below};

/// What codes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Alphabet {
    /// `0` to `9`: what one-time code fields of browsers and phones expect.
    #[default]
    Digits,
    /// Digits and capital letters without those that are mistaken for another (0 O 1 I L U): 30 characters.
    Unambiguous,
}

impl Alphabet {
    /// The characters, each once.
    #[must_use]
    pub const fn letters(self) -> &'static [u8] {
        match self {
            Self::Digits => b"0123456789",
            Self::Unambiguous => b"23456789ABCDEFGHJKMNPQRSTVWXYZ",
        }
    }
}

/// The form of an app's codes: 6 to 10 characters of an alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeForm {
    alphabet: Alphabet,
    length: usize,
}

impl CodeForm {
    /// Shortest code: one guess of a million.
    pub const SHORTEST: usize = 6;
    /// Longest code a person is asked to type.
    pub const LONGEST: usize = 10;

    /// A form of `length` characters (6 to 10), or `None` outside that range.
    #[must_use]
    pub fn new(alphabet: Alphabet, length: usize) -> Option<Self> {
        (Self::SHORTEST..=Self::LONGEST).contains(&length).then_some(Self { alphabet, length })
    }

    /// Whether it is made of digits alone, as a keyboard of digits types it.
    #[must_use]
    pub const fn is_digits(self) -> bool {
        matches!(self.alphabet, Alphabet::Digits)
    }

    /// Draws a code: every code of this form is equally likely.
    pub fn draw(self, random: &mut dyn Random) -> Code {
        let letters = self.alphabet.letters();
        let text = (0..self.length).map(|_| char::from(letters[below(random, letters.len())])).collect();
        Code(Zeroizing::new(text))
    }

    /// How likely one guess hits one code, in millionths, rounded up: 1 for six digits or anything longer.
    #[must_use]
    pub fn chance_in_millionths(self) -> u32 {
        let space = (self.alphabet.letters().len() as u64).saturating_pow(self.length as u32);
        u32::try_from(1_000_000_u64.div_ceil(space)).unwrap_or(u32::MAX)
    }
}

impl Default for CodeForm {
    fn default() -> Self {
        Self { alphabet: Alphabet::Digits, length: Self::SHORTEST }
    }
}

/// A code, drawn or typed.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

/// What was typed cannot be any code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 6 to 10 digits or letters")]
pub struct CodeError;

impl Code {
    /// Reads what a person typed or pasted: spaces and hyphens are dropped, letters taken as capitals.
    ///
    /// # Errors
    /// [`CodeError`] when what remains is not 6 to 10 ASCII letters and digits, or the input exceeds 64 bytes.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        if typed.len() > 64 {
            return Err(CodeError);
        }
        let kept: Zeroizing<String> = Zeroizing::new(
            typed
                .chars()
                .filter(|letter| !matches!(letter, ' ' | '-' | '\t' | '\r' | '\n' | '\u{a0}'))
                .map(|letter| letter.to_ascii_uppercase())
                .collect(),
        );
        let fits = (CodeForm::SHORTEST..=CodeForm::LONGEST).contains(&kept.len());
        if fits && kept.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(kept))
        } else {
            Err(CodeError)
        }
    }

    /// The characters, for the mail and for digests only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    /// Chi-square of counts against a uniform expectation.
    fn chi_square(counts: &[u64]) -> f64 {
        let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
        counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
    }

    fn place_counts(form: CodeForm, draws: usize) -> Vec<Vec<u64>> {
        let letters = form.alphabet.letters();
        let mut random = Seeded::new(42);
        let mut counts = vec![vec![0; letters.len()]; form.length];
        for _ in 0..draws {
            let code = form.draw(&mut random);
            assert_eq!(code.expose().len(), form.length, "leading zeros are kept");
            for (place, byte) in code.expose().bytes().enumerate() {
                counts[place][letters.iter().position(|&letter| letter == byte).unwrap()] += 1;
            }
        }
        counts
    }

    #[test]
    fn p01_codes_are_uniform_in_every_place() {
        // Critical values of chi-square at p = 0.001: 27.88 for 9 degrees of freedom, 58.30 for 29.
        for (alphabet, length, critical) in
            [(Alphabet::Digits, 6, 27.88), (Alphabet::Digits, 10, 27.88), (Alphabet::Unambiguous, 8, 58.30)]
        {
            for counts in place_counts(CodeForm::new(alphabet, length).unwrap(), 100_000) {
                assert!(chi_square(&counts) < critical, "{alphabet:?} {counts:?}");
            }
        }
    }

    #[test]
    fn p01_no_code_is_shorter_than_six() {
        assert!(CodeForm::new(Alphabet::Digits, 5).is_none());
        assert!(CodeForm::new(Alphabet::Digits, 11).is_none());
        assert_eq!(CodeForm::default().chance_in_millionths(), 1);
        assert_eq!(CodeForm::new(Alphabet::Unambiguous, 10).unwrap().chance_in_millionths(), 1);
    }

    #[test]
    fn what_people_type_is_read() {
        for (typed, read) in [
            ("123456", Some("123456")),
            (" 012 345 ", Some("012345")),
            ("abcd-2345", Some("ABCD2345")),
            ("12345", None),
            ("12345678901", None),
            ("12345é", None),
            ("１２３４５６", None),
            ("", None),
        ] {
            assert_eq!(Code::parse(typed).ok().as_ref().map(Code::expose), read, "{typed:?}");
        }
        assert_eq!(format!("{:?}", Code::parse("123456").unwrap()), "Code(…)");
    }
}
