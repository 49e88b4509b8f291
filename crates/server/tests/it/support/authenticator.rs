//! Somebody else's authenticator and browser (the crates `passkey-*`): they get the JSON that a page gets, and answer with
//! the JSON that a page sends. Nothing of them knows this program.

use std::pin::Pin;

use passkey_authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData, WebauthnError};
use passkey_crypto::AvailableBackend;
use passkey_types::{Passkey, ctap2};
use serde_json::{Value, json};
use url::Url;

/// Somebody who touches what blinks, and whom the authenticator may know.
struct Person {
    is_known: bool,
}

type Checked<'a> = Pin<Box<dyn Future<Output = Result<UserCheck, ctap2::Ctap2Error>> + Send + 'a>>;

impl UserValidationMethod for Person {
    type PasskeyItem = Passkey;

    fn check_user<'hint, 'person, 'checked>(
        &'person self,
        _: UiHint<'hint, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Checked<'checked>
    where
        'hint: 'checked,
        'person: 'checked,
        Self: 'checked,
    {
        let verification = verification && self.is_known;
        Box::pin(async move { Ok(UserCheck { presence, verification }) })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        self.is_known.then_some(true)
    }
}

type Held = Client<Option<Passkey>, Person, AvailableBackend, public_suffix::PublicSuffixList, ()>;

/// An authenticator with room for one passkey, and the browser that it is in.
pub(crate) struct Device {
    client: Held,
}

impl Device {
    /// One that knows its person, and counts its signatures.
    pub(crate) fn new() -> Self {
        Self::of(true)
    }

    /// One that only knows that somebody touches it.
    pub(crate) fn touched() -> Self {
        Self::of(false)
    }

    fn of(is_known: bool) -> Self {
        let aaguid = ctap2::Aaguid::new_empty();
        let mut held = Authenticator::new(aaguid, None, Person { is_known }, AvailableBackend);
        held.set_make_credentials_with_signature_counter(true);
        Self { client: Client::new(held).user_verification_when_preferred(is_known) }
    }

    /// `navigator.credentials.create` on a page of that origin.
    pub(crate) async fn create(&mut self, origin: &str, options: &Value) -> Result<Value, WebauthnError> {
        let options = serde_json::from_value(json!({ "publicKey": options })).unwrap();
        let made = self.client.register(&Url::parse(origin).unwrap(), options, DefaultClientData).await?;
        Ok(serde_json::to_value(made).unwrap())
    }

    /// `navigator.credentials.get` on a page of that origin.
    pub(crate) async fn get(&mut self, origin: &str, options: &Value) -> Result<Value, WebauthnError> {
        let options = serde_json::from_value(json!({ "publicKey": options })).unwrap();
        let signed =
            self.client.authenticate(&Url::parse(origin).unwrap(), options, DefaultClientData).await?;
        Ok(serde_json::to_value(signed).unwrap())
    }

    /// What another authenticator holds too, once somebody copied it.
    pub(crate) fn copied(&self) -> Self {
        let mut copy = Self::new();
        *copy.client.authenticator_mut().store_mut() = self.client.authenticator().store().clone();
        copy
    }
}
