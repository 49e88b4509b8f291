//! Admin keys that make admin keys: none may do more, or lasts longer, than the one that made it.

use countersign_domain::time::Span;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, local, remote, two_realms},
    support::TestServer,
};

const KEYS: &str = "/v1/admin/admin-keys";

#[tokio::test]
async fn no_admin_key_outlives_the_one_that_made_it() {
    let server = TestServer::with(two_realms).await;
    let wanted = json!({"scopes": ["all"], "expires_in_days": 2});
    let maker = local(&server).post(KEYS, &wanted).await.expect(201);
    let (end, maker) = (maker.text("expires_at"), remote(&server, &maker.text("key")));
    let made = maker.post(KEYS, &json!({"scopes": ["read"]})).await.expect(201);
    assert_eq!(made.text("expires_at"), end, "it ends with its maker");
    let shorter = maker.post(KEYS, &json!({"scopes": ["all"], "expires_in_days": 1})).await.expect(201);
    let at_the_same_time = json!({"scopes": ["all"], "expires_at": end});
    assert_eq!(maker.post(KEYS, &at_the_same_time).await.expect(201).text("expires_at"), end);
    for longer in [json!({"expires_in_days": 3}), json!({"expires_at": "2099-01-01T00:00:00Z"})] {
        let mut wanted = json!({"scopes": ["read"]});
        wanted.as_object_mut().unwrap().extend(longer.as_object().unwrap().clone());
        let refused = maker.post(KEYS, &wanted).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), "expires_at");
    }
    // Nor does a key of such a key.
    let made =
        remote(&server, &shorter.text("key")).post(KEYS, &json!({"scopes": ["all"]})).await.expect(201);
    assert_eq!(made.text("expires_at"), shorter.text("expires_at"));
    server.advance(Span::from_hours(25)).await;
    remote(&server, &made.text("key")).get(KEYS).await.refused(401, "api_key_ended");
    // Who has no end may give one, or none.
    let (lasting, _) = admin_key(&server, None, &["all"]).await;
    let made = remote(&server, &lasting).post(KEYS, &json!({"scopes": ["all"]})).await.expect(201);
    assert_eq!(made.json().get("expires_at"), None);
}

#[tokio::test]
async fn no_admin_key_makes_one_of_more_realms_or_scopes() {
    let server = TestServer::with(two_realms).await;
    let (staff, _) = admin_key(&server, Some("staff"), &["all"]).await;
    let staff = remote(&server, &staff);
    let made = staff.post(KEYS, &json!({"scopes": ["all"]})).await.expect(201);
    assert_eq!(made.json()["realm"], json!("staff"));
    staff.post(KEYS, &json!({"scopes": ["read"], "realm": "default"})).await.refused(404, "not_found");
    staff.post(KEYS, &json!({"scopes": ["read"], "realm": Value::Null})).await.expect(201);
    for scopes in [&["read"][..], &["users"], &["apps", "keys"]] {
        let (some, _) = admin_key(&server, None, scopes).await;
        let refused = remote(&server, &some).post(KEYS, &json!({"scopes": scopes})).await;
        assert_eq!(refused.refused(403, "scope_needed").text("scope"), "all");
    }
}
