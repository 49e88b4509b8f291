//! The rules of the two ceremonies (Web Authentication Level 3, 7.1 and 7.2) for relying parties that ask for no
//! attestation. It is told what was asked and what is known of a credential, and knows neither stores nor people.

use super::{
    authenticator_data::{self, AuthenticatorData},
    cbor,
    client_data::{self, Asked},
    fault::Fault,
    response::{AuthenticationResponse, RegistrationResponse, check_frame},
};
use crate::keys::sha256;

/// What was asked of an authenticator.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// For whom.
    pub rp_id: &'a str,
    /// The random bytes of the question.
    pub challenge: &'a [u8],
    /// The pages that may answer it.
    pub origins: &'a [String],
    /// Whether the authenticator has to know the person.
    pub is_verification_required: bool,
    /// Whether somebody has to be there: always, but for a passkey that a browser makes unasked (conditional create).
    pub is_presence_required: bool,
}

/// A credential that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What its authenticator calls it.
    pub id: Vec<u8>,
    /// Its public key, as a `COSE_Key`.
    pub public_key: Vec<u8>,
    /// The model of its authenticator, as that says itself.
    pub model: [u8; 16],
    /// How often its key signed.
    pub counter: u32,
    /// Whether the authenticator knew the person.
    pub is_verified: bool,
    /// Whether it may be copied to other devices.
    pub is_backup_eligible: bool,
    /// Whether it is.
    pub is_backed_up: bool,
}

/// What is known of a credential that signs.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What its authenticator calls it.
    pub id: &'a [u8],
    /// Its public key, as a `COSE_Key`.
    pub public_key: &'a [u8],
    /// The user handle that it was made for.
    pub user_handle: &'a [u8],
    /// How often its key had signed.
    pub counter: i64,
    /// Whether it may be copied to other devices.
    pub is_backup_eligible: bool,
}

/// What a signature showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// How often the key has signed now.
    pub counter: u32,
    /// Whether the authenticator knew the person.
    pub is_verified: bool,
    /// Whether the credential is copied to other devices.
    pub is_backed_up: bool,
}

/// Checks the answer to a question for a new credential (7.1). What an authenticator says of its maker is read and left
/// at that: no attestation is asked for, so none is trusted.
///
/// # Errors
/// The [`Fault`] that is first found.
pub fn registration(expected: &Expected<'_>, answer: &RegistrationResponse) -> Result<Registered, Fault> {
    check_frame(&answer.kind, &answer.id, &answer.raw_id)?;
    let asked = Asked { kind: "webauthn.create", challenge: expected.challenge, origins: expected.origins };
    client_data::check(&answer.response.client_data.0, &asked)?;
    let object = cbor::whole(&answer.response.attestation_object.0).map_err(|_| Fault::Attestation)?;
    let format = object.named("fmt").and_then(cbor::Value::text).ok_or(Fault::Attestation)?;
    let statement = object.named("attStmt").and_then(cbor::Value::map).ok_or(Fault::Attestation)?;
    let data = object.named("authData").and_then(cbor::Value::bytes).ok_or(Fault::Attestation)?;
    if format == "none" && !statement.is_empty() {
        return Err(Fault::Attestation);
    }
    let data = authenticator_data::parse(data)?;
    check_data(expected, &data)?;
    let attested = data.attested.as_ref().ok_or(Fault::AuthenticatorData)?;
    authenticator_data::public_key(attested.cose)?;
    if attested.id != answer.raw_id.0 {
        return Err(Fault::CredentialId);
    }
    Ok(Registered {
        id: attested.id.to_vec(),
        public_key: attested.cose.to_vec(),
        model: attested.model,
        counter: data.counter,
        is_verified: data.is_verified(),
        is_backup_eligible: data.is_backup_eligible(),
        is_backed_up: data.is_backed_up(),
    })
}

/// Checks the answer to a question for a signature (7.2). `is_user_known` says whether somebody else than the
/// authenticator said whose the credential is: otherwise it has to.
///
/// # Errors
/// The [`Fault`] that is first found.
pub fn authentication(
    expected: &Expected<'_>,
    known: &Known<'_>,
    is_user_known: bool,
    answer: &AuthenticationResponse,
) -> Result<Asserted, Fault> {
    check_frame(&answer.kind, &answer.id, &answer.raw_id)?;
    if answer.raw_id.0 != known.id {
        return Err(Fault::CredentialId);
    }
    match &answer.response.user_handle {
        Some(handle) if handle.0 == known.user_handle => {}
        None if is_user_known => {}
        _ => return Err(Fault::UserHandle),
    }
    let client_data = &answer.response.client_data.0;
    let asked = Asked { kind: "webauthn.get", challenge: expected.challenge, origins: expected.origins };
    client_data::check(client_data, &asked)?;
    let signed = &answer.response.authenticator_data.0;
    let data = authenticator_data::parse(signed)?;
    check_data(expected, &data)?;
    if data.attested.is_some() {
        return Err(Fault::AuthenticatorData);
    }
    if data.is_backup_eligible() != known.is_backup_eligible {
        return Err(Fault::BackupState);
    }
    let key = authenticator_data::public_key(known.public_key)?;
    let message = [signed.as_slice(), &sha256(client_data)].concat();
    if !key.verify(&message, &answer.response.signature.0) {
        return Err(Fault::Signature);
    }
    // Last: only the key itself can say that there are two of it.
    let counter = i64::from(data.counter);
    if (counter != 0 || known.counter != 0) && counter <= known.counter {
        return Err(Fault::Counter);
    }
    Ok(Asserted { counter: data.counter, is_verified: data.is_verified(), is_backed_up: data.is_backed_up() })
}

/// What holds for the authenticator data of both ceremonies.
fn check_data(expected: &Expected<'_>, data: &AuthenticatorData<'_>) -> Result<(), Fault> {
    if *data.rp_id_hash != sha256(expected.rp_id.as_bytes()) {
        return Err(Fault::RpId);
    }
    if expected.is_presence_required && !data.is_present() {
        return Err(Fault::NotPresent);
    }
    if expected.is_verification_required && !data.is_verified() {
        return Err(Fault::NotVerified);
    }
    Ok(())
}
