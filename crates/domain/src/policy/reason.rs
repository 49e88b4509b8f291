//! Why a sign-in stands as it does: the rule that decided, and a sentence about it for operators. It decides nothing.

use super::Verdict;
use crate::assurance::{Level, Method, Methods};

/// The rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody is known yet.
    NothingProven,
    /// The person has a second factor among these, and showed none.
    SecondFactorHeld(Methods),
    /// What is proven reaches the level that is wanted.
    LevelReached,
    /// Something else that the person has reaches it.
    LevelInReach,
    /// Nothing that the person has reaches it, and not all of it is shown.
    LevelAfterNext,
    /// Nothing that the person has reaches it.
    LevelOutOfReach,
    /// The person has a second factor among these, and trusts the browser in which it was shown.
    BrowserTrusted(Methods),
    /// A recovery code was shown in the place of what was lost, which is made anew.
    Recovered,
}

/// What follows from what is proven, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What follows.
    pub verdict: Verdict,
    /// The rule that decided.
    pub reason: Reason,
    /// What is proven.
    pub proven: Methods,
    /// The level that is wanted.
    pub wanted: Level,
}

impl Judgement {
    /// Why it follows, as a sentence.
    #[must_use]
    pub fn why(&self) -> String {
        let shown = listed(self.proven);
        let is_one = nouns(self.proven).len() == 1;
        if let Reason::SecondFactorHeld(held) | Reason::BrowserTrusted(held) = self.reason {
            let is_factor = |method: &Method| method.is_second_factor() && *method != Method::RecoveryCode;
            let factors = listed(held.iter().filter(is_factor).fold(Methods::NONE, Methods::with));
            let are = if is_one { "is" } else { "are" };
            return if self.verdict == Verdict::Enough {
                format!(
                    "The person has {factors}, and trusts this browser where one was shown: {shown} {are} enough."
                )
            } else {
                format!("The person has {factors}: {shown} alone {are} not enough.")
            };
        }
        let (reached, wanted) = (self.proven.level(), self.wanted.word());
        let reaches = if is_one { "reaches" } else { "reach" };
        let aside = if self.proven.has_mailbox() && !is_one { ", for a mail is no factor" } else { "" };
        let so_far = format!("{} {reaches} {}", capital(&shown), reached.word());
        match self.reason {
            Reason::LevelReached if reached > self.wanted => {
                format!("{so_far}, more than is wanted ({wanted}).")
            }
            Reason::LevelReached => format!("{so_far}, which is what is wanted."),
            Reason::LevelInReach => {
                format!("{so_far}{aside}. What is wanted is {wanted}, and the person has what is missing.")
            }
            Reason::LevelAfterNext => format!(
                "{so_far}{aside}. What is wanted is {wanted}: who makes something for it shows first what they have."
            ),
            Reason::LevelOutOfReach => {
                format!(
                    "{so_far}{aside}. What is wanted is {wanted}, and nothing that the person has gets there."
                )
            }
            Reason::Recovered => format!(
                "{so_far}{aside}. What is wanted is {wanted}: the recovery code stands for what was lost, which is made \
                 anew."
            ),
            Reason::NothingProven | Reason::SecondFactorHeld(_) | Reason::BrowserTrusted(_) => {
                "Nothing is proven yet, so everybody is offered the same, known or not.".to_owned()
            }
        }
    }
}

/// What methods are called in a sentence. Codes and links are both mails.
fn nouns(methods: Methods) -> Vec<&'static str> {
    let mut nouns = Vec::new();
    for method in methods.iter() {
        let noun = match method {
            Method::Code | Method::Link => "a mail",
            Method::Password => "a password",
            Method::Passkey => "a passkey",
            Method::SecurityKey => "a security key",
            Method::Totp => "a TOTP",
            Method::RecoveryCode => "a recovery code",
        };
        if !nouns.contains(&noun) {
            nouns.push(noun);
        }
    }
    nouns
}

fn listed(methods: Methods) -> String {
    let nouns = nouns(methods);
    match nouns.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => nouns.concat(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::*, *};

    fn set(of: &[Method]) -> Methods {
        of.iter().copied().fold(Methods::NONE, Methods::with)
    }

    #[test]
    fn every_rule_has_its_sentence() {
        use Method::{Code, Link, Passkey, Password, RecoveryCode, SecurityKey, Totp};
        let least = |least| Policy { least, ..Policy::default() };
        let (any, one, two) = (Policy::default(), least(Level::Aal1), least(Level::Aal2));
        #[rustfmt::skip]
        let cases: [(Policy, &[Method], &[Method], &str); 15] = [
            (two, &[Code, RecoveryCode], &[Passkey, RecoveryCode],
                "A mail and a recovery code reach aal1, for a mail is no factor. What is wanted is aal2: the recovery code stands for what was lost, which is made anew."),
            (any, &[], &[], "Nothing is proven yet, so everybody is offered the same, known or not."),
            (any, &[Code], &[Passkey], "The person has a passkey: a mail alone is not enough."),
            (any, &[Code, Password], &[Passkey, Password, Totp, RecoveryCode],
                "The person has a passkey and a TOTP: a mail and a password alone are not enough."),
            (any, &[Password], &[Password, SecurityKey], "The person has a security key: a password alone is not enough."),
            (any, &[Code], &[], "A mail reaches mailbox, which is what is wanted."),
            (any, &[Code, Link], &[], "A mail reaches mailbox, which is what is wanted."),
            (any, &[Passkey], &[Passkey], "A passkey reaches aal2, more than is wanted (mailbox)."),
            (two, &[Password, Totp], &[Password, Totp], "A password and a TOTP reach aal2, which is what is wanted."),
            (one, &[Code], &[Password],
                "A mail reaches mailbox. What is wanted is aal1, and the person has what is missing."),
            (two, &[Password], &[Password, RecoveryCode],
                "A password reaches aal1. What is wanted is aal2, and the person has what is missing."),
            (two, &[Code, Totp], &[Password, Totp],
                "A mail and a TOTP reach aal1, for a mail is no factor. What is wanted is aal2, and the person has what is missing."),
            (two, &[Code, Totp], &[Totp],
                "A mail and a TOTP reach aal1, for a mail is no factor. What is wanted is aal2, and nothing that the person has gets there."),
            (one, &[Code], &[],
                "A mail reaches mailbox. What is wanted is aal1, and nothing that the person has gets there."),
            (two, &[Code], &[Password],
                "A mail reaches mailbox. What is wanted is aal2: who makes something for it shows first what they have."),
        ];
        let why = |policy: Policy, proven, held| policy.explain(set(proven), held, Level::Mailbox).why();
        for (policy, proven, has, sentence) in cases {
            let held = Holdings { methods: set(has), is_trusted: false };
            assert_eq!(why(policy, proven, held), sentence, "{policy:?}: {proven:?} of who has {has:?}");
        }
        let trusting = Holdings { methods: set(&[Totp, RecoveryCode]), is_trusted: true };
        let sentence =
            "The person has a TOTP, and trusts this browser where one was shown: a mail is enough.";
        assert_eq!(why(any, &[Code], trusting), sentence);
        assert_eq!(why(one, &[Code], trusting), "The person has a TOTP: a mail alone is not enough.");
    }

    proptest! {
        /// What the reason claims is true of what is proven and held, and it goes with the verdict that is given.
        #[test]
        fn what_is_explained_is_what_is_judged(
            proven_bits in 0_u8..128, held_bits in 0_u8..128,
            (least, asked) in (0_usize..3, 0_usize..3), (is_strict, is_trusted) in any::<(bool, bool)>(),
        ) {
            let some = |bits: u8| Method::ALL.into_iter().zip(0..)
                .filter(|(_, place)| bits >> place & 1 == 1).fold(Methods::NONE, |all, (method, _)| all.with(method));
            let (proven, methods) = (some(proven_bits), some(held_bits));
            let policy = Policy { least: Level::ALL[least], is_strict, ..Policy::default() };
            let (held, asked) = (Holdings { methods, is_trusted }, Level::ALL[asked]);
            let judgement = policy.explain(proven, held, asked);
            prop_assert_eq!(&judgement.verdict, &policy.judge(proven, held, asked));
            let wanted = policy.wanted(asked);
            let is_reached = proven.level() >= wanted;
            let owes_factor = held.has_second_factor() && !proven.has_second_factor();
            let is_in_reach = proven.and(methods).level() >= wanted;
            let goes_on = matches!(judgement.verdict, Verdict::More(_));
            let is_enough = judgement.verdict == Verdict::Enough;
            let (is_true, is_fitting) = match judgement.reason {
                Reason::NothingProven => (proven.is_empty(), goes_on),
                Reason::SecondFactorHeld(said) =>
                    (said == methods && owes_factor && !(is_trusted && is_reached), goes_on),
                Reason::BrowserTrusted(said) =>
                    (said == methods && owes_factor && is_trusted && is_reached, is_enough),
                Reason::LevelReached => (is_reached && !owes_factor, is_enough),
                Reason::LevelInReach => (!is_reached && is_in_reach, goes_on),
                Reason::LevelAfterNext => (!is_in_reach, goes_on),
                Reason::Recovered => (proven.has(Method::RecoveryCode), matches!(judgement.verdict, Verdict::Enrol(_))),
                Reason::LevelOutOfReach => (!is_in_reach, matches!(judgement.verdict, Verdict::Enrol(_))),
            };
            prop_assert!(is_true && is_fitting, "{judgement:?} of {held:?}");
            prop_assert!(judgement.why().ends_with('.'));
        }
    }
}
