//! `/admin`: what is said of events, scopes and wrong fields, in the language of whoever reads it.

use serde_json::json;

use crate::{
    admin::{items, local, two_realms},
    admin_pages::{Desk, HOST, text},
    support::TestServer,
};

#[tokio::test]
async fn events_and_scopes_are_said_in_every_language() {
    let server = TestServer::with(two_realms).await;
    let desk = Desk::full(&server).await;
    let made = json!({"emails": [{"address": "jane@mail.example"}]});
    let jane = local(&server).post("/v1/admin/users", &made).await.expect(201).text("id").to_owned();
    let scopes = json!(["read:email", "read.email", "read-email", "wiki.write"]);
    local(&server)
        .post("/v1/admin/grants", &json!({"user": jane, "app": "club", "scopes": scopes}))
        .await
        .expect(201);
    for (language, kind, scope) in [
        ("en", "A grant was given, or changed", "primary email address"),
        ("de", "Eine Berechtigung wurde erteilt oder geändert", "wichtigste E-Mail-Adresse"),
        ("fr", "Une autorisation a été accordée ou modifiée", "adresse e-mail principale"),
        ("es", "Se concedió o cambió un permiso", "dirección de correo principal"),
        ("ja", "アクセス権が与えられたか、変更されました", "メインのメールアドレス"),
    ] {
        let reader = desk.client().with("accept-language", language).with("sec-fetch-site", "none");
        let events = text(&reader.clone().get("/admin/events").await.expect(200));
        assert!(events.contains(&format!("{kind}<br><code>grant.given</code>")), "{language}: {events}");
        assert!(!events.contains("event."), "{language}: a kind has no text: {events}");
        let grants = text(&reader.get("/admin/grants").await.expect(200));
        let said = format!("<code>read:email</code> {scope}");
        assert!(grants.contains(&said) && grants.matches(scope).count() == 1, "{language}: {grants}");
        for own in ["<code>read.email</code><br>", "<code>read-email</code><br>", "<code>wiki.write</code>"] {
            assert!(grants.contains(own), "{language}: what an app calls its own is not ours: {grants}");
        }
    }
    let events = items(&local(&server).get("/v1/admin/events").await.expect(200)).len();
    assert!(events > 2, "the log holds what the pages were asked about");
}

#[tokio::test]
async fn a_wrong_field_is_named_in_the_language_of_the_page() {
    let server = TestServer::with(two_realms).await;
    let desk = Desk::full(&server).await;
    let origin = format!("https://{HOST}");
    for (page, form, said, is_english_told) in [
        ("/admin/people", "act=create_user&email=nobody&role=user", "Das ist keine E-Mail-Adresse.", false),
        ("/admin/grants", "act=give_grant&user=nobody&app=club", "Etwas stimmt nicht: Benutzerkennung", true),
    ] {
        let writer = desk.client().with("accept-language", "de").with("origin", &origin);
        let refused = text(&writer.with("sec-fetch-site", "same-origin").form(page, form).await.expect(422));
        assert!(refused.contains(said), "{form}: {refused}");
        assert_eq!(refused.contains("lang=\"en\""), is_english_told, "{form}: {refused}");
    }
}
