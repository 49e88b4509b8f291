//! Tests of tokens that must not be accepted: forged headers, confused algorithms, damaged text.

use std::sync::{Arc, LazyLock};

use countersign_domain::algorithm::Algorithm;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::{
    Jwk, MAX_TOKEN_BYTES, Material, SigningKey, TokenError, Verified, VerifyingKey, parse_compact,
    verify_compact,
};

const TYP: &str = "at+jwt";
const CLAIMS: &[u8] = br#"{"sub":"x"}"#;

/// One key of each kind, each under its algorithm's name; RSA is left to its vectors, since making one takes long.
struct Ring(Vec<(Arc<SigningKey>, VerifyingKey)>);

static RING: LazyLock<Ring> = LazyLock::new(|| {
    let kinds = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::Hs256];
    Ring(kinds.map(|kind| pair(SigningKey::generate(kind).expect("a key"))).into())
});

fn pair(key: SigningKey) -> (Arc<SigningKey>, VerifyingKey) {
    let verifying = VerifyingKey::from_signing(&key).expect("a key");
    (Arc::new(key), verifying)
}

impl Ring {
    fn token(&self, algorithm: Algorithm) -> String {
        let (key, _) = self.0.iter().find(|(key, _)| key.algorithm() == algorithm).expect("in the ring");
        key.signer(algorithm.name(), TYP).sign(CLAIMS).expect("a token")
    }

    fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        verify_compact(token, TYP, |kid| {
            self.0.iter().find(|(key, _)| key.algorithm().name() == kid).map(|(_, verifying)| verifying)
        })
    }
}

fn b64(text: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(text.as_ref())
}

/// A token with this header, signed by the ring's EdDSA key as if the header were good.
fn with_header(header: &str) -> String {
    let (key, _) = &RING.0[0];
    let genuine = key.signer("EdDSA", TYP).sign(CLAIMS).expect("a token");
    let (input, _) = genuine.rsplit_once('.').expect("dots");
    let (_, payload) = input.split_once('.').expect("dots");
    key.sign_compact(&b64(header), payload)
}

#[test]
fn p32_genuine_tokens_are_accepted() {
    for (key, _) in &RING.0 {
        let algorithm = key.algorithm();
        let verified = RING.verify(&RING.token(algorithm)).expect("verified");
        assert_eq!(verified, Verified { kid: algorithm.name().into(), algorithm, payload: CLAIMS.to_vec() });
    }
    assert!(RING.verify(&with_header(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}"#)).is_ok());
}

/// Every one of these is signed correctly by a key of ours: only its header is wrong.
#[test]
fn p32_forbidden_headers_are_refused() {
    use TokenError::{Algorithm as Alg, Header, Key, Type};
    let cases = [
        (r#"{"alg":"none","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"None","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"nOnE","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"eddsa","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"HS256","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"RS256","typ":"at+jwt","kid":"EdDSA"}"#, Alg),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ES256"}"#, Alg),
        (r#"{"typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":null,"typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":["EdDSA"],"typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","jku":"https://evil.example/k"}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","x5u":"https://evil.example/c"}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","jwk":{"kty":"oct","k":"AA"}}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","x5c":["MIIB"]}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","crit":["exp"]}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","b64":false}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","cty":"JWT"}"#, Header),
        (r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":"EdDSA","\u0061lg":"none","typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":"EdDSA","typ":"x","typ":"at+jwt","kid":"EdDSA"}"#, Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"x","kid":"EdDSA"}"#, Header),
        (r#"["EdDSA","at+jwt","EdDSA"]"#, Header),
        (r#" ["EdDSA","at+jwt","EdDSA"]"#, Header),
        (r#""EdDSA""#, Header),
        ("", Header),
        ("{}{}", Header),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}x"#, Header),
        (r#"{"alg":"EdDSA","kid":"EdDSA"}"#, Type),
        (r#"{"alg":"EdDSA","typ":null,"kid":"EdDSA"}"#, Type),
        (r#"{"alg":"EdDSA","typ":"JWT","kid":"EdDSA"}"#, Type),
        (r#"{"alg":"EdDSA","typ":"AT+JWT","kid":"EdDSA"}"#, Type),
        (r#"{"alg":"EdDSA","typ":"application/at+jwt","kid":"EdDSA"}"#, Type),
        (r#"{"alg":"EdDSA","typ":"at+jwt"}"#, Key),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":null}"#, Key),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../../etc/passwd"}"#, Key),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"constructor"}"#, Key),
    ];
    for (header, expected) in cases {
        assert_eq!(RING.verify(&with_header(header)), Err(expected), "{header}");
    }
}

/// The classic: the public key, known to all, as the secret of a MAC. In every form one might have it in.
#[test]
fn p32_a_public_key_is_not_a_secret() {
    for (key, verifying) in &RING.0 {
        let Some(jwk) = key.public_jwk("k") else { continue };
        let json = serde_json::to_vec(&jwk).expect("JSON");
        let coordinates = match &jwk.material {
            Material::Okp { x, .. } | Material::Rsa { n: x, .. } => vec![x],
            Material::Ec { x, y, .. } => vec![x, y],
        };
        let text = coordinates.iter().map(|part| part.as_str()).collect::<String>();
        let raw =
            coordinates.iter().flat_map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url"));
        let raw = raw.collect();
        for secret in [json, text.into_bytes(), raw] {
            let forger = Arc::new(SigningKey::from_private(Algorithm::Hs256, &secret).expect("a key"));
            let token = forger.signer("k", TYP).sign(CLAIMS).expect("a token");
            assert_eq!(verify_compact(&token, TYP, |_| Some(verifying)), Err(TokenError::Algorithm));
            let header = format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"k"}}"#, key.algorithm());
            let token = forger.sign_compact(&b64(header), &b64(CLAIMS));
            assert_eq!(verify_compact(&token, TYP, |_| Some(verifying)), Err(TokenError::Signature));
        }
    }
}

#[test]
fn p32_damaged_tokens_are_refused() {
    use TokenError::{Encoding, Parts, Signature, TooLong};
    let genuine = RING.token(Algorithm::EdDsa);
    let parts: Vec<&str> = genuine.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let last = payload.len() - 1;
    let cases = [
        (String::new(), Parts),
        (".".to_owned(), Parts),
        (format!("{header}.{payload}"), Parts),
        (format!("{genuine}.{signature}"), Parts),
        (format!("{header}..{payload}.{signature}"), Parts),
        (format!("{header}.{payload}."), Signature),
        (format!("{header}.{payload}.{}", &signature[..signature.len() - 2]), Signature),
        (format!("{header}..{signature}"), Signature),
        (format!("{genuine}="), Encoding),
        (format!("{genuine}\n"), Encoding),
        (format!(" {genuine}"), Encoding),
        (format!("{header}.{payload}.{signature}A"), Signature),
        (format!("{header}.{payload}.{signature}AAA"), Encoding),
        (format!("{header}.{payload}=.{signature}"), Encoding),
        (format!("{header}.{}+{}.{signature}", &payload[..4], &payload[5..]), Encoding),
        (format!("{header}.{}é.{signature}", &payload[..4]), Encoding),
        // The last character of 11 bytes carries two spare bits: "Q" with one of them set is "R".
        (format!("{header}.{}.{signature}", spare_bit(payload, last)), Encoding),
        (format!("{header}.{}.{signature}", "A".repeat(MAX_TOKEN_BYTES)), TooLong),
    ];
    for (token, expected) in cases {
        assert_eq!(RING.verify(&token), Err(expected), "{token}");
    }
}

/// The same bytes with a spare bit of the last character set.
fn spare_bit(payload: &str, last: usize) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = ALPHABET.find(&payload[last..]).expect("base64url");
    assert_eq!(index % 4, 0, "two spare bits");
    format!("{}{}", &payload[..last], &ALPHABET[index + 1..index + 2])
}

#[test]
fn p32_the_limit_is_exact() {
    let token = |length: usize| format!("..{}", "A".repeat(length - 2));
    assert_eq!(parse_compact(&token(MAX_TOKEN_BYTES)).map(|_| ()), Err(TokenError::Header));
    assert_eq!(parse_compact(&token(MAX_TOKEN_BYTES + 1)).map(|_| ()), Err(TokenError::TooLong));
}

#[test]
fn p32_keys_that_contradict_themselves_are_refused() {
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    for json in [
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","alg":"HS256"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","alg":"none"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","use":"enc"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed448","x":"{X}"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}="}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, &X[..40]),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{EC_X}","y":"{EC_X}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-384","x":"{EC_X}","y":"{EC_Y}"}}"#),
        format!(r#"{{"kty":"EC","crv":"secp256k1","x":"{EC_X}","y":"{EC_Y}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{EC_X}","y":"{EC_Y}","alg":"ES384"}}"#),
        format!(r#"{{"kty":"RSA","n":"{EC_X}","e":"AQAB"}}"#),
    ] {
        let jwk: Jwk = serde_json::from_str(&json).expect("JSON of a key");
        assert!(VerifyingKey::from_jwk(&jwk).is_err(), "{json}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p32_arbitrary_text_never_verifies(text in any::<String>()) {
        prop_assert!(RING.verify(&text).is_err());
    }

    #[test]
    fn p32_arbitrary_parts_never_verify(header in "\\PC{0,60}", payload: Vec<u8>, signature: Vec<u8>) {
        let token = format!("{}.{}.{}", b64(header), b64(payload), b64(signature));
        prop_assert!(RING.verify(&token).is_err());
    }

    #[test]
    fn p32_one_wrong_bit_is_enough(which in 0..5_usize, position: usize, bit in 0..7_u32) {
        let mut token = RING.token(RING.0[which].0.algorithm()).into_bytes();
        let position = position % token.len();
        token[position] ^= 1 << bit;
        let token = String::from_utf8(token).expect("ASCII stays ASCII below the eighth bit");
        prop_assert!(RING.verify(&token).is_err(), "{}", token);
    }
}
