//! What was proven, when, and how: `acr`, `amr` and `auth_time` of the tokens.

use crate::time::Timestamp;

/// How a person showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The code of a mail was typed where it was asked for.
    Code,
    /// The link of a mail was opened and its button pressed.
    Link,

    /// A password was typed.
    Password,

    /// A passkey signed, and its authenticator knew the person by a PIN or their body.
    Passkey,
    /// A security key signed, and somebody touched it.
    SecurityKey,
    /// A time-based one-time password (RFC 6238) was typed.
    Totp,
    /// One of the codes for the day when everything else is lost.
    RecoveryCode,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Code,
        Self::Link,
        Self::Password,
        Self::Passkey,
        Self::SecurityKey,
        Self::Totp,
        Self::RecoveryCode,
    ];

    /// The name under which it is stored and counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::SecurityKey => "security_key",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }

    /// The method that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether it says something beside what a mailbox, a password or an app's own page says: somebody who has it is
    /// asked for it.
    #[must_use]
    pub const fn is_second_factor(self) -> bool {
        matches!(self, Self::Passkey | Self::SecurityKey | Self::Totp | Self::RecoveryCode)
    }
}

/// How strongly a person is known: the values of `acr`, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Control of a mailbox, which is not AAL1 (NIST SP 800-63B-4, 3.1.3.1).
    Mailbox,
    /// One authenticator of NIST AAL1, such as a password or a TOTP.
    Aal1,
    /// Two factors: a passkey whose authenticator knew the person, or a password beside something they have.
    Aal2,
}

impl Level {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Mailbox, Self::Aal1, Self::Aal2];

    /// The word of the configuration for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    /// The value of `acr`.
    #[must_use]
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Mailbox => "urn:countersign:mailbox",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    /// The level that a value of `acr` names.
    #[must_use]
    pub fn from_acr(acr: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.acr() == acr)
    }
}

/// Some methods, all of which were proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Methods(u8);

impl Methods {
    /// None.
    pub const NONE: Self = Self(0);

    /// This one as well.
    #[must_use]
    pub const fn with(self, method: Method) -> Self {
        Self(self.0 | 1 << method as u8)
    }

    /// These as well.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, method: Method) -> bool {
        self.0 & 1 << method as u8 != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// They, in the order of [`Method::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL.into_iter().filter(move |method| self.has(*method))
    }

    /// How they are stored: their names, with `+` between.
    #[must_use]
    pub fn names(self) -> String {
        self.iter().map(Method::name).collect::<Vec<_>>().join("+")
    }

    /// The methods that [`names`](Self::names) gives.
    #[must_use]
    pub fn from_names(names: &str) -> Option<Self> {
        names.split('+').try_fold(Self::NONE, |all, name| Some(all.with(Method::from_name(name)?)))
    }

    /// How strongly all of them together show who somebody is. A passkey is two factors by itself. Something that a
    /// person has (a TOTP, a security key, a recovery code) is another factor than something they know (a password);
    /// a mailbox is neither.
    #[must_use]
    pub fn level(self) -> Level {
        let has_something =
            self.has(Method::Totp) || self.has(Method::SecurityKey) || self.has(Method::RecoveryCode);
        let knows_something = self.has(Method::Password);
        if self.has(Method::Passkey) || has_something && knows_something {
            Level::Aal2
        } else if has_something || knows_something {
            Level::Aal1
        } else {
            Level::Mailbox
        }
    }

    /// Whether control of a mailbox was shown.
    #[must_use]
    pub const fn has_mailbox(self) -> bool {
        self.has(Method::Code) || self.has(Method::Link)
    }

    /// Whether a second factor was shown.
    #[must_use]
    pub fn has_second_factor(self) -> bool {
        self.iter().any(Method::is_second_factor)
    }

    /// `amr` (RFC 8176): `otp` for what is typed once, `mca` for a confirmation over another channel, `pwd`, `pop` and
    /// `user` for a key and the touch that it wants, `mfa` for two factors.
    #[must_use]
    pub fn amr(self) -> Vec<&'static str> {
        let mut values = Vec::with_capacity(2);
        let mut add = |value| {
            if !values.contains(&value) {
                values.push(value);
            }
        };
        for method in self.iter() {
            match method {
                Method::Code | Method::Totp | Method::RecoveryCode => add("otp"),
                Method::Link => add("mca"),
                Method::Password => add("pwd"),
                Method::Passkey | Method::SecurityKey => {
                    add("pop");
                    add("user");
                }
            }
        }
        if self.level() == Level::Aal2 {
            add("mfa");
        }
        values
    }
}

impl From<Method> for Methods {
    fn from(method: Method) -> Self {
        Self::NONE.with(method)
    }
}

/// What a sign-in proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assurance {
    /// How it was proven.
    pub methods: Methods,
    /// When it was proven: `auth_time`. The oldest proof counts where there are several.
    pub proven_at: Timestamp,
}

impl Assurance {
    /// What one method proves.
    #[must_use]
    pub fn of(method: Method, proven_at: Timestamp) -> Self {
        Self { methods: method.into(), proven_at }
    }

    /// `acr` of this proof.
    #[must_use]
    pub fn acr(&self) -> &'static str {
        self.methods.level().acr()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn methods(of: &[Method]) -> Methods {
        of.iter().fold(Methods::NONE, |all, method| all.with(*method))
    }

    #[test]
    fn levels_are_those_of_nist() {
        use Method::{Code, Link, Passkey, Password, RecoveryCode, SecurityKey, Totp};
        let cases: [(&[Method], Level, &[&str]); 12] = [
            (&[Code], Level::Mailbox, &["otp"]),
            (&[Link], Level::Mailbox, &["mca"]),
            (&[Code, Link], Level::Mailbox, &["otp", "mca"]),
            (&[Password], Level::Aal1, &["pwd"]),
            (&[Totp], Level::Aal1, &["otp"]),
            (&[Code, Totp], Level::Aal1, &["otp"]),
            (&[Code, Password], Level::Aal1, &["otp", "pwd"]),
            (&[Code, SecurityKey], Level::Aal1, &["otp", "pop", "user"]),
            (&[Password, Totp], Level::Aal2, &["pwd", "otp", "mfa"]),
            (&[Password, SecurityKey], Level::Aal2, &["pwd", "pop", "user", "mfa"]),
            (&[Password, RecoveryCode], Level::Aal2, &["pwd", "otp", "mfa"]),
            (&[Passkey], Level::Aal2, &["pop", "user", "mfa"]),
        ];
        for (of, level, amr) in cases {
            assert_eq!(methods(of).level(), level, "{of:?}");
            assert_eq!(methods(of).amr(), amr, "{of:?}");
        }
        assert_eq!(Level::from_acr("aal3"), None);
        assert_eq!(Methods::from_names(""), None);
        assert_eq!(Methods::from_names("code+guess"), None);
    }

    proptest! {
        #[test]
        fn names_come_back_and_a_proof_more_never_lowers_the_level(bits in 1_u8..128, more in 0_usize..7) {
            let some = Methods(bits);
            prop_assert_eq!(Methods::from_names(&some.names()), Some(some));
            prop_assert!(some.names().len() <= 63, "it fits its column");
            prop_assert!(some.with(Method::ALL[more]).level() >= some.level());
            prop_assert_eq!(Level::from_acr(some.level().acr()), Some(some.level()));
        }
    }
}
