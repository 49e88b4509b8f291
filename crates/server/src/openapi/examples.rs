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
    let (id, binding) = ("chl_06gvpr7om5vu3bk94e7lsub7no", "5s57g93s0d8g36qpvblv21i32tolpve3");
    let token = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIi…";
    let subject = "3IniEigbVDA2yi1v4BDa1-NAyPFeCKme";
    let (made, end, acr, amr) = (1_795_244_752, 1_795_248_352, "urn:countersign:mailbox", ["otp"]);
    json!({
        "Recipient": { "email": "jane@example.org" },
        "StartBody": { "to": { "email": "jane@example.org" } },
        "StartedBody": {
            "id": id, "binding": binding, "confirmation_number": "42",
            "expires_at": "2026-11-21T07:15:22Z", "resend_after": "2026-11-21T07:05:52Z",
        },
        "StatusBody": { "id": id, "status": "pending", "expires_at": "2026-11-21T07:15:22Z" },
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
            "aud": "shop", "client_id": "shop", "iat": made, "exp": end, "auth_time": made,
            "jti": "tok_06gvpr7spluvl57kf3rldm51dg", "acr": acr, "amr": amr,
        },
        "PasswordSignInBody": { "email": "jane@example.org", "password": "quiet lampshade" },
        "RegisterBody": { "email": "jane@example.org", "password": "quiet lampshade" },
        "ForgottenBody": { "email": "jane@example.org" },
        "ResetBody": { "id": id, "code": "123456", "binding": binding, "password": "quiet lampshade" },
        "SetPasswordBody": { "password": "quiet lampshade", "end_other_sessions": true },
        "MyPasswordBody": { "set": true, "made_at": "2026-11-21T07:05:22Z" },
        "ProblemBody": {
            "type": "urn:countersign:problem:invalid_code", "title": "The code is wrong", "status": 401,
            "code": "invalid_code", "tries_left": 4, "request_id": "req_06gvpr7srluvp5639ffj2oc6pc",
        },
    })
}
