//! Time-based one-time passwords (RFC 6238): what a code looks like, which steps are looked at, and that each is good
//! once. It computes no code: the codes of the steps come in as an argument.

use zeroize::Zeroizing;

use crate::time::Timestamp;

/// How long a code is shown, in seconds: what every authenticator app assumes.
pub const PERIOD_SECONDS: i64 = 30;
/// Authenticator apps that one person may have.
pub const MOST: usize = 5;
/// Longest input that is looked at, in bytes.
const LONGEST_INPUT: usize = 64;

/// The hash that codes are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TotpAlgorithm {
    /// HMAC-SHA-1: the one that every app knows. What makes SHA-1 weak for signatures (collisions) is no weakness of HMAC.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl TotpAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The name that the URI for authenticator apps has for it, under which it is stored too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The algorithm that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// How long a secret is in bytes: as long as the hash (RFC 4226, 4, R6; RFC 6238, 5.1).
    #[must_use]
    pub const fn secret_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// How long codes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Digits {
    /// Six.
    #[default]
    Six,
    /// Eight.
    Eight,
}

impl Digits {
    /// How many.
    #[must_use]
    pub const fn count(self) -> u32 {
        match self {
            Self::Six => 6,
            Self::Eight => 8,
        }
    }

    /// The length that [`count`](Self::count) gives.
    #[must_use]
    pub const fn from_count(count: u32) -> Option<Self> {
        match count {
            6 => Some(Self::Six),
            8 => Some(Self::Eight),
            _ => None,
        }
    }
}

/// A code, computed or typed: six or eight digits.
#[derive(Clone)]
pub struct TotpCode(Zeroizing<String>);

/// What was typed is no code of any authenticator app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the 6 or 8 digits that the authenticator app shows")]
pub struct TotpCodeError;

impl TotpCode {
    /// Reads what a person typed or pasted: spaces and hyphens between the digits are dropped.
    ///
    /// # Errors
    /// [`TotpCodeError`] for anything but 6 or 8 ASCII digits, or more than 64 bytes of input.
    pub fn parse(typed: &str) -> Result<Self, TotpCodeError> {
        if typed.len() > LONGEST_INPUT {
            return Err(TotpCodeError);
        }
        let is_space = |letter: &char| matches!(letter, ' ' | '-' | '\t' | '\r' | '\n' | '\u{a0}');
        let kept: Zeroizing<String> =
            Zeroizing::new(typed.chars().filter(|letter| !is_space(letter)).collect());
        let fits = matches!(kept.len(), 6 | 8) && kept.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(kept)) } else { Err(TotpCodeError) }
    }

    /// The code of a truncated hash (RFC 4226, 5.3): its last digits, with leading zeros.
    #[must_use]
    pub fn of(truncated: u32, digits: Digits) -> Self {
        let width = digits.count() as usize;
        let value = truncated % 10_u32.pow(digits.count());
        Self(Zeroizing::new(format!("{value:0width$}")))
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is the same code. How long that takes tells nothing but the lengths, which are no secret.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// A code is not printed.
impl std::fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpCode(…)")
    }
}

/// Which steps of time a code may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The present one and the one before it: a person reads, types and sends (RFC 6238, 5.2).
    Two,
    /// The present one alone (ASVS 5.0, 6.5.5).
    One,
}

impl Window {
    /// How many steps those are.
    #[must_use]
    pub const fn steps(self) -> i64 {
        match self {
            Self::Two => 2,
            Self::One => 1,
        }
    }
}

/// The step of time that a moment is in.
#[must_use]
pub const fn step_at(now: Timestamp) -> i64 {
    now.seconds().div_euclid(PERIOD_SECONDS)
}

/// What a code was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Right, and not used yet: the code of this step.
    Step(i64),
    /// It was right, and it or a later one was used: it says nothing any more.
    Spent,
    /// Of none of the steps that are looked at.
    Wrong,
}

/// Finds the step that a code is of, where `newest` is the newest step that was accepted and `code_of` computes codes.
/// All steps of the window are computed and compared, whatever is found.
#[must_use]
pub fn find(
    typed: &TotpCode,
    (newest, window): (i64, Window),
    now: Timestamp,
    code_of: impl Fn(i64) -> TotpCode,
) -> Match {
    let present = step_at(now);
    let mut found = Match::Wrong;
    // The oldest first: where two steps have the same code, the later one is spent with it.
    for step in present - window.steps() + 1..=present {
        if code_of(step).is(typed) {
            found = if step > newest { Match::Step(step) } else { Match::Spent };
        }
    }
    found
}

/// What one wrong code costs of a person's budget for a day, in millionths: for each app the codes that would have
/// been accepted, rounded up together.
#[must_use]
pub fn charge(apps: impl IntoIterator<Item = Digits>, window: Window) -> u32 {
    let steps = window.steps() as u32;
    let hundredths: u32 = apps
        .into_iter()
        .map(|digits| match digits {
            Digits::Six => 100 * steps,
            Digits::Eight => steps,
        })
        .sum();
    hundredths.div_ceil(100).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Span;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A code that tells its step.
    fn code_of(step: i64) -> TotpCode {
        TotpCode::of((step % 1_000_000) as u32, Digits::Six)
    }

    #[test]
    fn p21_this_step_and_the_one_before_are_good_and_each_once() {
        let present = step_at(NOW);
        let cases = [
            (present - 2, 0, Window::Two, Match::Wrong),
            (present - 1, 0, Window::Two, Match::Step(present - 1)),
            (present, 0, Window::Two, Match::Step(present)),
            (present + 1, 0, Window::Two, Match::Wrong),
            (present - 1, 0, Window::One, Match::Wrong),
            (present, 0, Window::One, Match::Step(present)),
            (present, present, Window::Two, Match::Spent),
            (present - 1, present, Window::Two, Match::Spent),
            (present, present - 1, Window::Two, Match::Step(present)),
            (present - 1, present - 1, Window::Two, Match::Spent),
            // A clock that was set back gives no step a second time.
            (present, present + 100, Window::Two, Match::Spent),
        ];
        for (step, newest, window, expected) in cases {
            let found = find(&code_of(step), (newest, window), NOW, code_of);
            assert_eq!(found, expected, "{} {newest} {window:?}", step - present);
        }
    }

    #[test]
    fn p21_a_step_begins_and_ends_to_the_second() {
        let start = Timestamp::from_millis(step_at(NOW) * PERIOD_SECONDS * 1000);
        let before = start - Span::from_millis(1);
        let typed = code_of(step_at(start));
        assert_eq!(step_at(before), step_at(start) - 1);
        let cases = [(0, true), (29_999, true), (30_000, true), (59_999, true), (60_000, false)];
        for (millis, good) in cases {
            let found = find(&typed, (0, Window::Two), start + Span::from_millis(millis), code_of);
            assert_eq!(found != Match::Wrong, good, "{millis}");
        }
        assert_eq!(find(&typed, (0, Window::Two), before, code_of), Match::Wrong);
    }

    #[test]
    fn p21_every_step_is_computed_whatever_is_typed_and_found() {
        let present = step_at(NOW);
        for window in [Window::Two, Window::One] {
            for (typed, newest) in [(present, 0), (present - 1, 0), (present, present), (present - 9, 0)] {
                let computed = std::cell::Cell::new(0);
                let counted = |step| {
                    computed.set(computed.get() + 1);
                    code_of(step)
                };
                let _ = find(&code_of(typed), (newest, window), NOW, counted);
                assert_eq!(computed.get(), window.steps(), "{} {newest} {window:?}", typed - present);
            }
        }
    }

    #[test]
    fn a_guess_costs_what_it_could_have_hit() {
        use Digits::{Eight, Six};
        let cases: [(&[Digits], Window, u32); 7] = [
            (&[Six], Window::Two, 2),
            (&[Six], Window::One, 1),
            (&[Eight], Window::Two, 1),
            (&[Six, Eight], Window::Two, 3),
            (&[Six; 5], Window::Two, 10),
            (&[Eight; 5], Window::Two, 1),
            (&[], Window::Two, 1),
        ];
        for (apps, window, expected) in cases {
            assert_eq!(charge(apps.iter().copied(), window), expected, "{apps:?} {window:?}");
        }
    }

    #[test]
    fn what_a_person_types_is_read_forgivingly() {
        for (typed, read) in [
            ("123456", Some("123456")),
            ("123 456", Some("123456")),
            (" 123-456\n", Some("123456")),
            ("1234 5678", Some("12345678")),
            ("012\u{a0}345", Some("012345")),
            ("12345", None),
            ("1234567", None),
            ("123456789", None),
            ("12345a", None),
            ("+12345", None),
            ("١٢٣٤٥٦", None),
            ("１２３４５６", None),
            ("12345\u{0}6", None),
            ("", None),
        ] {
            let found = TotpCode::parse(typed);
            assert_eq!(found.as_ref().map(TotpCode::expose).ok(), read, "{typed:?}");
        }
        assert!(TotpCode::parse(&format!("{}123456", " ".repeat(59))).is_err());
        assert_eq!(format!("{:?}", TotpCode::of(7, Digits::Eight)), "TotpCode(…)");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_digits_or_nothing(typed in "\\PC{0,20}|[0-9 -]{5,12}") {
            if let Ok(code) = TotpCode::parse(&typed) {
                prop_assert!(code.expose().bytes().all(|byte| byte.is_ascii_digit()));
                prop_assert!(matches!(code.expose().len(), 6 | 8));
                prop_assert!(TotpCode::parse(code.expose()).unwrap().is(&code));
            }
        }

        #[test]
        fn p21_no_order_of_codes_is_accepted_twice(offsets in proptest::collection::vec((0_i64..4, 0_i64..40), 1..60)) {
            let (mut newest, mut now, mut accepted) = (0, NOW, Vec::new());
            for (back, seconds) in offsets {
                now = now + Span::from_seconds(seconds);
                if let Match::Step(step) = find(&code_of(step_at(now) - back), (newest, Window::Two), now, code_of) {
                    prop_assert!(accepted.iter().all(|earlier| *earlier < step), "{accepted:?} {step}");
                    accepted.push(step);
                    newest = step;
                }
            }
        }
    }
}
