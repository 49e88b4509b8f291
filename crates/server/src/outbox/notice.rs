//! What a person is told without being asked for anything: that something about their account changed, will change, or
//! waits for them. Knows the words to choose and the values to put into them; knows no code, no markup and no rules.

mod what;

use std::fmt;

use countersign_domain::{
    app::App,
    changes::{Change, Changes},
    id::MessageId,
    identifier::EmailAddress,
    message::Message,
    secret::Secret,
    time::{Span, Timestamp},
    user::{User, UserIdentifier},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use self::what::{Factor, Touched};
use super::Payload;
use crate::{
    accounts::{open_identifier, open_profile},
    error::ApiError,
    state::Server,
    texts::Key,
};

/// For how long a notice without a link is tried to be sent.
const NOTICE_LIFE: Span = Span::from_hours(72);

/// A secret address of a page, and until when it works.
#[derive(Clone, Deserialize, Serialize)]
pub struct Link {
    /// The whole URL.
    pub url: Zeroizing<String>,
    /// Until when it works, in milliseconds since 1970.
    pub until: i64,
}

/// Something that a person is told.
#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// An address was added to the account, and signs in from now on.
    AddressAdded {
        /// Which, [masked](masked).
        address: String,
    },
    /// An address was removed from the account.
    AddressRemoved {
        /// Which, [masked](masked).
        address: String,
    },
    /// To the old address: another one takes its place.
    AddressChanged {
        /// The new one, [masked](masked).
        address: String,
        /// Takes the change back.
        undo: Link,
    },
    /// The password was set or changed.
    PasswordChanged,
    /// A forgotten password was replaced.
    PasswordReset,
    /// There is no password any more.
    PasswordRemoved,
    /// The account will be erased.
    AccountErasing {
        /// Stops that; `until` is when everything goes.
        cancel: Link,
    },
    /// Everything held about the person was handed out.
    AccountExported,
    /// All sessions were ended.
    SignedOutEverywhere,
    /// Somebody is asked to join the app that speaks.
    Invitation {
        /// Accepts it.
        accept: Link,
    },
    /// An administrator did something to the account.
    AdministratorChanged {
        /// What.
        what: Touched,
    },
    /// Somebody signed in with a browser that was not seen before.
    NewDevice {
        /// Its approximate name.
        device: String,
        /// Ends that session.
        end: Link,
    },

    /// The account is gone.
    AccountErased,
    /// Another address is the primary one.
    PrimaryChanged {
        /// Which, [masked](masked).
        address: String,
    },

    /// The person signs in with one thing more.
    FactorAdded {
        /// What.
        what: Factor,
    },
    /// The person signs in with one thing less.
    FactorRemoved {
        /// What.
        what: Factor,
    },
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many there still are.
        left: u32,
    },

    /// A device was registered: it stands for the person.
    DeviceRegistered {
        /// What it is called.
        device: String,
        /// Ends it.
        end: Link,
    },
}

/// The texts of a notice.
pub(super) struct NoticeWords {
    pub(super) subject: Key,
    pub(super) text: Key,
    /// The button, where there is a link.
    pub(super) button: Option<Key>,
    /// What to do when it comes as a surprise.
    pub(super) surprise: Key,
}

impl Link {
    /// Until when it works.
    #[must_use]
    pub const fn ends_at(&self) -> Timestamp {
        Timestamp::from_millis(self.until)
    }
}

impl Notice {
    pub(super) fn words(&self) -> NoticeWords {
        let (subject, text, button) = match self {
            Self::AddressAdded { .. } => (Key::AddressAddedSubject, Key::AddressAddedText, None),
            Self::AddressRemoved { .. } => (Key::AddressRemovedSubject, Key::AddressRemovedText, None),
            Self::AddressChanged { .. } => {
                (Key::AddressChangedSubject, Key::AddressChangedText, Some(Key::AddressChangedButton))
            }
            Self::PasswordChanged => (Key::PasswordChangedSubject, Key::PasswordChangedText, None),
            Self::PasswordReset => (Key::PasswordResetSubject, Key::PasswordResetText, None),
            Self::PasswordRemoved => (Key::PasswordRemovedSubject, Key::PasswordRemovedText, None),
            Self::AccountErasing { .. } => (Key::ErasingSubject, Key::ErasingText, Some(Key::ErasingButton)),
            Self::AccountExported => (Key::ExportedSubject, Key::ExportedText, None),
            Self::SignedOutEverywhere => (Key::SignedOutSubject, Key::SignedOutText, None),
            Self::Invitation { .. } => {
                (Key::InvitationSubject, Key::InvitationText, Some(Key::InvitationButton))
            }
            Self::AdministratorChanged { .. } => (Key::AdministratorSubject, Key::AdministratorText, None),
            Self::NewDevice { .. } => (Key::NewDeviceSubject, Key::NewDeviceText, Some(Key::NewDeviceButton)),
            Self::AccountErased => (Key::ErasedSubject, Key::ErasedText, None),
            Self::PrimaryChanged { .. } => (Key::PrimaryChangedSubject, Key::PrimaryChangedText, None),
            Self::FactorAdded { .. } => (Key::FactorAddedSubject, Key::FactorAddedText, None),
            Self::FactorRemoved { .. } => (Key::FactorRemovedSubject, Key::FactorRemovedText, None),
            Self::RecoveryCodeUsed { .. } => (Key::RecoveryUsedSubject, Key::RecoveryUsedText, None),
            Self::DeviceRegistered { .. } => {
                (Key::DeviceRegisteredSubject, Key::DeviceRegisteredText, Some(Key::NewDeviceButton))
            }
        };
        let surprise = match self {
            Self::Invitation { .. } => Key::NoticeUninvited,
            Self::AddressChanged { .. }
            | Self::AccountErasing { .. }
            | Self::NewDevice { .. }
            | Self::DeviceRegistered { .. } => Key::NoticeKeepLink,
            // There is nothing to sign in to.
            Self::AccountErased => Key::NoticeGone,
            _ => Key::NoticeSurprise,
        };
        NoticeWords { subject, text, button, surprise }
    }

    /// What is put into its texts beside the app's title: the value of `{address}` or `{device}`.
    pub(super) fn value(&self) -> &str {
        match self {
            Self::AddressAdded { address }
            | Self::AddressRemoved { address }
            | Self::AddressChanged { address, .. }
            | Self::PrimaryChanged { address } => address,
            Self::NewDevice { device, .. } | Self::DeviceRegistered { device, .. } => device,
            _ => "",
        }
    }

    /// The link that it carries.
    #[must_use]
    pub const fn link(&self) -> Option<&Link> {
        match self {
            Self::AddressChanged { undo: link, .. }
            | Self::AccountErasing { cancel: link }
            | Self::Invitation { accept: link }
            | Self::NewDevice { end: link, .. }
            | Self::DeviceRegistered { end: link, .. } => Some(link),
            _ => None,
        }
    }

    /// The moment that its text names: when its link ends, or when it was promised.
    pub(super) fn moment(&self, promised_at: Timestamp) -> Timestamp {
        match self {
            Self::NewDevice { .. } | Self::DeviceRegistered { .. } => promised_at,
            _ => self.link().map_or(promised_at, Link::ends_at),
        }
    }

    /// The address of its link, for templates.
    pub(super) fn secret(&self) -> Option<Secret<String>> {
        self.link().map(|link| Secret::new(link.url.to_string()))
    }

    /// One of every kind, to try templates with.
    pub(super) fn samples() -> Vec<Self> {
        let link = || Link { url: Zeroizing::new("https://example.org/l/0".to_owned()), until: 0 };
        let address = || "p…@example.org".to_owned();
        let mut samples = vec![
            Self::AddressAdded { address: address() },
            Self::AddressRemoved { address: address() },
            Self::AddressChanged { address: address(), undo: link() },
            Self::PasswordChanged,
            Self::PasswordReset,
            Self::PasswordRemoved,
            Self::AccountErasing { cancel: link() },
            Self::AccountExported,
            Self::SignedOutEverywhere,
            Self::Invitation { accept: link() },
            Self::NewDevice { device: "Firefox".to_owned(), end: link() },
            Self::AccountErased,
            Self::PrimaryChanged { address: address() },
        ];
        samples.extend(Touched::ALL.map(|what| Self::AdministratorChanged { what }));
        samples.extend(Factor::ALL.map(|what| Self::FactorAdded { what }));
        samples.extend(Factor::ALL.map(|what| Self::FactorRemoved { what }));
        samples.push(Self::RecoveryCodeUsed { left: 3 });
        samples.push(Self::DeviceRegistered { device: "Firefox".to_owned(), end: link() });
        samples
    }
}

/// Neither addresses nor links belong into a log.
impl fmt::Debug for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Notice").field(&self.words().subject).finish()
    }
}

/// An address for a mail to another mailbox: enough to know one's own, too little to write to. `m…@example.org`.
#[must_use]
pub fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}

/// Who is told, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The app that speaks.
    pub app: &'a App,
    /// The mailbox.
    pub to: &'a EmailAddress,
    /// The language that the person wants, or the app's.
    pub locale: Option<&'a str>,
}

impl Server {
    /// Adds a notice to `changes`: it is sent once they are committed, by whichever node fetches it first.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn tell(&self, reader: Reader<'_>, notice: &Notice, changes: &mut Changes) -> Result<(), ApiError> {
        let now = self.now();
        let mut random = self.random();
        let id = MessageId::new(now, &mut *random);
        let expires_at = notice.link().map_or(now + NOTICE_LIFE, Link::ends_at);
        let payload = Payload::of_notice(self, id, reader, notice, (now, expires_at));
        let sealed = payload.seal(&self.keys, &mut *random).map_err(|_| ApiError::Internal)?;
        changes.push(Change::Message(Message {
            id,
            app: reader.app.name.clone(),
            deliver: true,
            sealed,
            attempts: 0,
            due_at: now,
            created_at: now,
            expires_at,
        }));
        Ok(())
    }

    /// The same to every mailbox that a user has proven, in the language that they want.
    ///
    /// # Errors
    /// The store's, or [`ApiError::Internal`] when something sealed does not open.
    pub async fn tell_user(
        &self,
        app: &App,
        user: &User,
        notice: &Notice,
        changes: &mut Changes,
    ) -> Result<(), ApiError> {
        let identifiers = self.store.identifiers_of(user.id).await?;
        self.tell_all(app, (user, &identifiers), notice, changes)
    }

    /// The same to those mailboxes of a user that are among some identifiers.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when something sealed does not open.
    pub fn tell_all(
        &self,
        app: &App,
        (user, identifiers): (&User, &[UserIdentifier]),
        notice: &Notice,
        changes: &mut Changes,
    ) -> Result<(), ApiError> {
        let locale = open_profile(self, user)?.locale;
        for identifier in identifiers.iter().filter(|identifier| identifier.is_way_in()) {
            let address = open_identifier(self, identifier)?;
            let to = EmailAddress::parse(&address).map_err(|_| ApiError::Internal)?;
            self.tell(Reader { app, to: &to, locale: locale.as_deref() }, notice, changes)?;
        }
        Ok(())
    }

    /// Who speaks for a realm where no app of it was asked: the first by name that has accounts, if there is any.
    #[must_use]
    pub fn speaker(&self, realm: &countersign_domain::realm::RealmName) -> Option<std::sync::Arc<App>> {
        let registry = self.registry.load();
        let speaks = |app: &&std::sync::Arc<App>| app.accounts.is_some() && app.realm == *realm;
        registry.apps().into_iter().find(speaks).cloned()
    }
}

#[cfg(test)]
mod tests;
