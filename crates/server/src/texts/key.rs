//! The texts that there are, by name, and what is put into them.

use std::{borrow::Cow, sync::LazyLock};

use super::{
    catalog,
    entries::{Entry, entries},
};

macro_rules! keys {
    ($($key:ident = $name:literal,)*) => {
        /// The texts there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $(#[doc = concat!("`", $name, "`")] $key,)*
            /// One that only templates of pages name, by its place among those.
            OfPages(usize),
        }

        impl Key {
            /// Those that the program names.
            const NAMED: &[Self] = &[$(Self::$key,)*];

            /// The name: of a message, or `message.attribute`, as Fluent refers to it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)*
                    Self::OfPages(place) => OF_PAGES.get(place).map_or("", |of_page| &of_page.name),
                }
            }
        }
    };
}

keys! {
    SignInSubject = "sign_in.subject",
    SignInSubjectLink = "sign_in.subject_link",
    SignInHeading = "sign_in.heading",
    SignInCode = "sign_in.code",
    SignInLink = "sign_in.link",
    SignInLinkToo = "sign_in.link_too",
    SignInButton = "sign_in.button",
    SignInIgnore = "sign_in.ignore",
    ConfirmSubject = "confirm.subject",
    ConfirmSubjectLink = "confirm.subject_link",
    ConfirmHeading = "confirm.heading",
    ConfirmCode = "confirm.code",
    ConfirmLink = "confirm.link",
    ConfirmLinkToo = "confirm.link_too",
    ConfirmButton = "confirm.button",
    ConfirmIgnore = "confirm.ignore",
    ResetSubject = "reset.subject",
    ResetSubjectLink = "reset.subject_link",
    ResetHeading = "reset.heading",
    ResetCode = "reset.code",
    ResetLink = "reset.link",
    ResetLinkToo = "reset.link_too",
    ResetButton = "reset.button",
    ResetIgnore = "reset.ignore",
    ExpiryMinutes = "expiry.minutes",
    ExpiryHours = "expiry.hours",
    RequestedFrom = "requested_from",
    Keep = "keep",
    AddressAddedSubject = "address_added.subject",
    AddressAddedText = "address_added.text",
    AddressRemovedSubject = "address_removed.subject",
    AddressRemovedText = "address_removed.text",
    AddressChangedSubject = "address_changed.subject",
    AddressChangedText = "address_changed.text",
    AddressChangedButton = "address_changed.button",
    PasswordChangedSubject = "password_changed.subject",
    PasswordChangedText = "password_changed.text",
    PasswordResetSubject = "password_reset.subject",
    PasswordResetText = "password_reset.text",
    PasswordRemovedSubject = "password_removed.subject",
    PasswordRemovedText = "password_removed.text",
    ErasingSubject = "erasing.subject",
    ErasingText = "erasing.text",
    ErasingButton = "erasing.button",
    ExportedSubject = "exported.subject",
    ExportedText = "exported.text",
    SignedOutSubject = "signed_out.subject",
    SignedOutText = "signed_out.text",
    InvitationSubject = "invitation.subject",
    InvitationText = "invitation.text",
    InvitationButton = "invitation.button",
    AdministratorSubject = "administrator.subject",
    AdministratorText = "administrator.text",
    NewDeviceSubject = "new_device.subject",
    NewDeviceText = "new_device.text",
    TouchedDetails = "touched.details",
    TouchedAddresses = "touched.addresses",
    TouchedPassword = "touched.password",
    TouchedAccess = "touched.access",
    TouchedSessions = "touched.sessions",
    TouchedRead = "touched.read",
    NoticeSurprise = "notice.surprise",
    NoticeKeepLink = "notice.keep_link",
    NoticeUninvited = "notice.uninvited",
    LinkQuestion = "link.question",
    LinkQuestionReset = "link.question_reset",
    LinkWhen = "link.when",
    LinkOrigin = "link.origin",
    LinkNumber = "link.number",
    LinkNumberHint = "link.number_hint",
    LinkButton = "link.button",
    LinkWarning = "link.warning",
    LinkWrongNumber = "link.wrong_number",
    LinkDone = "link.done",
    LinkDoneText = "link.done_text",
    LinkOver = "link.over",
    LinkOverText = "link.over_text",
    LinkLater = "link.later",
    LinkLaterText = "link.later_text",
    LinkTrouble = "link.trouble",
    LinkTroubleText = "link.trouble_text",
    UndoQuestion = "undo.question",
    UndoText = "undo.text",
    UndoButton = "undo.button",
    UndoDone = "undo.done",
    UndoDoneText = "undo.done_text",
    KeptQuestion = "kept.question",
    KeptText = "kept.text",
    KeptButton = "kept.button",
    KeptDone = "kept.done",
    KeptDoneText = "kept.done_text",
    NewDeviceButton = "new_device.button",
    ErasedSubject = "erased.subject",
    ErasedText = "erased.text",
    PrimaryChangedSubject = "primary_changed.subject",
    PrimaryChangedText = "primary_changed.text",
    NoticeGone = "notice.gone",
    KeptDoneDisabled = "kept.done_disabled",
    DisownQuestion = "disown.question",
    DisownText = "disown.text",
    DisownButton = "disown.button",
    DisownDone = "disown.done",
    DisownDoneText = "disown.done_text",
    FactorAddedSubject = "factor_added.subject",
    FactorAddedText = "factor_added.text",
    FactorRemovedSubject = "factor_removed.subject",
    FactorRemovedText = "factor_removed.text",
    FactorPasskey = "factor.passkey",
    FactorSecurityKey = "factor.security_key",
    FactorTotp = "factor.totp",
    FactorRecoveryCodes = "factor.recovery_codes",
    RecoveryUsedSubject = "recovery_used.subject",
    RecoveryUsedText = "recovery_used.text",
    TouchedCredentials = "touched.credentials",
    DeviceRegisteredSubject = "device_registered.subject",
    DeviceRegisteredText = "device_registered.text",
    FactorAppPassword = "factor.app_password",
    PageSignIn = "page.sign_in",
    PageName = "page.name",
    PageEmail = "page.email",
    PageGoOn = "page.go_on",
    PageAs = "page.as",
    PageRestart = "page.restart",
    PageCheckMail = "page.check_mail",
    PageMailed = "page.mailed",
    PageCode = "page.code",
    PageLink = "page.link",
    PageLinkToo = "page.link_too",
    PageWaiting = "page.waiting",
    PageLinkOpened = "page.link_opened",
    PageResend = "page.resend",
    PageUseMail = "page.use_mail",
    PageSendMail = "page.send_mail",
    PagePassword = "page.password",
    PageUsePassword = "page.use_password",
    PageOneMore = "page.one_more",
    PageTotp = "page.totp",
    PageTotpText = "page.totp_text",
    PageUseTotp = "page.use_totp",
    PageRecovery = "page.recovery",
    PageRecoveryText = "page.recovery_text",
    PageUseRecovery = "page.use_recovery",
    PageUsePasskey = "page.use_passkey",
    PagePasskeyText = "page.passkey_text",
    PageNeedsScript = "page.needs_script",
    PageTrust = "page.trust",
    PageStepUp = "page.step_up",
    PageStepUpText = "page.step_up_text",
    PageEnrol = "page.enrol",
    PageNewTotp = "page.new_totp",
    PageNewTotpText = "page.new_totp_text",
    PagePicture = "page.picture",
    PageKey = "page.key",
    PageNewPasskey = "page.new_passkey",
    PageOtherWays = "page.other_ways",
    PageSignedIn = "page.signed_in",
    PageSignedInText = "page.signed_in_text",
    PageSignOut = "page.sign_out",
    PageSignOutQuestion = "page.sign_out_question",
    PageSignOutText = "page.sign_out_text",
    PageSignOutEverywhere = "page.sign_out_everywhere",
    PageSignedOut = "page.signed_out",
    PageSignedOutText = "page.signed_out_text",
    PageAstray = "page.astray",
    PageAstrayText = "page.astray_text",
    PageCallbackOver = "page.callback_over",
    PageCallbackOverText = "page.callback_over_text",
    PageForeign = "page.foreign",
    PageForeignText = "page.foreign_text",
    PageDevice = "page.device",
    PageDeviceText = "page.device_text",
    PageDeviceLabel = "page.device_label",
    PageDeviceLabelHint = "page.device_label_hint",
    PageDeviceOther = "page.device_other",
    PageDeviceDone = "page.device_done",
    PageDeviceDoneText = "page.device_done_text",
    WrongRegistration = "wrong.registration",
    WrongNotFresh = "wrong.not_fresh",
    PageReference = "page.reference",
    WrongCode = "wrong.code",
    WrongTotp = "wrong.totp",
    WrongRecovery = "wrong.recovery",
    WrongPassword = "wrong.password",
    WrongPasskey = "wrong.passkey",
    WrongName = "wrong.name",
    WrongOver = "wrong.over",
    WrongMailOver = "wrong.mail_over",
    WrongNotConfirmed = "wrong.not_confirmed",
    WrongTooMany = "wrong.too_many",
    WrongTooSoon = "wrong.too_soon",
    WrongClosed = "wrong.closed",
    WrongDisabled = "wrong.disabled",
    WrongErasing = "wrong.erasing",
    WrongNotOffered = "wrong.not_offered",
    WrongLater = "wrong.later",
    WrongTrouble = "wrong.trouble",
}

/// A text that only templates of pages name.
struct OfPage {
    name: Box<str>,
    places: Vec<&'static str>,
}

/// All of them, and what can be put into them: as the English ones have it.
static OF_PAGES: LazyLock<Vec<OfPage>> = LazyLock::new(|| {
    let entries = catalog::ENGLISH.iter().flat_map(|source| entries(source));
    let texts = entries.filter(Entry::says_something).filter_map(|entry| {
        let name = entry.key()?;
        let is_named = Key::NAMED.iter().any(|key| key.name() == name);
        (!is_named).then(|| OfPage { name: name.into(), places: entry.places() })
    });
    texts.collect()
});

/// All of them in the order of their names.
static BY_NAME: LazyLock<Vec<(&'static str, Key)>> = LazyLock::new(|| {
    let mut all: Vec<_> = Key::all().map(|key| (key.name(), key)).collect();
    all.sort_unstable();
    all
});

/// Places that are filled with numbers, so that words can be chosen by them.
const NUMBERS: [&str; 6] = ["checkpoints", "count", "events", "imported", "lines", "waiting"];

impl Key {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMED.iter().copied().chain((0..OF_PAGES.len()).map(Self::OfPages))
    }

    /// The text of a name. Kinds of events have a dot, which Fluent takes in no name: there `event.challenge.passed` is
    /// `event.challenge-passed`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = match name.split_once('.') {
            Some((message, attribute)) if attribute.contains('.') => {
                Cow::Owned(format!("{message}.{}", attribute.replace('.', "-")))
            }
            _ => Cow::Borrowed(name),
        };
        let place = BY_NAME.binary_search_by_key(&&*name, |(known, _)| known).ok()?;
        BY_NAME.get(place).map(|(_, key)| *key)
    }

    /// Whether a place is filled with a number.
    #[must_use]
    pub(super) fn is_number(place: &str) -> bool {
        NUMBERS.contains(&place)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::all().map(Self::name)
    }

    /// What can be put into it. Pages that say what went wrong do not always know the app.
    #[must_use]
    pub fn places(self) -> &'static [&'static str] {
        match self {
            Self::OfPages(place) => OF_PAGES.get(place).map_or(&[], |of_page| of_page.places.as_slice()),
            Self::ExpiryMinutes | Self::ExpiryHours => &["app", "count"],
            Self::RequestedFrom => &["app", "place"],
            Self::AddressAddedText | Self::AddressRemovedText | Self::PrimaryChangedText => {
                &["app", "address"]
            }
            Self::AddressChangedText => &["app", "address", "when"],
            Self::ErasingText | Self::InvitationText => &["app", "when"],
            Self::AdministratorText | Self::FactorAddedText | Self::FactorRemovedText => &["app", "what"],
            Self::RecoveryUsedText => &["app", "count"],
            Self::NewDeviceText | Self::DeviceRegisteredText => &["app", "device", "when"],
            Self::PageTrust | Self::WrongTooMany | Self::WrongTooSoon => &["app", "count"],
            Self::LinkOver
            | Self::LinkOverText
            | Self::LinkLater
            | Self::LinkLaterText
            | Self::LinkTrouble
            | Self::LinkTroubleText
            | Self::UndoQuestion
            | Self::UndoText
            | Self::UndoButton
            | Self::UndoDone
            | Self::UndoDoneText
            | Self::KeptQuestion
            | Self::KeptText
            | Self::KeptButton
            | Self::KeptDone
            | Self::KeptDoneText
            | Self::KeptDoneDisabled
            | Self::DisownQuestion
            | Self::DisownText
            | Self::DisownButton
            | Self::DisownDone
            | Self::DisownDoneText => &[],
            _ => &["app"],
        }
    }

    /// What must be put into it: without, it says nothing.
    #[must_use]
    pub const fn needed(self) -> Option<&'static str> {
        match self {
            Self::ExpiryMinutes | Self::ExpiryHours => Some("count"),
            Self::RequestedFrom => Some("place"),
            Self::AddressAddedText
            | Self::AddressRemovedText
            | Self::AddressChangedText
            | Self::PrimaryChangedText => Some("address"),
            Self::ErasingText | Self::InvitationText => Some("when"),
            Self::AdministratorText | Self::FactorAddedText | Self::FactorRemovedText => Some("what"),
            Self::RecoveryUsedText => Some("count"),
            Self::NewDeviceText | Self::DeviceRegisteredText => Some("device"),
            Self::PageTrust | Self::WrongTooMany | Self::WrongTooSoon => Some("count"),
            _ => None,
        }
    }
}
