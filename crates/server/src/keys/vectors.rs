//! Tests against the standards' own examples, and against a library that we did not write.

use std::sync::Arc;

use countersign_domain::algorithm::Algorithm;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};

use super::{Jwk, SigningKey, TokenError, VerifyingKey, parse_compact, verify_compact};

const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn from_jwk(json: &str) -> VerifyingKey {
    VerifyingKey::from_jwk(&serde_json::from_str::<Jwk>(json).expect("a JWK")).expect("a key")
}

/// The token verifies with its key, and not when its payload is another.
fn check(key: &VerifyingKey, token: &str) {
    let parts = parse_compact(token).expect("three parts");
    assert_eq!(parts.header.algorithm, key.algorithm());
    assert!(key.verify(parts.signing_input, &parts.signature), "{token}");
    assert!(!key.verify(&[parts.signing_input, b"A"].concat(), &parts.signature), "{token}");
}

#[test]
fn rfc_7515_a1_hs256() {
    let secret = BASE64URL_NOPAD
        .decode(b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .expect("base64url");
    let key = SigningKey::from_private(Algorithm::Hs256, &secret).expect("a key");
    let token =
        format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    check(&VerifyingKey::from_signing(&key).expect("a key"), &token);
}

#[test]
fn rfc_7515_a2_rs256() {
    let key = from_jwk(
        r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
    );
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    check(&key, &token);
}

#[test]
fn rfc_7515_a3_es256() {
    let key = from_jwk(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    );
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    check(&key, &token);
}

#[test]
fn rfc_7515_a4_es512() {
    let key = from_jwk(
        r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#,
    );
    check(
        &key,
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
    );
}

#[test]
fn rfc_8037_a4_ed25519() {
    let key = from_jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
    check(
        &key,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
}

#[test]
fn what_is_signed_verifies_from_the_published_key() {
    for algorithm in Algorithm::ALL {
        let signing = Arc::new(SigningKey::generate(algorithm).expect("a key"));
        let key = match signing.public_jwk("k1") {
            Some(jwk) => from_jwk(&serde_json::to_string(&jwk).expect("JSON")),
            None => VerifyingKey::from_signing(&signing).expect("a key"),
        };
        let token = signing.signer("k1", "at+jwt").sign(br#"{"sub":"x"}"#).expect("a token");
        let verified =
            verify_compact(&token, "at+jwt", |kid| (kid == "k1").then_some(&key)).expect("verified");
        assert_eq!((verified.algorithm, &verified.payload[..]), (algorithm, &br#"{"sub":"x"}"#[..]));

        let other =
            VerifyingKey::from_signing(&SigningKey::generate(algorithm).expect("a key")).expect("a key");
        assert_eq!(
            verify_compact(&token, "at+jwt", |_| Some(&other)),
            Err(TokenError::Signature),
            "{algorithm}"
        );
    }
}

/// Both ways with jsonwebtoken, for what it has: what we sign it verifies from our JWK alone, and what it signs with
/// our private key we verify.
#[test]
fn another_library_agrees() {
    let claims = serde_json::json!({"sub": "x", "aud": "demo"});
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Es512) {
        let theirs: jsonwebtoken::Algorithm = algorithm.name().parse().expect("known to it");
        let signing = Arc::new(SigningKey::generate(algorithm).expect("a key"));
        let (encoding, decoding) = foreign_keys(&signing);

        let token = signing.signer("k1", "at+jwt").sign(claims.to_string().as_bytes()).expect("a token");
        let mut validation = Validation::new(theirs);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.set_audience(&["demo"]);
        let decoded =
            jsonwebtoken::decode::<serde_json::Value>(&token, &decoding, &validation).expect("it verifies");
        assert_eq!(decoded.claims, claims, "{algorithm}");

        let mut header = jsonwebtoken::Header::new(theirs);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some("k1".to_owned());
        let token = jsonwebtoken::encode(&header, &claims, &encoding).expect("a token");
        let key = VerifyingKey::from_signing(&signing).expect("a key");
        let verified = verify_compact(&token, "at+jwt", |_| Some(&key)).expect("we verify");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&verified.payload).expect("JSON"), claims);
    }
}

fn foreign_keys(signing: &SigningKey) -> (EncodingKey, DecodingKey) {
    let private = signing.to_private().expect("bytes");
    let private = private.expose().as_slice();
    let decoding = signing.public_jwk("k1").map(|jwk| {
        let text = serde_json::to_string(&jwk).expect("JSON");
        DecodingKey::from_jwk(&serde_json::from_str(&text).expect("it reads our JWK"))
            .expect("it takes our key")
    });
    let encoding = match signing.algorithm() {
        Algorithm::EdDsa => EncodingKey::from_ed_der(private),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => EncodingKey::from_ec_der(private),
        // It wants the PKCS#1 key inside: after the headers of PKCS#8, 26 bytes at 3072 bits.
        Algorithm::Rs256 => EncodingKey::from_rsa_der(&private[26..]),
        Algorithm::Hs256 => EncodingKey::from_secret(private),
    };
    (encoding, decoding.unwrap_or_else(|| DecodingKey::from_secret(private)))
}
