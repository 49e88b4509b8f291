//! What a user signs in with beside mails and a password, as it is kept: passkeys and security keys, a TOTP, recovery
//! codes. It knows no secret and no format: what a kind needs to check one is sealed.

use crate::{
    assurance::{Level, Method, Methods},
    id::{CredentialId, UserId},
    realm::RealmName,
    secret::Digest,
    time::Timestamp,
};

/// Credentials of a kind that one user may have: more passkeys than anybody carries.
pub const MOST_OF_A_KIND: usize = 100;

/// The kinds of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A passkey: its authenticator knows the person by a PIN or their body, which makes it two factors.
    Passkey,
    /// A key that shows that somebody touches it, and not who: a factor beside another.
    SecurityKey,
    /// An app that shows a time-based one-time password (RFC 6238).
    Totp,
    /// A sheet of codes, each good once.
    RecoveryCodes,
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Passkey, Self::SecurityKey, Self::Totp, Self::RecoveryCodes];

    /// The name under which it is stored and told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::SecurityKey => "security_key",
            Self::Totp => "totp",
            Self::RecoveryCodes => "recovery_codes",
        }
    }

    /// The kind that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The method that one of this kind proves.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::Passkey => Method::Passkey,
            Self::SecurityKey => Method::SecurityKey,
            Self::Totp => Method::Totp,
            Self::RecoveryCodes => Method::RecoveryCode,
        }
    }
}

/// A credential, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Names it, for its user too.
    pub id: CredentialId,
    /// Where its user lives.
    pub realm: RealmName,
    /// Whose.
    pub user: UserId,
    /// What it is.
    pub kind: CredentialKind,
    /// How a passkey or security key is found before it is known whose it is: the keyed digest of its credential id,
    /// which belongs to one user of a realm.
    pub lookup: Option<Digest>,
    /// What had been proven by whoever made it.
    pub vouched_by: Methods,
    /// What is needed to check it, sealed as a whole.
    pub sealed: Vec<u8>,
    /// What its user calls it, sealed.
    pub sealed_label: Option<Vec<u8>>,
    /// What makes a proof of it good once: the newest signature counter of a key, the newest step of a TOTP, a bit for
    /// each recovery code that is spent.
    pub counter: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it proved something last.
    pub used_at: Option<Timestamp>,
    /// 0 when it is not stored yet; counts up with every write.
    pub version: i64,
}

/// Whether somebody who gave these proofs may change what a person signs in with who owns these methods beside a
/// mailbox (security property 20): a second factor where there is one, and the highest level that the person has. A
/// recovery code beside another proof stands for whatever was lost: otherwise nobody could take a lost passkey away.
#[must_use]
pub fn may_change(proven: Methods, owned: Methods) -> bool {
    if owned.has_second_factor() && !proven.has_second_factor() {
        return false;
    }
    let is_recovered =
        proven.has(Method::RecoveryCode) && (proven.has_mailbox() || proven.has(Method::Password));
    is_recovered || proven.level() >= owned.level()
}

/// Those of a person's credentials that a mailbox alone made, at this moment or later: a mailbox alone takes them back,
/// since whoever made them may have been a stranger in it. What a factor or a password vouched for stays.
pub fn made_by_mailbox_since(
    credentials: &[Credential],
    moment: Timestamp,
) -> impl Iterator<Item = &Credential> {
    let is_so = move |one: &&Credential| one.created_at >= moment && one.vouched_by.level() == Level::Mailbox;
    credentials.iter().filter(is_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(of: &[Method]) -> Methods {
        of.iter().fold(Methods::NONE, |all, method| all.with(*method))
    }

    #[test]
    fn p20_factors_are_changed_at_the_highest_level_alone() {
        use Method::{Code, Link, Passkey, Password, RecoveryCode, SecurityKey, Totp};
        let cases: [(&[Method], &[Method], bool); 18] = [
            (&[], &[Code], true),
            (&[], &[Link], true),
            (&[Password], &[Code], false),
            (&[Password], &[Password], true),
            (&[Totp], &[Code], false),
            (&[Totp], &[Code, Totp], true),
            (&[Totp], &[Password], false),
            (&[Totp, Password], &[Code, Totp], false),
            (&[Totp, Password], &[Password], false),
            (&[Totp, Password], &[Password, Totp], true),
            (&[SecurityKey], &[Code, SecurityKey], true),
            (&[Passkey], &[Code], false),
            (&[Passkey], &[Passkey], true),
            (&[Passkey, Totp], &[Code, Totp], false),
            (&[Passkey, Totp, RecoveryCode], &[Code, RecoveryCode], true),
            (&[Passkey, RecoveryCode], &[RecoveryCode], false),
            (&[Totp, Password, RecoveryCode], &[Password, RecoveryCode], true),
            (&[Totp, RecoveryCode], &[Code], false),
        ];
        for (owned, proven, expected) in cases {
            assert_eq!(may_change(methods(proven), methods(owned)), expected, "{owned:?} by {proven:?}");
        }
    }

    #[test]
    fn kinds_have_names_and_methods_of_their_own() {
        for kind in CredentialKind::ALL {
            assert_eq!(CredentialKind::from_name(kind.name()), Some(kind));
            assert!(kind.method().is_second_factor());
        }
        assert_eq!(CredentialKind::from_name("magnet"), None);
    }
}
