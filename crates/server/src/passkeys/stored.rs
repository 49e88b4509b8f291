//! What is kept, sealed: of a credential, and of a question that waits for its answer. The challenge of a question
//! begins with the question's id, so that an answer says itself what it answers.

use countersign_domain::{
    ceremony::{self, Ceremony, CeremonyKind},
    credential::Credential,
    id::{CeremonyId, UserId},
    random::Random,
    realm::RealmName,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::{
    client_data,
    fault::Fault,
    party::Party,
    response::Base64Url,
    verify::{Expected, Known, Registered},
};
use crate::{
    credentials::{open, open_question, seal, seal_question},
    error::ApiError,
    state::Server,
};

/// Bytes of a challenge that nobody can know, after the 16 of its question's id.
const RANDOM: usize = 32;
/// Most ways to reach an authenticator that are kept.
const MOST_TRANSPORTS: usize = 8;

/// What is kept of a passkey or security key beside its row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StoredKey {
    /// What its authenticator calls it.
    pub id: Base64Url,
    /// Its public key, as a `COSE_Key`.
    pub public_key: Base64Url,
    /// For whom it was made.
    pub rp_id: String,
    /// The model of its authenticator (AAGUID), as that says itself.
    pub model: Base64Url,
    /// How its authenticator may be reached.
    pub transports: Vec<String>,
    /// Whether a passkey was asked for, and not a security key beside something else.
    pub is_passkey: bool,
    /// Whether its authenticator has shown that it knows the person.
    pub is_verified: bool,
    /// Whether it may be copied to other devices.
    pub is_backup_eligible: bool,
    /// Whether it is.
    pub is_backed_up: bool,
}

/// What a page names a credential by to a browser (`PublicKeyCredentialDescriptorJSON`).
#[derive(Clone, Debug, Serialize)]
pub struct Descriptor {
    #[serde(rename = "type")]
    kind: &'static str,
    /// What its authenticator calls it, in base64url.
    pub id: String,
    transports: Vec<String>,
}

/// As much of a [`StoredKey`] as a browser is told: a person may have a hundred.
#[derive(Deserialize)]
struct Named {
    id: String,
    rp_id: String,
    transports: Vec<String>,
}

impl Descriptor {
    /// Of a credential that was made for this RP ID; none of another one.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it does not open or read.
    pub fn of(server: &Server, credential: &Credential, rp_id: &str) -> Result<Option<Self>, ApiError> {
        let opened = open(server, credential)?;
        let named: Named = serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)?;
        let Named { id, transports, .. } = named;
        Ok((named.rp_id == rp_id).then_some(Self { kind: "public-key", id, transports }))
    }
}

impl StoredKey {
    /// What is kept of a new credential.
    #[must_use]
    pub fn new(made: Registered, question: &Question, transports: &[String]) -> Self {
        let is_name = |name: &str| {
            (1..=32).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        Self {
            id: Base64Url(made.id),
            public_key: Base64Url(made.public_key),
            rp_id: question.rp_id.clone(),
            model: Base64Url(made.model.to_vec()),
            transports: transports
                .iter()
                .filter(|name| is_name(name))
                .take(MOST_TRANSPORTS)
                .cloned()
                .collect(),
            is_passkey: question.is_passkey,
            is_verified: made.is_verified,
            is_backup_eligible: made.is_backup_eligible,
            is_backed_up: made.is_backed_up,
        }
    }

    /// What is kept of a credential.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it does not open or read.
    pub fn open(server: &Server, credential: &Credential) -> Result<Self, ApiError> {
        let opened = open(server, credential)?;
        serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)
    }

    /// It, sealed for the row of a credential.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn seal(&self, server: &Server, credential: &Credential) -> Result<Vec<u8>, ApiError> {
        let json = serde_json::to_vec(self).map_err(|_| ApiError::Internal)?;
        seal(server, (&credential.realm, &credential.id), &json)
    }

    /// It, for the check of a signature.
    #[must_use]
    pub fn known<'a>(&'a self, credential: &Credential, user_handle: &'a [u8]) -> Known<'a> {
        Known {
            id: &self.id.0,
            public_key: &self.public_key.0,
            user_handle,
            counter: credential.counter,
            is_backup_eligible: self.is_backup_eligible,
        }
    }
}

/// What is kept of a question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Question {
    /// What was asked to be signed.
    pub challenge: Base64Url,
    /// For whom.
    pub rp_id: String,
    /// Where it may be answered.
    pub origins: Vec<String>,
    /// Whether the authenticator has to know the person.
    pub is_verification_required: bool,
    /// Whether a browser may make the credential unasked.
    pub is_conditional: bool,
    /// Whether a passkey is wanted, and not a security key beside something else.
    pub is_passkey: bool,
}

/// A new question, of which the rest is said by its maker.
pub(super) struct NewQuestion<'a> {
    pub(super) realm: &'a RealmName,
    pub(super) kind: CeremonyKind,
    pub(super) within: [u8; 16],
    pub(super) user: Option<UserId>,
}

impl Question {
    /// A question of a party, to which the authenticator's owner has to be known.
    pub(super) fn new(party: Party) -> Self {
        let Party { rp_id, origins } = party;
        Self {
            challenge: Base64Url::default(),
            rp_id,
            origins,
            is_verification_required: true,
            is_conditional: false,
            is_passkey: true,
        }
    }

    /// One of a sign-in of which nothing is kept. Nor is this: it follows from its id, which its challenge begins with.
    pub(super) fn nameless(
        server: &Server,
        party: Party,
        (id, realm, within): (CeremonyId, &RealmName, &[u8; 16]),
    ) -> Self {
        let rest = server.keys.nameless_challenge(id, (realm, within), &party.rp_id);
        Self { challenge: Base64Url([id.bytes().as_slice(), rest.bytes()].concat()), ..Self::new(party) }
    }

    /// Draws the challenge, and makes the row.
    pub(super) fn ask(
        mut self,
        server: &Server,
        new: &NewQuestion<'_>,
    ) -> Result<(Self, Ceremony), ApiError> {
        let (now, mut random) = (server.now(), server.random());
        let id = CeremonyId::new(now, &mut *random);
        self.challenge = challenge(id, &mut *random);
        let json = serde_json::to_vec(&self).map_err(|_| ApiError::Internal)?;
        let row = Ceremony {
            id,
            realm: new.realm.clone(),
            kind: new.kind,
            within: new.within,
            user: new.user,
            sealed: seal_question(server, (new.realm, &id), &json)?,
            expires_at: now + ceremony::LIFE,
        };
        Ok((self, row))
    }

    /// What is kept of a question.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it does not open or read.
    pub fn open(server: &Server, ceremony: &Ceremony) -> Result<Self, ApiError> {
        let opened = open_question(server, ceremony)?;
        serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)
    }

    /// It, for the check of an answer.
    #[must_use]
    pub fn expected(&self) -> Expected<'_> {
        Expected {
            rp_id: &self.rp_id,
            challenge: &self.challenge.0,
            origins: &self.origins,
            is_verification_required: self.is_verification_required,
            is_presence_required: !self.is_conditional,
        }
    }

    /// The challenge as browsers are given it.
    #[must_use]
    pub fn challenge(&self) -> String {
        BASE64URL_NOPAD.encode(&self.challenge.0)
    }
}

fn challenge(id: CeremonyId, random: &mut dyn Random) -> Base64Url {
    let mut bytes = id.bytes().to_vec();
    bytes.resize(bytes.len() + RANDOM, 0);
    random.fill(&mut bytes[id.bytes().len()..]);
    Base64Url(bytes)
}

/// The question that somebody says to answer: its challenge says so in the client data. Nothing of them is checked yet.
///
/// # Errors
/// [`Fault::ClientData`] or [`Fault::Challenge`] when they name none.
pub fn ceremony_of(client_data: &Base64Url) -> Result<CeremonyId, Fault> {
    let challenge = client_data::challenge(&client_data.0)?;
    let (id, _) = challenge.split_first_chunk::<16>().ok_or(Fault::Challenge)?;
    Ok(CeremonyId::from_bytes(*id))
}
