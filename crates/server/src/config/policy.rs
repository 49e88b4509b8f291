//! What a sign-in takes, in the words of the configuration.

use countersign_domain::{
    assurance::{Level, Method, Methods},
    time::Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a sign-in takes. Whoever has a second factor is asked for it whatever stands here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// What may be proven first: `passkey`, `password`, `mail`, and `totp`, which registers devices alone. All of them but
    /// `totp` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &["passkey", "mail"])]
    pub start: Option<Vec<BeginningSetting>>,
    /// The level that every session has at least: `mailbox` (default), `aal1` (a password, TOTP or security key as
    /// well) or `aal2` (a passkey, or a password and one of the others). Who has nothing that reaches it makes a
    /// passkey at the next sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"aal2")]
    pub least: Option<LevelSetting>,
    /// For how many days a browser stands in for the second factor that was shown there, where the person wants that:
    /// 0 (default) to 365. It never stands in for `least`, nor for a level that an app asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 365), example = &30)]
    pub trusted_device_days: Option<u32>,
}

/// What may be proven first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BeginningSetting {
    /// A passkey.
    Passkey,
    /// A password, where the realm has them.
    Password,
    /// A mailed code or link.
    Mail,
    /// The code of an authenticator app beside a name, where a device is registered.
    Totp,
}

/// How strongly somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LevelSetting {
    /// Control of a mailbox.
    Mailbox,
    /// One authenticator (NIST SP 800-63B-4, AAL1).
    Aal1,
    /// Two factors (NIST SP 800-63B-4, AAL2).
    Aal2,
}

impl PolicySettings {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What may be proven first, where it is said.
    ///
    /// # Errors
    /// When nobody could begin.
    pub(super) fn start(&self) -> Result<Option<Methods>, String> {
        let Some(start) = &self.start else { return Ok(None) };
        if start.iter().all(|beginning| *beginning == BeginningSetting::Totp) {
            return Err("policy.start: say at least one of passkey, password, mail".to_owned());
        }
        Ok(Some(start.iter().fold(Methods::NONE, |all, beginning| match beginning {
            BeginningSetting::Passkey => all.with(Method::Passkey),
            BeginningSetting::Password => all.with(Method::Password),
            BeginningSetting::Mail => all.with(Method::Code).with(Method::Link),
            BeginningSetting::Totp => all.with(Method::Totp),
        })))
    }

    /// For how long a trusted browser counts, where it is said.
    ///
    /// # Errors
    /// When that is too long.
    pub(super) fn trust(&self) -> Result<Option<Span>, String> {
        match self.trusted_device_days {
            Some(days @ 366..) => Err(format!("policy.trusted_device_days: {days} is not between 0 and 365")),
            days => Ok(days.map(|days| Span::from_hours(24 * i64::from(days)))),
        }
    }

    /// The level that every session has at least, where it is said.
    pub(super) fn least(&self) -> Option<Level> {
        self.least.map(LevelSetting::level)
    }
}

impl LevelSetting {
    /// The level that it names.
    pub(super) const fn level(self) -> Level {
        match self {
            Self::Mailbox => Level::Mailbox,
            Self::Aal1 => Level::Aal1,
            Self::Aal2 => Level::Aal2,
        }
    }
}
