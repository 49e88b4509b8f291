//! What tests answer with: the vectors of Web Authentication Level 3 (16), and answers that differ from them in one place,
//! signed anew with the vectors' own keys.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Deserialize;
use serde_json::Value;

use super::{
    authenticator_data,
    cbor::{self},
    fault::Fault,
    response::{Assertion, Attestation, AuthenticationResponse, Base64Url, RegistrationResponse},
    verify::{self, Asserted, Expected, Known, Registered},
};
use crate::keys::sha256;

pub(super) const RP_ID: &str = "example.org";
pub(super) const ORIGIN: &str = "https://example.org";
pub(super) const HANDLE: &[u8] = &[5; 64];

/// One vector: a registration, and a signature of the same key.
#[derive(Deserialize)]
pub(super) struct Vector {
    pub(super) name: String,
    private_key: Option<String>,
    pub(super) registration: Made,
    pub(super) authentication: Signed,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) challenge: String,
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: String,
    pub(super) attestation_object: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signed {
    pub(super) challenge: String,
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: String,
    pub(super) authenticator_data: String,
    pub(super) signature: String,
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).expect("hex")
}

pub(super) fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).expect("the vectors read")
}

pub(super) fn vector(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.name == name).expect("a vector")
}

/// Everything that was said to and by an authenticator, to be changed in one place.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) challenge: Vec<u8>,
    pub(super) origins: Vec<String>,
    pub(super) rp_id: String,
    pub(super) is_verification_required: bool,
    pub(super) is_presence_required: bool,
    pub(super) kind: String,
    pub(super) id: Vec<u8>,
    pub(super) raw_id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    /// The attestation object or the authenticator data.
    pub(super) data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) user_handle: Option<Vec<u8>>,
    pub(super) is_user_known: bool,
    pub(super) counter: i64,
    pub(super) is_backup_eligible: bool,
    /// What the server knows.
    pub(super) known_id: Vec<u8>,
    pub(super) public_key: Vec<u8>,
}

impl Vector {
    /// The authenticator data of the registration.
    pub(super) fn made_data(&self) -> Vec<u8> {
        let object = hex(&self.registration.attestation_object);
        let object = cbor::whole(&object).expect("an attestation object");
        object.named("authData").and_then(cbor::Value::bytes).expect("authenticator data").to_vec()
    }

    pub(super) fn registration(&self) -> Case {
        let data = self.made_data();
        let attested = authenticator_data::parse(&data).expect("parsed").attested.expect("attested");
        let made = &self.registration;
        Case {
            challenge: hex(&made.challenge),
            origins: vec![ORIGIN.to_owned()],
            rp_id: RP_ID.to_owned(),
            is_verification_required: false,
            is_presence_required: true,
            kind: "public-key".to_owned(),
            id: attested.id.to_vec(),
            raw_id: attested.id.to_vec(),
            client_data: hex(&made.client_data),
            data: hex(&made.attestation_object),
            signature: Vec::new(),
            user_handle: None,
            is_user_known: true,
            counter: 0,
            is_backup_eligible: data[32] & 8 != 0,
            known_id: attested.id.to_vec(),
            public_key: attested.cose.to_vec(),
        }
    }

    pub(super) fn authentication(&self) -> Case {
        let signed = &self.authentication;
        Case {
            challenge: hex(&signed.challenge),
            client_data: hex(&signed.client_data),
            data: hex(&signed.authenticator_data),
            signature: hex(&signed.signature),
            user_handle: Some(HANDLE.to_vec()),
            is_user_known: false,
            ..self.registration()
        }
    }

    /// Signs what a case says now.
    pub(super) fn sign(&self, case: &Case) -> Case {
        let message = [case.data.as_slice(), &sha256(&case.client_data)].concat();
        let seed = hex(self.private_key.as_ref().expect("a private key"));
        let signature = if self.name.contains("EdDSA") {
            Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key").sign(&message).as_ref().to_vec()
        } else {
            let key = cbor::whole(&case.public_key).expect("a key");
            let coordinate = |label| key.numbered(label).and_then(cbor::Value::bytes).expect("a coordinate");
            let point = [&[4][..], coordinate(-2), coordinate(-3)].concat();
            let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let pair =
                EcdsaKeyPair::from_private_key_and_public_key(algorithm, &seed, &point).expect("a key");
            pair.sign(&SystemRandom::new(), &message).expect("signed").as_ref().to_vec()
        };
        Case { signature, ..case.clone() }
    }
}

impl Case {
    fn expected(&self) -> Expected<'_> {
        Expected {
            rp_id: &self.rp_id,
            challenge: &self.challenge,
            origins: &self.origins,
            is_verification_required: self.is_verification_required,
            is_presence_required: self.is_presence_required,
        }
    }

    pub(super) fn register(&self) -> Result<Registered, Fault> {
        let answer = RegistrationResponse {
            id: Base64Url(self.id.clone()),
            raw_id: Base64Url(self.raw_id.clone()),
            kind: self.kind.clone(),
            response: Attestation {
                client_data: Base64Url(self.client_data.clone()),
                attestation_object: Base64Url(self.data.clone()),
                transports: Vec::new(),
            },
        };
        verify::registration(&self.expected(), &answer)
    }

    pub(super) fn authenticate(&self) -> Result<Asserted, Fault> {
        let answer = AuthenticationResponse {
            id: Base64Url(self.id.clone()),
            raw_id: Base64Url(self.raw_id.clone()),
            kind: self.kind.clone(),
            response: Assertion {
                client_data: Base64Url(self.client_data.clone()),
                authenticator_data: Base64Url(self.data.clone()),
                signature: Base64Url(self.signature.clone()),
                user_handle: self.user_handle.clone().map(Base64Url),
            },
        };
        let known = Known {
            id: &self.known_id,
            public_key: &self.public_key,
            user_handle: HANDLE,
            counter: self.counter,
            is_backup_eligible: self.is_backup_eligible,
        };
        verify::authentication(&self.expected(), &known, self.is_user_known, &answer)
    }

    /// With one member of the client data changed, or taken away.
    pub(super) fn with_client_data(&self, member: &str, value: Option<Value>) -> Self {
        let mut data: serde_json::Map<String, Value> =
            serde_json::from_slice(&self.client_data).expect("client data");
        match value {
            Some(value) => data.insert(member.to_owned(), value),
            None => data.remove(member),
        };
        Self { client_data: serde_json::to_vec(&data).expect("JSON"), ..self.clone() }
    }

    /// With other flags in its authenticator data: those of `clear` taken away, those of `set` added.
    pub(super) fn with_flags(&self, clear: u8, set: u8) -> Self {
        let mut case = self.clone();
        case.data[32] = case.data[32] & !clear | set;
        case
    }

    pub(super) fn with_counter(&self, counter: u32) -> Self {
        let mut case = self.clone();
        case.data[33..37].copy_from_slice(&counter.to_be_bytes());
        case
    }
}

/// An attestation object around authenticator data.
pub(super) fn attestation(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    let text =
        |text: &str| [&[0x60 + u8::try_from(text.len()).expect("short")][..], text.as_bytes()].concat();
    let length = u16::try_from(data.len()).expect("short").to_be_bytes();
    let head = if data.len() < 256 { vec![0x58, length[1]] } else { vec![0x59, length[0], length[1]] };
    let parts = [&[0xa3][..], &text("fmt"), &text(format), &text("attStmt"), statement, &text("authData")];
    [&parts.concat()[..], &head, data].concat()
}

/// Bytes as the client data write them.
pub(super) fn base64(bytes: &[u8]) -> Value {
    BASE64URL_NOPAD.encode(bytes).into()
}
