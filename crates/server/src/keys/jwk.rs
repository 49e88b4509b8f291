//! Public keys as JSON (RFC 7517), for the key set that is published, and their thumbprints (RFC 7638).
//!
//! There is no form for a secret key here: a symmetric key cannot become a [`Jwk`], so it cannot be published by
//! mistake, nor can one that came from elsewhere be taken for a key to verify with.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// A public key for signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key itself.
    #[serde(flatten)]
    pub material: Material,
    /// Identifies the key in a key set and in a token's header.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kid: Option<String>,
    /// JOSE name of the only algorithm it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alg: Option<String>,
    /// What it is for; always `sig` in keys of ours.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<String>,
}

/// The numbers of a public key, in base64url without padding (RFC 7518, 6; RFC 8037, 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum Material {
    /// An Edwards curve.
    #[serde(rename = "OKP")]
    Okp {
        /// Name of the curve, `Ed25519`.
        crv: String,
        /// The public key.
        x: String,
    },
    /// A curve of NIST's.
    #[serde(rename = "EC")]
    Ec {
        /// Name of the curve: `P-256`, `P-384` or `P-521`.
        crv: String,
        /// First coordinate, as long as the curve's field.
        x: String,
        /// Second coordinate, as long as the curve's field.
        y: String,
    },
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus, big-endian without leading zeros.
        n: String,
        /// Public exponent, likewise.
        e: String,
    },
}

impl Material {
    /// The SHA-256 thumbprint of the key, 43 characters of base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // The required members only, in the order of their names, without white space (RFC 7638, 3).
        let members = match self {
            Self::Okp { crv, x } => serde_json::json!({"crv": crv, "kty": "OKP", "x": x}),
            Self::Ec { crv, x, y } => serde_json::json!({"crv": crv, "kty": "EC", "x": x, "y": y}),
            Self::Rsa { n, e } => serde_json::json!({"e": e, "kty": "RSA", "n": n}),
        };
        let digest = digest::digest(&digest::SHA256, members.to_string().as_bytes());
        BASE64URL_NOPAD.encode(digest.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::{Jwk, Material};

    #[test]
    fn thumbprints_are_those_of_the_standards() {
        let cases = [
            // RFC 7638, 3.1.
            (
                Material::Rsa {
                    n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".into(),
                    e: "AQAB".into(),
                },
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            // RFC 8037, A.3.
            (
                Material::Okp { crv: "Ed25519".into(), x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into() },
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
        ];
        for (material, expected) in cases {
            assert_eq!(material.thumbprint(), expected);
        }
    }

    #[test]
    fn a_key_is_written_flat_and_read_back() {
        let jwk = Jwk {
            material: Material::Ec { crv: "P-256".into(), x: "eA".into(), y: "eQ".into() },
            kid: Some("k".into()),
            alg: Some("ES256".into()),
            usage: Some("sig".into()),
        };
        let text = serde_json::to_string(&jwk).expect("JSON");
        assert_eq!(
            text,
            r#"{"kty":"EC","crv":"P-256","x":"eA","y":"eQ","kid":"k","alg":"ES256","use":"sig"}"#
        );
        assert_eq!(serde_json::from_str::<Jwk>(&text).expect("a key"), jwk);
    }

    #[test]
    fn p32_a_symmetric_key_is_not_a_jwk() {
        let text = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
        assert!(serde_json::from_str::<Jwk>(text).is_err());
    }
}
