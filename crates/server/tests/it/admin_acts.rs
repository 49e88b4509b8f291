//! `/admin`: every form does through the page what the interface does, and dangerous ones only when they are confirmed.

use countersign_domain::{
    changes::{Change, Changes},
    id::MessageId,
    message::Message,
    time::Span,
};
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, items, local, two_realms},
    admin_pages::{Desk, ask_value, text},
    second_factors, sessions,
    support::{TestServer, settings::ISSUER},
};

const ANN: &str = "ann@mail.example";

async fn first(server: &TestServer, path: &str) -> Value {
    let listed = local(server).get(path).await.expect(200);
    items(&listed)[0].clone()
}

fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn people_are_found_made_changed_and_erased() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::full(&server).await;
    let made = "act=create_user&email=jane%40mail.example&display_name=Jane&role=user&groups=family+tools";
    let shown = desk.done("/admin/people", made).await;
    let found = text(&desk.open("/admin/people?email=jane%40mail.example").await.expect(200));
    let id = id_of(&first(&server, "/v1/admin/users?email=jane@mail.example").await);
    assert!(found.contains(&id) && shown.contains(&id) && shown.contains("family tools"), "{shown}");
    let again = desk.send("/admin/people", made).await.expect(409);
    assert!(
        text(&again).contains("has this address") && text(&again).contains("value=\"jane@mail.example\"")
    );
    let opened = desk.send("/admin/people", &format!("act=find_user&id={id}")).await.expect(303);
    assert!(opened.header("location").starts_with(&format!("/admin/people/{id}")));
    desk.send("/admin/people", "act=find_user&id=usr_nobody").await.expect(404);
    let page = format!("/admin/people/{id}");
    desk.done(&page, "act=disable_user").await;
    let user = || ask_value(&server, Box::leak(format!("/v1/admin/users/{id}").into_boxed_str()));
    assert_eq!(user().await["status"], "disabled");
    desk.done(&page, "act=enable_user").await;
    assert_eq!(user().await["status"], "active");
    desk.done(&page, "act=set_membership&role=admin&groups=staff").await;
    let now = user().await;
    assert_eq!((&now["role"], &now["groups"]), (&json!("admin"), &json!(["staff"])));
    desk.done(&page, &format!("act=give_grant&user={id}&app=club&scopes=email&days=30")).await;
    let grants = format!("/v1/admin/grants?user={id}");
    let grant = id_of(&first(&server, &grants).await);
    let shown = text(&desk.open(&format!("{page}?app=club")).await.expect(200));
    assert!(
        shown.contains(&grant)
            && shown.contains("May use club")
            && shown.contains("What a sign-in to club takes")
    );
    desk.done(&page, &format!("act=take_grant&grant={grant}")).await;
    assert_eq!(items(&local(&server).get(&grants).await).len(), 0);
    let file = desk.send(&page, "act=export_user").await.expect(200);
    assert!(file.header("content-disposition").contains("countersign-person.json"));
    assert!(text(&file).contains("jane@mail.example"));
    for form in ["act=erase_user", "act=erase_user&confirm=yes", "act=erase_user&confirm=usr_"] {
        let shown = desk.send(&page, form).await.expect(422);
        assert!(text(&shown).contains("does not match"), "{}", text(&shown));
    }
    assert_eq!(user().await["status"], "active");
    desk.done(&page, &format!("act=erase_user&confirm={}", &id[id.len() - 6..])).await;
    local(&server).get(&format!("/v1/admin/users/{id}")).await.refused(404, "not_found");
}

#[tokio::test]
async fn what_people_hold_is_ended() {
    let server = TestServer::with(second_factors::with_much).await;
    let ann = sessions::sign_in(&server, ISSUER, ANN, "").await;
    second_factors::enrol(&server, &ann).await;
    let id = id_of(&first(&server, "/v1/admin/users").await);
    let mut desk = Desk::full(&server).await;
    let page = format!("/admin/people/{id}");
    let credentials = format!("/v1/admin/users/{id}/credentials");
    let all = items(&local(&server).get(&credentials).await);
    let credential = id_of(all.iter().find(|one| one["kind"] == "totp").unwrap());
    let shown = text(&desk.open(&page).await.expect(200));
    assert!(shown.contains(&credential) && shown.contains("Authenticator app"), "{shown}");
    desk.done(&page, &format!("act=remove_credential&credential={credential}")).await;
    assert!(!items(&local(&server).get(&credentials).await).iter().any(|one| one["id"] == credential));
    let live = format!("/v1/admin/users/{id}/sessions");
    let session = id_of(&first(&server, &live).await);
    desk.done(&page, &format!("act=end_session&session={session}")).await;
    assert_eq!(items(&local(&server).get(&live).await).len(), 0);
    sessions::sign_in(&server, ISSUER, ANN, "").await;
    desk.done(&page, "act=end_sessions").await;
    assert_eq!(items(&local(&server).get(&live).await).len(), 0);
    // Nothing of another person is reached through this one's page: the id of a device that is none.
    desk.send(&page, "act=end_device&device=dev_none").await.expect(404);
}

#[tokio::test]
async fn grants_and_invitations_are_given_explained_and_taken_back() {
    let server = TestServer::with(|config| {
        two_realms(config);
        let club = config.apps.iter_mut().find(|app| app.name == "club").unwrap();
        club.sign_up = countersign_server::config::SignUpSetting::Invitation;
    })
    .await;
    let mut desk = Desk::full(&server).await;
    desk.done("/admin/grants", "act=give_grant&group=family&app=club").await;
    let grant = id_of(&first(&server, "/v1/admin/grants?group=family").await);
    let made = json!({"emails": [{"address": "bob@mail.example"}], "groups": ["family"]});
    let bob = local(&server).post("/v1/admin/users", &made).await.expect(201).text("id");
    let why = text(&desk.open(&format!("/admin/grants?who={bob}&what=club")).await.expect(200));
    assert!(why.contains("May use club") && why.contains(&grant), "{why}");
    desk.open("/admin/grants?who=nobody&what=club").await.expect(422);
    desk.done("/admin/grants", &format!("act=take_grant&grant={grant}")).await;
    assert_eq!(items(&local(&server).get("/v1/admin/grants").await).len(), 0);
    desk.done("/admin/invitations", "act=invite&app=club&email=zoe%40mail.example&days=3").await;
    server.mail_to("zoe@mail.example").await;
    let invitation = id_of(&first(&server, "/v1/admin/invitations").await);
    desk.done("/admin/invitations", &format!("act=revoke_invitation&invitation={invitation}")).await;
    assert_eq!(items(&local(&server).get("/v1/admin/invitations").await).len(), 0);
    let wrong =
        desk.send("/admin/invitations", "act=invite&app=desk&email=zoe%40mail.example").await.expect(422);
    assert!(text(&wrong).contains("set sign_up"), "{}", text(&wrong));
}

#[tokio::test]
async fn apps_and_their_keys_are_made_shown_once_and_ended() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::full(&server).await;
    let made = "act=create_app&name=crate&title=Crate&accounts=realm&origins=https%3A%2F%2Fcrate.example&realm=staff";
    let shown = desk.send("/admin/apps", made).await.expect(200);
    assert!(text(&shown).contains("The app is made"), "{}", text(&shown));
    let app = || ask_value(&server, "/v1/admin/apps/crate");
    assert_eq!(
        (&app().await["realm"], &app().await["origins"][0]),
        (&json!("staff"), &json!("https://crate.example"))
    );
    let page = "/admin/apps/crate";
    let key = desk.send(page, "act=make_key&kind=secret&label=front&expires_in_days=9").await.expect(200);
    assert!(text(&key).contains("cs_sk_"), "{}", text(&key));
    let again = text(&desk.open(page).await.expect(200));
    assert!(!again.contains("cs_sk_") && again.contains("front"));
    let id = id_of(&first(&server, "/v1/admin/apps/crate/keys").await);
    desk.done(page, &format!("act=revoke_key&id={id}")).await;
    assert_eq!(first(&server, "/v1/admin/apps/crate/keys").await["valid"], false);
    desk.done(page, "act=change_app&title=New&origins=https%3A%2F%2Fnew.example").await;
    assert_eq!(
        (&app().await["title"], &app().await["origins"]),
        (&json!("New"), &json!(["https://new.example"]))
    );
    the_settings_of_an_app(&server, &mut desk, page).await;
    let changed =
        desk.send(page, "act=patch_app&settings=%7B%22token_algorithm%22%3A%22HS256%22%7D").await.expect(200);
    assert!(text(&changed).contains("class=\"key\""), "its secret is shown: {}", text(&changed));
    for wrong in ["%5B%5D", "%7B", "%7B%22banana%22%3A1%7D"] {
        desk.send(page, &format!("act=patch_app&settings={wrong}")).await.expect(422);
    }
    desk.send(page, "act=replace_token_secret&confirm=no").await.expect(422);
    let secret = desk.send(page, "act=replace_token_secret&accept_seconds=0&confirm=crate").await.expect(200);
    assert!(text(&secret).contains("class=\"key\""));
    desk.send(page, "act=revoke_tokens&app=crate&confirm=club").await.expect(422);
    desk.done(page, "act=revoke_tokens&app=crate&confirm=crate").await;
    desk.send(page, "act=disable_app&confirm=").await.expect(422);
    desk.done(page, "act=disable_app&confirm=crate").await;
    assert_eq!(app().await["disabled"], true);
    desk.done(page, "act=enable_app").await;
    // What the file declares is changed there.
    let declared = desk.send("/admin/apps/club", "act=disable_app&confirm=club").await.expect(409);
    assert!(text(&declared).contains("stands in the configuration file"));
}

/// What an operator changes in daily life, by forms of fields.
async fn the_settings_of_an_app(server: &TestServer, desk: &mut Desk<'_>, page: &str) {
    let app = || ask_value(server, "/v1/admin/apps/crate");
    desk.done(page, "act=change_app&title=Box&origins=https%3A%2F%2Fa.example,https%3A%2F%2Fb.example&accent=%23ffdd00&locale=de").await;
    let sign_in = "act=change_app_sign_in&sign_up=closed&sign_up_domains=&start:mail=yes&start:passkey=yes&least=aal2&trusted_device_days=9";
    desk.done(page, sign_in).await;
    desk.done(page, "act=change_app_codes&delivery=both&code_length=8&code_alphabet=unambiguous&code_life_seconds=300&tries=3&resend_pause_seconds=").await;
    desk.done(page, "act=change_app_mails&sender_name=The+Box&subject=%25code%25+%3Cb%3E&messages_per_day=9")
        .await;
    let changed = app().await;
    for (name, value) in [
        ("title", json!("Box")),
        ("origins", json!(["https://a.example", "https://b.example"])),
        ("accent", json!("#ffdd00")),
        ("locale", json!("de")),
        ("sign_up", json!("closed")),
        ("policy", json!({"start": ["mail", "passkey"], "least": "aal2", "trusted_device_days": 9})),
        ("delivery", json!("both")),
        ("code_length", json!(8)),
        ("tries", json!(3)),
        ("resend_pause_seconds", Value::Null),
        ("sender_name", json!("The Box")),
        ("subject", json!("%code% <b>")),
        ("messages_per_day", json!(9)),
    ] {
        assert_eq!(changed[name], value, "{name}: each form changes its own settings alone");
    }
    // They stand in the forms, and what is wrong stands beside its field with what was typed.
    let shown = text(&desk.open(page).await.expect(200));
    for saved in [
        "value=\"aal2\" selected",
        "name=\"start:mail\" value=\"yes\" checked",
        "value=\"&#x25;code% &lt;b&gt;\"",
        "value=\"both\" selected",
        "value=\"https:&#x2f;&#x2f;a.example https:&#x2f;&#x2f;b.example\"",
    ] {
        let saved = saved.replace("&#x25;", "%");
        assert!(shown.contains(&saved), "{saved}: {shown}");
    }
    assert!(!shown.contains("name=\"start:totp\" value=\"yes\" checked"));
    what_is_wrong_stands_beside_its_field(desk, page).await;
    assert_eq!(app().await, changed, "a refused form changes nothing");
    desk.done(page, "act=change_app_codes&delivery=code&code_alphabet=digits").await;
    assert_eq!(app().await["code_length"], Value::Null, "an empty field brings the default back");
    what_somebody_else_changed_meanwhile_stays(server, desk, page).await;
}

/// A page that was opened before somebody else tightened the app, and sent afterwards.
async fn what_somebody_else_changed_meanwhile_stays(server: &TestServer, desk: &mut Desk<'_>, page: &str) {
    let shown = text(&desk.open(page).await.expect(200));
    assert!(shown.contains("name=\"was:start\" value=\"mail passkey\""), "{shown}");
    let tighter =
        json!({"origins": ["https://a.example"], "sign_up": "invitation", "policy": {"least": "aal2"}});
    let client = local(server).with("content-type", "application/json");
    client.send(http::Method::PATCH, "/v1/admin/apps/crate", &tighter.to_string()).await.expect(200);
    let both = "https%3A%2F%2Fa.example+https%3A%2F%2Fb.example";
    let names = format!("act=change_app&title=Chest&was:title=Box&origins={both}&was:origins={both}");
    desk.done(page, &names).await;
    let sign_in = "act=change_app_sign_in&sign_up=closed&was:sign_up=closed&start:passkey=yes&start:mail=yes\
                   &was:start=mail+passkey&least=aal2&was:least=aal2&trusted_device_days=9&was:trusted_device_days=9&sign_up_domains=mail.example&was:sign_up_domains=";
    desk.done(page, sign_in).await;
    let changed = ask_value(server, "/v1/admin/apps/crate").await;
    assert_eq!((&changed["title"], &changed["sign_up_domains"]), (&json!("Chest"), &json!(["mail.example"])));
    for (name, value) in tighter.as_object().unwrap() {
        assert_eq!(&changed[name], value, "{name}");
    }
}

async fn what_is_wrong_stands_beside_its_field(desk: &mut Desk<'_>, page: &str) {
    for (form, field) in [
        ("act=change_app_codes&tries=99&code_length=8", "tries"),
        ("act=change_app_codes&tries=soon&code_length=8", "tries"),
        ("act=change_app_codes&code_length=5", "code_length"),
        ("act=change_app&title=Box&accent=red", "accent"),
        ("act=change_app&origins=nowhere", "origins"),
        ("act=change_app&locale=xx", "locale"),
        ("act=change_app_sign_in&sign_up=open&start:totp=yes", "start"),
        ("act=change_app_sign_in&sign_up=open&trusted_device_days=400", "trusted_device_days"),
        ("act=change_app_mails&sender_address=nobody", "sender_address"),
    ] {
        let refused = text(&desk.send(page, form).await.expect(422));
        let beside = format!("id=\"{field}-problem\" lang=\"en\"");
        assert!(refused.contains(&beside) && refused.contains("aria-invalid"), "{form}: {refused}");
        assert_eq!(refused.matches("lang=\"en\">").count(), 1, "{form}: said once: {refused}");
    }
    let typed = text(&desk.send(page, "act=change_app_codes&tries=99&code_length=8").await.expect(422));
    assert!(typed.contains("value=\"99\"") && typed.contains("Wrong codes that one mail survives"));
}

#[tokio::test]
async fn settings_are_said_in_every_language() {
    let server = TestServer::with(two_realms).await;
    let made = json!({"name": "crate", "accounts": "realm", "realm": "guests"});
    local(&server).post("/v1/admin/realms", &json!({"name": "guests"})).await.expect(201);
    local(&server).post("/v1/admin/apps", &made).await.expect(201);
    let desk = Desk::full(&server).await;
    for (language, saved) in [
        ("en", "Two factors (AAL2)"),
        ("de", "Zwei Faktoren (AAL2)"),
        ("fr", "Deux facteurs (AAL2)"),
        ("es", "Dos factores (AAL2)"),
        ("ja", "二要素 (AAL2)"),
    ] {
        for page in ["/admin/apps/crate", "/admin/realms/guests"] {
            let asked = desk.client().with("accept-language", language).with("sec-fetch-site", "none");
            let shown = text(&asked.get(page).await.expect(200));
            assert!(shown.contains(saved), "{language} {page}: {shown}");
            for name in [">admin.", ">value.", "{ $"] {
                assert!(!shown.contains(name), "{language} {page}: {name} is no text: {shown}");
            }
            for id in shown.split(" for=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert_eq!(shown.matches(&format!(" id=\"{id}\"")).count(), 1, "{page}: {id}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_file_declares_is_shown_and_not_asked_for() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::full(&server).await;
    for page in ["/admin/apps/club", "/admin/realms/staff"] {
        let shown = text(&desk.open(page).await.expect(200));
        assert!(
            shown.contains("This stands in the configuration file") && !shown.contains("id=\"set-"),
            "{shown}"
        );
    }
    for (page, form) in [
        ("/admin/apps/club", "act=change_app_codes&tries=3"),
        ("/admin/realms/staff", "act=change_realm_times&erasure_grace_days=3"),
    ] {
        let refused = desk.send(page, form).await.expect(409);
        assert!(text(&refused).contains("stands in the configuration file: change it there"));
    }
}

#[tokio::test]
async fn p40_a_visit_is_told_when_it_begins_and_when_it_ends() {
    let server = TestServer::with(two_realms).await;
    let (key, id) = admin_key(&server, Some("staff"), &["all"]).await;
    let mut wrong = Desk::new(&server);
    wrong.send("/admin/sign-in", "key=cs_ak_wrong").await.expect(401);
    let mut desk = Desk::with(&server, &key).await;
    desk.send("/admin/sign-out", "").await.expect(303);
    let events = items(&local(&server).get("/v1/admin/events?limit=200").await.expect(200));
    let told: Vec<_> = events
        .iter()
        .filter(|event| event["kind"].as_str().unwrap().starts_with("admin_visit."))
        .map(|event| (event["kind"].as_str().unwrap(), event["actor"].clone(), event["realm"].clone()))
        .collect();
    let by = json!(format!("admin_key:{id}"));
    assert_eq!(told.len(), 2, "{events:?}");
    for kind in ["admin_visit.started", "admin_visit.ended"] {
        assert!(told.contains(&(kind, by.clone(), json!("staff"))), "{kind}: {told:?}");
    }
    let named: Vec<_> =
        events.iter().filter(|event| event["kind"].as_str().unwrap().starts_with("admin_visit.")).collect();
    assert!(named[0]["target"].is_string() && named[0]["target"] == named[1]["target"], "{named:?}");
}

#[tokio::test]
async fn realms_keys_messages_and_events_are_looked_after() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::full(&server).await;
    desk.done("/admin/realms", "act=create_realm&name=guests").await;
    let page = "/admin/realms/guests";
    desk.done(page, "act=change_realm&settings=%7B%22session_idle_seconds%22%3A3600%7D").await;
    assert_eq!(ask_value(&server, "/v1/admin/realms/guests").await["session_idle_seconds"], 3600);
    desk.done(page, "act=change_realm_times&session_idle_seconds=600&erasure_grace_days=7").await;
    desk.done(page, "act=change_realm_sign_in&passwords=on&start:mail=yes&least=&new_device_mail=false")
        .await;
    let realm = ask_value(&server, "/v1/admin/realms/guests").await;
    assert_eq!((&realm["session_idle_seconds"], &realm["erasure_grace_days"]), (&json!(600), &json!(7)));
    assert_eq!((&realm["passwords"], &realm["new_device_mail"]), (&json!("on"), &json!(false)));
    assert_eq!(realm["policy"], json!({"start": ["mail"]}));
    let wrong = desk.send(page, "act=change_realm_times&session_idle_seconds=1").await.expect(422);
    assert!(text(&wrong).contains("id=\"session_idle_seconds-problem\""), "{}", text(&wrong));
    desk.send(page, "act=remove_realm&confirm=staff").await.expect(422);
    desk.done(page, "act=remove_realm&confirm=guests").await;
    local(&server).get("/v1/admin/realms/guests").await.refused(404, "not_found");
    let made = desk
        .send("/admin/keys", "act=make_admin_key&scopes%3Aread=yes&scopes%3Ausers=yes&label=office")
        .await;
    assert!(text(&made.clone().expect(200)).contains("cs_ak_"));
    assert!(!text(&desk.open("/admin/keys").await.expect(200)).contains("cs_ak_"));
    let keys = items(&local(&server).get("/v1/admin/admin-keys").await);
    let office = keys.iter().find(|key| key["label"] == "office").unwrap();
    assert_eq!(office["scopes"], json!(["read", "users"]));
    desk.done("/admin/keys", &format!("act=revoke_admin_key&id={}", id_of(office))).await;
    let former = items(&local(&server).get("/v1/admin/signing-keys").await).len();
    desk.send("/admin/keys", "act=rotate_signing_key&algorithm=EdDSA&confirm=ES256").await.expect(422);
    desk.done("/admin/keys", "act=rotate_signing_key&algorithm=EdDSA&confirm=EdDSA").await;
    assert_eq!(items(&local(&server).get("/v1/admin/signing-keys").await).len(), former + 1);
    let waiting = message(&server).await;
    let shown = text(&desk.open("/admin/messages").await.expect(200));
    assert!(shown.contains(&waiting), "{shown}");
    desk.done("/admin/messages", &format!("act=retry_message&id={waiting}")).await;
    desk.send("/admin/messages", &format!("act=forget_message&id={waiting}")).await;
    desk.send("/admin/messages", &format!("act=forget_message&id={waiting}")).await.expect(404);
    let events = text(&desk.open("/admin/events?kind=realm.created").await.expect(200));
    assert!(events.contains("realm.created") && events.contains("admin_key:adk_"), "{events}");
    let checked = text(&desk.open("/admin/events?check=yes").await.expect(200));
    assert!(checked.contains("The log is what was signed"), "{checked}");
    desk.open("/admin/events?kind=banana").await.expect(422);
}

/// A message that waits, and is due much later.
async fn message(server: &TestServer) -> String {
    let now = server.now();
    let message = Message {
        id: MessageId::new(now, &mut *server.server.random()),
        app: "club".parse().unwrap(),
        deliver: true,
        sealed: b"jane@example.org".to_vec(),
        attempts: 1,
        due_at: now + Span::from_hours(5),
        created_at: now,
        expires_at: now + Span::from_hours(9),
    };
    let id = message.id.to_string();
    server.server.store.commit(Changes(vec![Change::Message(message)])).await.unwrap();
    id
}
