//! An authenticator that keeps a passkey, as far as a server can tell (Web Authentication Level 3): ES256, no
//! attestation, a counter that stays 0. It knows the person without asking.

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// The page that asks.
const ORIGIN: &str = "http://localhost:8080";
/// Somebody was there, and was known.
const PRESENT_AND_VERIFIED: u8 = 0x05;
/// A credential follows.
const ATTESTED: u8 = 0x40;

/// One authenticator with one passkey.
pub(crate) struct Authenticator {
    pair: EcdsaKeyPair,
    id: [u8; 16],
    handle: String,
}

impl Authenticator {
    /// Makes a passkey; what a browser would send.
    ///
    /// # Errors
    /// When the options do not read, or randomness fails.
    pub(crate) fn create(options: &Value) -> anyhow::Result<(Self, Value)> {
        let failed = |_| anyhow!("no key");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).map_err(failed)?;
        let handle = options["user"]["id"].as_str().context("user.id")?.to_owned();
        let mut data = authenticator_data(&options["rp"]["id"], PRESENT_AND_VERIFIED | ATTESTED)?;
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(id);
        // A COSE_Key: EC2, ES256, P-256, then both coordinates, which follow the byte that says "not compressed".
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(x);
        data.extend([0x22, 0x58, 32]);
        data.extend(y);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len())?);
        object.extend(data);
        let client_data = client_data("webauthn.create", &options["challenge"]);
        let response = json!({
            "clientDataJSON": encoded(client_data.as_bytes()),
            "attestationObject": encoded(&object),
            "transports": ["internal"],
        });
        let made = Self { pair, id, handle };
        let answer = made.framed(&response);
        Ok((made, answer))
    }

    /// Signs; what a browser would send.
    ///
    /// # Errors
    /// When the options do not read, or randomness fails.
    pub(crate) fn get(&self, options: &Value) -> anyhow::Result<Value> {
        let data = authenticator_data(&options["rpId"], PRESENT_AND_VERIFIED)?;
        let client_data = client_data("webauthn.get", &options["challenge"]);
        let message = [&data[..], digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature =
            self.pair.sign(&SystemRandom::new(), &message).map_err(|_| anyhow!("no signature"))?;
        Ok(self.framed(&json!({
            "clientDataJSON": encoded(client_data.as_bytes()),
            "authenticatorData": encoded(&data),
            "signature": encoded(signature.as_ref()),
            "userHandle": self.handle,
        })))
    }

    fn framed(&self, response: &Value) -> Value {
        let id = encoded(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
    }
}

fn authenticator_data(rp_id: &Value, flags: u8) -> anyhow::Result<Vec<u8>> {
    let rp_id = rp_id.as_str().context("the RP ID")?;
    let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
    data.push(flags);
    data.extend([0; 4]);
    Ok(data)
}

fn client_data(kind: &str, challenge: &Value) -> String {
    json!({ "type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false }).to_string()
}

fn encoded(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
