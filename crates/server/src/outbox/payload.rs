//! What a message holds while it waits: recipient, code and link, sealed in its row and nowhere else.

use countersign_domain::{
    challenge::{Purpose, Started},
    id::MessageId,
    identifier::EmailAddress,
    message::Message,
    random::Random,
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    address::Address,
    caller_text::CallerText,
    letter::{self, Letter, Mailbox},
    notice::{Notice, Reader},
    worker::LEASE,
};
use crate::{
    api::start::StartBody,
    call::Call,
    config::Config,
    keys::{Context, SealError},
    pages::Requested,
    state::Server,
    telemetry::{self, Trace},
    texts::Locale,
    vault::Keys,
};

/// A message in the clear, on its way from the request to the sender.
#[derive(Clone)]
pub struct Payload {
    /// The message.
    pub id: MessageId,
    /// Whether it is to be sent at all.
    pub deliver: bool,
    /// When it is of no use any more.
    pub expires_at: Timestamp,
    /// How often sending was tried.
    pub attempts: u32,
    /// Until when it is this node's to send; then the store hands it out anew.
    pub leased_until: Timestamp,
    /// The span of the request that promised it, while it is in memory; never stored.
    pub promised_in: Option<Trace>,
    content: Content,
}

/// What is sealed.
#[derive(Clone, Deserialize, Serialize)]
struct Content {
    app: String,
    to: String,
    code: Option<Zeroizing<String>>,
    link: Option<Zeroizing<String>>,
    purpose: String,
    locale: String,
    minutes: u32,
    requested_from: Option<String>,
    subject: Option<String>,
    text: Option<String>,
    created_at: i64,
    /// What is told where nothing is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice: Option<Notice>,
}

fn place(id: &MessageId) -> Context<'_> {
    Context { table: "message", column: "sealed", id: id.bytes() }
}

impl Payload {
    /// The message of a challenge that was just started.
    #[must_use]
    pub fn new(call: &Call, body: &StartBody, address: &EmailAddress, started: &Started) -> Self {
        let challenge = &started.challenge;
        let wanted = [body.locale.as_deref(), call.languages.as_deref(), call.app.mail.locale.as_deref()];
        // A secret key's `Accept-Language` is the app's server's, not the person's.
        let wanted = if call.is_secret() { [wanted[0], None, wanted[2]] } else { wanted };
        let renderer = call.server.renderer.load();
        let wanted = wanted.into_iter().flatten().next().unwrap_or_default();
        let locale = renderer.catalog().negotiate(call.app.name.as_str(), wanted);
        let life = challenge.expires_at.since(challenge.created_at);
        let link = started.link.as_ref().map(|token| {
            Zeroizing::new(format!("{}/link/{}", call.server.config.load().server.issuer, token.expose()))
        });
        let content = Content {
            app: call.app.name.to_string(),
            to: address.canonical().to_owned(),
            code: started.code.as_ref().map(|code| Zeroizing::new(code.expose().to_owned())),
            link,
            purpose: challenge.purpose.name().to_owned(),
            locale: locale.tag().to_owned(),
            minutes: u32::try_from(life.seconds() / 60).unwrap_or(u32::MAX).max(1),
            requested_from: Requested::describe(call, body.end_user.as_ref()),
            subject: body.subject.clone().or_else(|| call.app.mail.subject.clone()),
            text: body.content.clone(),
            created_at: challenge.created_at.millis(),
            notice: None,
        };
        let leased_until = challenge.created_at + LEASE;
        Self {
            id: MessageId::of(challenge.id),
            deliver: started.deliver,
            expires_at: challenge.expires_at,
            attempts: 0,
            leased_until,
            promised_in: telemetry::current(),
            content,
        }
    }

    /// A notice that was promised at the first of two times, and is of no use after the second.
    #[must_use]
    pub fn of_notice(
        server: &Server,
        id: MessageId,
        reader: Reader<'_>,
        notice: &Notice,
        (created_at, expires_at): (Timestamp, Timestamp),
    ) -> Self {
        let app = reader.app;
        let wanted = reader.locale.or(app.mail.locale.as_deref()).unwrap_or_default();
        let locale = server.renderer.load().catalog().negotiate(app.name.as_str(), wanted);
        let content = Content {
            app: app.name.to_string(),
            to: reader.to.canonical().to_owned(),
            code: None,
            link: None,
            purpose: String::new(),
            locale: locale.tag().to_owned(),
            minutes: 0,
            requested_from: None,
            subject: None,
            text: None,
            created_at: created_at.millis(),
            notice: Some(notice.clone()),
        };
        let leased_until = created_at;
        Self { id, deliver: true, expires_at, attempts: 0, leased_until, promised_in: None, content }
    }

    /// Seals it for its row.
    ///
    /// # Errors
    /// When memory fails.
    pub fn seal(&self, keys: &Keys, random: &mut dyn Random) -> Result<Vec<u8>, SealError> {
        let json = Zeroizing::new(serde_json::to_vec(&self.content).map_err(|_| SealError::Failed)?);
        keys.seal(random, &place(&self.id), &json)
    }

    /// Opens what was sealed in a row that this node has until `leased_until`.
    ///
    /// # Errors
    /// When it was sealed with other keys, or tampered with.
    pub fn open(keys: &Keys, message: &Message, leased_until: Timestamp) -> Result<Self, SealError> {
        let json = keys.open(&place(&message.id), &message.sealed)?;
        Ok(Self {
            id: message.id,
            deliver: message.deliver,
            expires_at: message.expires_at,
            attempts: message.attempts,
            leased_until,
            promised_in: None,
            content: serde_json::from_slice(json.expose()).map_err(|_| SealError::Malformed)?,
        })
    }

    /// The app that speaks.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.content.app
    }

    /// As a letter, with what the configuration says about its sender. `None` when an address does not read.
    #[must_use]
    pub fn letter(&self, config: &Config, app: Option<&countersign_domain::app::App>) -> Option<Letter> {
        let content = &self.content;
        let own = app.and_then(|app| app.mail.sender_address.as_deref());
        let title = app.map_or(content.app.as_str(), |app| app.title.as_str());
        let name = app.and_then(|app| app.mail.sender_name.as_deref()).unwrap_or(title);
        let hide = |text: &Option<Zeroizing<String>>| text.as_ref().map(|text| Secret::new(text.to_string()));
        Some(Letter {
            id: self.id.to_string(),
            app_name: content.app.clone(),
            app_title: title.to_owned(),
            from: Mailbox {
                name: name.to_owned(),
                address: Address::parse(own.unwrap_or(&config.mail.from)).ok()?,
            },
            to: Address::parse(&content.to).ok()?,
            purpose: content.purpose()?,
            code: hide(&content.code),
            link: content.notice.as_ref().map_or_else(|| hide(&content.link), Notice::secret),
            locale: Locale::parse(&content.locale).unwrap_or_default(),
            minutes: content.minutes,
            requested_from: content.requested_from.clone(),
            subject: content.subject.as_deref().and_then(|text| CallerText::subject(text).ok()),
            content: content.text.as_deref().and_then(|text| CallerText::content(text).ok()),
            origin_host: config.server.host().to_owned(),
            date: Timestamp::from_millis(content.created_at),
        })
    }
}

impl Content {
    fn purpose(&self) -> Option<letter::Purpose> {
        if let Some(notice) = &self.notice {
            return Some(letter::Purpose::Tell(notice.clone()));
        }
        Some(match Purpose::from_name(&self.purpose)? {
            Purpose::SignIn => letter::Purpose::SignIn,
            Purpose::ConfirmAddress | Purpose::Register => letter::Purpose::ConfirmAddress,
            Purpose::ResetPassword => letter::Purpose::ResetPassword,
        })
    }
}
