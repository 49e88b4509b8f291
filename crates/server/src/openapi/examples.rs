//! Examples of bodies, for the readers of the description. A test holds them against the schemas.

use serde_json::{Value, json};
use utoipa::openapi::{Components, RefOr, Schema};

/// Puts an example beside every schema that has one.
pub(super) fn add(components: &mut Components) {
    let Value::Object(examples) = all() else { return };
    for (name, example) in examples {
        let Some(RefOr::T(schema)) = components.schemas.get_mut(&name) else { continue };
        match schema {
            Schema::Object(object) => object.examples.push(example),
            Schema::OneOf(choice) => choice.examples.push(example),
            Schema::AllOf(sum) => sum.examples.push(example),
            _ => {}
        }
    }
}

fn all() -> Value {
    let (id, binding) = ("chl_06c3v8b9hk7qt2m4n5p6r7s8ta", "7h2k9m4p6q8r1s3t5v7w9x0y2z4a6b8c");
    let token = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIi…";
    let subject = "sub_5q9x2m7k4h8v3t6r1w0z9y8p7n";
    let (made, end, acr, amr) = (1_770_000_000, 1_770_003_600, "urn:countersign:acr:mailbox", ["otp"]);
    json!({
        "Recipient": { "email": "jane@example.org" },
        "StartBody": { "to": { "email": "jane@example.org" } },
        "StartedBody": {
            "id": id, "binding": binding, "confirmation_number": "42",
            "expires_at": "2026-02-02T02:50:00Z", "resend_after": "2026-02-02T02:41:00Z",
        },
        "StatusBody": { "id": id, "status": "pending", "expires_at": "2026-02-02T02:50:00Z" },
        "VerifyBody": { "code": "123456", "binding": binding },
        "VerifyByAddressBody": { "email": "jane@example.org", "code": "123456" },
        "RedeemBody": { "binding": binding },
        "TokenBody": {
            "access_token": token, "token_type": "Bearer", "expires_in": 3600, "subject": subject,
            "acr": acr, "amr": amr, "auth_time": made,
        },
        "TokenForm": { "token": token },
        "TokenAnswerBody": { "active": true, "exp": end },
        "IntrospectionBody": {
            "active": true, "token_type": "Bearer", "iss": "https://id.example.org", "sub": subject,
            "aud": "https://shop.example.org", "client_id": "shop", "iat": made, "exp": end, "auth_time": made,
            "jti": "tok_06c3v8b9hk7qt2m4n5p6r7s8ta", "acr": acr, "amr": amr,
        },
        "ProblemBody": {
            "type": "urn:countersign:problem:invalid_code", "title": "The code is wrong", "status": 401,
            "code": "invalid_code", "tries_left": 4, "request_id": "req_06c3v8b9hk7qt2m4n5p6r7s8ta",
        },
    })
}
