//! What is enough to sign in: which method may begin, what must be added, and who has to get a stronger credential
//! first. Decided anew at every step, from what is proven and what the person has; no order of proofs gets below it.

mod reason;
mod walk;

pub use self::{
    reason::{Judgement, Reason},
    walk::Step,
};
use crate::{
    app::AccountPolicy,
    assurance::{Level, Method, Methods},
    credential::CredentialKind,
    time::Span,
};

/// What an app, or a realm for all its apps, wants of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What may be proven first; what is offered to everybody, known or not. A TOTP among them registers devices, where a
    /// name is given with it, and begins no sign-in.
    pub start: Methods,
    /// The level that every session has at least.
    pub least: Level,
    /// Whether mails prove an address and nothing more, and a TOTP is good in its own step alone (ASVS 5.0, level 3).
    pub is_strict: bool,
    /// For how long a browser that the person trusts stands in for the second factor that was shown there: nothing by
    /// default. It never stands in for a level that is wanted.
    pub trust: Span,
}

impl Default for Policy {
    fn default() -> Self {
        Self { start: Self::BEGINNINGS, least: Level::Mailbox, is_strict: false, trust: Span::ZERO }
    }
}

/// What a person could prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Holdings {
    /// The kinds of their credentials, a password among them. What mails prove is known otherwise.
    pub methods: Methods,
    /// Whether they ask from a browser that they trust, where a second factor was shown not long ago.
    pub is_trusted: bool,
}

impl Holdings {
    /// Whether something beside mails and a password has to be shown: recovery codes alone are no factor, they stand
    /// in for one.
    #[must_use]
    pub const fn has_second_factor(self) -> bool {
        let methods = self.methods;
        methods.has(Method::Passkey) || methods.has(Method::SecurityKey) || methods.has(Method::Totp)
    }
}

/// What follows from what is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is enough: a session may begin.
    Enough,
    /// One of these has to be proven as well.
    More(Vec<Method>),
    /// Everything the person has is not enough: one of these has to be made.
    Enrol(Vec<CredentialKind>),
}

impl Policy {
    /// What may be proven first by default: everything that says who somebody is.
    pub const BEGINNINGS: Methods =
        Methods::NONE.with(Method::Code).with(Method::Link).with(Method::Password).with(Method::Passkey);

    /// The level that a sign-in needs for which an app asked for another one as well.
    #[must_use]
    pub fn wanted(&self, asked: Level) -> Level {
        let least = if self.is_strict { self.least.max(Level::Aal2) } else { self.least };
        least.max(asked)
    }

    /// Whether a mailed code or link may be proven first.
    #[must_use]
    pub const fn has_mail(&self) -> bool {
        self.is_strict || self.start.has(Method::Code) || self.start.has(Method::Link)
    }

    /// What a sign-in may begin with. The same for everybody: nothing is known yet.
    #[must_use]
    pub fn beginnings(&self) -> Vec<Method> {
        // Where mails are no authenticators they still prove an address, of new people and of those who lost all else.
        let mails = Methods::from(Method::Code).with(Method::Link);
        let start = if self.is_strict { self.start.and(mails) } else { self.start };
        let begins = |method: &Method| start.has(*method) && Self::BEGINNINGS.has(*method);
        PREFERENCE.into_iter().filter(begins).collect()
    }

    /// What follows from `proven` for somebody who has `held`.
    #[must_use]
    pub fn judge(&self, proven: Methods, held: Holdings, asked: Level) -> Verdict {
        self.explain(proven, held, asked).verdict
    }

    /// What follows from `proven`, and the rule that decided. There is no other way to a verdict, so that what is
    /// explained is what is done.
    #[must_use]
    pub fn explain(&self, proven: Methods, held: Holdings, asked: Level) -> Judgement {
        let wanted = self.wanted(asked);
        let (verdict, reason) = self.decide(proven, held, wanted);
        Judgement { verdict, reason, proven, wanted }
    }

    fn decide(&self, proven: Methods, held: Holdings, wanted: Level) -> (Verdict, Reason) {
        if proven.is_empty() {
            return (Verdict::More(self.beginnings()), Reason::NothingProven);
        }
        let offers = |is_wanted: &dyn Fn(Method) -> bool| -> Vec<Method> {
            let is_new = |method: &Method| held.methods.has(*method) && !proven.has(*method);
            PREFERENCE.into_iter().filter(is_new).filter(|method| is_wanted(*method)).collect()
        };
        let is_reached = proven.level() >= wanted;
        if held.has_second_factor() && !proven.has_second_factor() {
            // A browser that is trusted stands in for a factor where nothing else is wanted, and for none that is to be
            // made.
            return if held.is_trusted && is_reached {
                (Verdict::Enough, Reason::BrowserTrusted(held.methods))
            } else {
                (Verdict::More(offers(&Method::is_second_factor)), Reason::SecondFactorHeld(held.methods))
            };
        }
        if is_reached {
            return (Verdict::Enough, Reason::LevelReached);
        }
        // Nobody makes a new factor without having shown what they have: a mailbox stands in for no password.
        let stronger = offers(&|method| proven.with(method).level() > proven.level());
        // A recovery code is in the place of what was lost, and authenticators are lost together; a password is not.
        let is_recovered =
            proven.has(Method::RecoveryCode) && (proven.has_mailbox() || proven.has(Method::Password));
        let stronger: Vec<_> =
            stronger.into_iter().filter(|method| !is_recovered || *method == Method::Password).collect();
        if !stronger.is_empty() {
            let everything = held.methods.iter().fold(proven, Methods::with);
            let is_in_reach = everything.level() >= wanted;
            let reason = if is_in_reach { Reason::LevelInReach } else { Reason::LevelAfterNext };
            return (Verdict::More(stronger), reason);
        }
        let suffices = |kind: &CredentialKind| proven.with(kind.method()).level() >= wanted;
        let kinds = ENROLLABLE.into_iter().filter(suffices).collect();
        let reason = if is_recovered { Reason::Recovered } else { Reason::LevelOutOfReach };
        (Verdict::Enrol(kinds), reason)
    }

    /// What an app wants where this is its realm's policy.
    #[must_use]
    pub fn of_app(self, accounts: Option<&AccountPolicy>, is_strict: bool) -> Self {
        Self {
            start: accounts.and_then(|accounts| accounts.start).unwrap_or(self.start),
            least: accounts.and_then(|accounts| accounts.least).unwrap_or(self.least),
            is_strict,
            trust: accounts.and_then(|accounts| accounts.trust).unwrap_or(self.trust),
        }
    }
}

/// In what order methods are offered: the strongest and least work first.
const PREFERENCE: [Method; 7] = [
    Method::Passkey,
    Method::SecurityKey,
    Method::Totp,
    Method::Password,
    Method::Code,
    Method::Link,
    Method::RecoveryCode,
];
/// What can be made in the middle of a sign-in.
const ENROLLABLE: [CredentialKind; 2] = [CredentialKind::Passkey, CredentialKind::Totp];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Methods = Methods::NONE
        .with(Method::Code)
        .with(Method::Link)
        .with(Method::Password)
        .with(Method::Passkey)
        .with(Method::SecurityKey)
        .with(Method::Totp)
        .with(Method::RecoveryCode);

    fn set(of: &[Method]) -> Methods {
        of.iter().copied().fold(Methods::NONE, Methods::with)
    }

    fn held(of: &[Method]) -> Holdings {
        Holdings { methods: set(of), is_trusted: false }
    }

    #[test]
    fn p23_the_ladder_as_a_table() {
        use CredentialKind as Kind;
        use Method::{Code, Link, Passkey, Password, RecoveryCode, SecurityKey, Totp};
        use Verdict::{Enough, Enrol, More};
        let least = |least| Policy { least, ..Policy::default() };
        let strict = Policy { is_strict: true, ..Policy::default() };
        let (any, one, two) = (Policy::default(), least(Level::Aal1), least(Level::Aal2));
        #[rustfmt::skip]
        let cases: Vec<(Policy, &[Method], &[Method], Verdict)> = vec![
            // A mailbox is enough for who has nothing else, and for nobody else.
            (any, &[Code], &[], Enough),
            (any, &[Link], &[Password], Enough),
            (any, &[Code], &[Totp], More(vec![Totp])),
            (any, &[Code], &[Totp, RecoveryCode], More(vec![Totp, RecoveryCode])),
            (any, &[Code], &[Passkey, Password], More(vec![Passkey])),
            (any, &[Code], &[RecoveryCode], Enough),
            (any, &[Code, Totp], &[Totp, Passkey], Enough),
            (any, &[Code, RecoveryCode], &[Totp, RecoveryCode], Enough),
            (any, &[Password], &[Password], Enough),
            (any, &[Password], &[Password, Totp], More(vec![Totp])),
            (any, &[Passkey], &[Passkey, Totp, Password], Enough),
            // One authenticator.
            (one, &[Code], &[], Enrol(vec![Kind::Passkey, Kind::Totp])),
            (one, &[Code], &[Password], More(vec![Password])),
            (one, &[Code], &[RecoveryCode], More(vec![RecoveryCode])),
            (one, &[Code, Totp], &[Totp], Enough),
            (one, &[Password], &[Password], Enough),
            // Two factors.
            (two, &[Code], &[], Enrol(vec![Kind::Passkey])),
            (two, &[Password], &[Password], Enrol(vec![Kind::Passkey, Kind::Totp])),
            (two, &[Code, Totp], &[Totp], Enrol(vec![Kind::Passkey])),
            (two, &[Code, Totp], &[Totp, Password], More(vec![Password])),
            (two, &[Code], &[Password], More(vec![Password])),
            (two, &[Code, Password], &[Password], Enrol(vec![Kind::Passkey, Kind::Totp])),
            (two, &[Code, SecurityKey], &[SecurityKey, Password, Totp], More(vec![Password])),
            (two, &[Password], &[Password, RecoveryCode], More(vec![RecoveryCode])),
            // What was lost is made anew by who has a recovery code and a mailbox; a password is not lost.
            (two, &[Code, RecoveryCode], &[Passkey, Totp, RecoveryCode], Enrol(vec![Kind::Passkey])),
            (two, &[Code, RecoveryCode], &[Passkey, Password, RecoveryCode], More(vec![Password])),
            (two, &[Password, SecurityKey], &[Password, SecurityKey], Enough),
            (two, &[Passkey], &[Passkey], Enough),
            // Mails are no authenticators.
            (strict, &[Code], &[], Enrol(vec![Kind::Passkey])),
            (strict, &[Code], &[Passkey, Totp], More(vec![Passkey, Totp])),
            (strict, &[Code, Totp], &[Passkey, Totp], More(vec![Passkey])),
            (strict, &[Passkey], &[Passkey], Enough),
        ];
        for (policy, proven, has, verdict) in cases {
            let found = policy.judge(set(proven), held(has), Level::Mailbox);
            assert_eq!(found, verdict, "{policy:?}: {proven:?} of who has {has:?}");
        }
        assert_eq!(any.judge(set(&[Code]), held(&[]), Level::Aal2), Enrol(vec![Kind::Passkey]), "asked for");
        assert_eq!(any.beginnings(), [Passkey, Password, Code, Link]);
        let keys_alone = Policy { start: set(&[Passkey]), ..strict };
        assert_eq!(keys_alone.beginnings(), [Passkey, Code, Link], "an address can be verified");
        let with_totp = Policy { start: set(&[Passkey, Totp]), ..any };
        assert_eq!(with_totp.beginnings(), [Passkey], "it registers devices");
    }

    #[test]
    fn p23_a_trusted_browser_stands_in_for_a_factor_and_never_for_a_level() {
        use Method::{Code, Passkey, Password, Totp};
        use Verdict::{Enough, More};
        let least = |least| Policy { least, ..Policy::default() };
        let (any, one, two) = (Policy::default(), least(Level::Aal1), least(Level::Aal2));
        let strict = Policy { is_strict: true, ..Policy::default() };
        let trusted = |of| Holdings { is_trusted: true, ..held(of) };
        assert_eq!(any.judge(set(&[Code]), trusted(&[Totp]), Level::Mailbox), Enough);
        assert_eq!(one.judge(set(&[Code]), trusted(&[Totp]), Level::Mailbox), More(vec![Totp]));
        assert_eq!(two.judge(set(&[Password]), trusted(&[Password, Totp]), Level::Mailbox), More(vec![Totp]));
        assert_eq!(strict.judge(set(&[Code]), trusted(&[Passkey]), Level::Mailbox), More(vec![Passkey]));
        assert_eq!(any.judge(set(&[Code]), trusted(&[Totp]), Level::Aal1), More(vec![Totp]), "asked for");
        let two_asked = any.judge(set(&[Code]), trusted(&[Totp]), Level::Aal2);
        assert_eq!(two_asked, More(vec![Totp]), "and nobody makes a factor by trust");
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let level = prop_oneof![Just(Level::Mailbox), Just(Level::Aal1), Just(Level::Aal2)];
        (level, any::<bool>()).prop_map(|(least, is_strict)| Policy { least, is_strict, ..Policy::default() })
    }

    proptest! {
        /// Whatever is proven in whatever order, the walk ends, and never in a session below the policy.
        #[test]
        fn p23_no_order_of_proofs_gets_below_the_policy(
            policy in any_policy(),
            choices in proptest::collection::vec(any::<prop::sample::Index>(), 10),
            bits in proptest::collection::vec(any::<bool>(), 7),
            is_trusted in any::<bool>(),
            first in any::<prop::sample::Index>(),
        ) {
            let chosen = Method::ALL.into_iter().zip(bits).filter(|(method, is_held)| {
                *is_held && !matches!(method, Method::Code | Method::Link)
            });
            let mut held = Holdings {
                methods: chosen.fold(Methods::NONE, |all, (method, _)| all.with(method)),
                is_trusted,
            };
            // Somebody begins with what they have: anybody has a mailbox.
            let beginnings: Vec<_> = policy.beginnings().into_iter()
                .filter(|method| held.methods.has(*method) || matches!(method, Method::Code | Method::Link))
                .collect();
            let mut proven = Methods::from(*first.get(&beginnings));
            let mut walked = 0;
            loop {
                match policy.judge(proven, held, Level::Mailbox) {
                    Verdict::Enough => break,
                    Verdict::More(offers) => {
                        prop_assert!(!offers.is_empty(), "{proven:?} of {held:?} leads nowhere");
                        let next = *choices[walked].get(&offers);
                        prop_assert!(held.methods.has(next) && !proven.has(next));
                        proven = proven.with(next);
                    }
                    Verdict::Enrol(kinds) => {
                        prop_assert!(!kinds.is_empty());
                        prop_assert!(
                            !held.has_second_factor() || proven.has_second_factor(),
                            "nobody adds a factor without showing the one they have"
                        );
                        let made = choices[walked].get(&kinds).method();
                        held.methods = held.methods.with(made);
                        proven = proven.with(made);
                        prop_assert_eq!(policy.judge(proven, held, Level::Mailbox), Verdict::Enough);
                    }
                }
                walked += 1;
                prop_assert!(walked < 8);
            }
            prop_assert!(proven.level() >= policy.wanted(Level::Mailbox));
            prop_assert!(!held.has_second_factor() || proven.has_second_factor() || is_trusted);
        }

        /// A proof more never makes less of a sign-in.
        #[test]
        fn what_was_enough_stays_enough(policy in any_policy(), bits in 1_u8..128, more in 0_usize..7) {
            let proven = ALL.iter().zip(0..).filter(|(_, place)| bits >> place & 1 == 1)
                .fold(Methods::NONE, |all, (method, _)| all.with(method));
            let held = Holdings { methods: proven, is_trusted: false };
            if policy.judge(proven, held, Level::Mailbox) == Verdict::Enough {
                let proven = proven.with(Method::ALL[more]);
                prop_assert_eq!(policy.judge(proven, held, Level::Mailbox), Verdict::Enough);
            }
        }
    }
}
