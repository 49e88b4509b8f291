//! What the answers of somebody else's authenticator prove in a sign-in, and what nobody can prove with them.

use countersign_domain::{
    assurance::{Level, Method as Proof},
    changes::{Changes, FlowChange},
    credential::{Credential, CredentialKind},
    id::UserId,
    realm::RealmName,
    user::User,
};
use countersign_server::passkeys::{
    Asking, AuthenticationResponse, Fault, Making, Names, Place, Proven, RegistrationResponse, Wanted,
    begin_authentication, begin_registration, enrol, prove,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{
    passkeys::{ANN, BOB, add, asked, credentials, server, signed_in, with_passkey},
    support::{TestServer, authenticator::Device, settings::ISSUER},
};

/// What a sign-in under way is called here.
const WITHIN: [u8; 16] = [9; 16];

/// Asks for a signature, of anybody or of a user who has proven something before.
async fn ask(server: &TestServer, user: Option<&User>) -> Value {
    let credentials = match user {
        Some(user) => server.server.store.credentials_of(user.id).await.unwrap(),
        None => Vec::new(),
    };
    let (realm, user) = (RealmName::default(), user.map(|user| user.id));
    let asking = Asking { realm: &realm, within: &WITHIN, app: None, user, credentials: &credentials };
    let (row, options) = begin_authentication(&server.server, &asking).unwrap();
    server.server.commit(Changes(vec![FlowChange::Asked(row).into()])).await.unwrap();
    options
}

/// What an answer is worth within the sign-in, where this user is known; the changes are written.
async fn check(server: &TestServer, user: Option<&User>, answer: &Value) -> Result<Proven, Fault> {
    check_within(server, &WITHIN, user, answer).await
}

async fn check_within(
    server: &TestServer,
    within: &[u8; 16],
    user: Option<&User>,
    answer: &Value,
) -> Result<Proven, Fault> {
    let answer: AuthenticationResponse = serde_json::from_value(answer.clone()).unwrap();
    let (realm, user) = (RealmName::default(), user.map(|user| user.id));
    let place = Place { realm: &realm, within, user, nameless_at: None, now: server.now() };
    let (proven, changes) = prove(&server.server, &place, &answer).await.unwrap();
    server.server.commit(changes).await.unwrap();
    proven
}

/// What was refused.
fn fault(checked: Result<Proven, Fault>) -> Option<Fault> {
    checked.err()
}

async fn only(server: &TestServer) -> (User, Credential) {
    let rows = server.query("SELECT id FROM realm_user").await;
    let [row] = rows.as_slice() else { panic!("{} users", rows.len()) };
    let countersign_store::engine::Value::Bytes(id) = &row[0] else { panic!("no id") };
    let id = countersign_domain::id::UserId::from_bytes(id.as_slice().try_into().unwrap());
    let user = server.server.store.user(id).await.unwrap().unwrap();
    let credential = server.server.store.credentials_of(id).await.unwrap().pop().unwrap();
    (user, credential)
}

#[tokio::test]
async fn p15_somebody_elses_authenticator_registers_and_signs_without_a_name() {
    let server = server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (user, kept) = only(&server).await;
    assert_eq!((kept.kind, kept.used_at, kept.version), (CredentialKind::Passkey, None, 1));
    for round in 1..4 {
        let options = ask(&server, None).await;
        assert_eq!(
            (&options["allowCredentials"], &options["userVerification"]),
            (&json!([]), &json!("required"))
        );
        let answer = device.get(ISSUER, &options).await.unwrap();
        let proven = check(&server, None, &answer).await.unwrap();
        assert_eq!((proven.method, proven.user.id), (Proof::Passkey, user.id));
        assert_eq!(proven.assurance().methods.level(), Level::Aal2);
        let (_, kept) = only(&server).await;
        assert_eq!((kept.used_at, kept.counter), (Some(server.now()), round));
        assert_eq!(fault(check(&server, None, &answer).await), Some(Fault::Over), "the answer comes again");
    }
}

#[tokio::test]
async fn p17_a_touch_alone_is_one_factor_and_no_first_proof() {
    let server = server().await;
    let cookie = signed_in(&server, ANN).await;
    let mut device = Device::touched();
    let options = asked(&server, &cookie, json!({"kind": "security_key"})).await;
    let made = device.create(ISSUER, &options).await.unwrap();
    assert_eq!(add(&server, &cookie, made).await.expect(201).text("kind"), "security_key");
    let (user, kept) = only(&server).await;
    let options = ask(&server, Some(&user)).await;
    assert_eq!(options["userVerification"], "preferred");
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let answer = device.get(ISSUER, &options).await.unwrap();
    let proven = check(&server, Some(&user), &answer).await.unwrap();
    assert_eq!((proven.method, proven.credential.kind), (Proof::SecurityKey, CredentialKind::SecurityKey));
    assert_eq!((proven.credential.id, proven.assurance().methods.level()), (kept.id, Level::Aal1));
    let mut options = ask(&server, None).await;
    options["userVerification"] = json!("discouraged");
    let answer = device.get(ISSUER, &options).await.unwrap();
    assert_eq!(fault(check(&server, None, &answer).await), Some(Fault::NotVerified));
}

#[tokio::test]
async fn p17_a_passkey_made_unasked_is_two_factors_once_its_person_was_known_beside_another_proof() {
    let server = server().await;
    let cookie = signed_in(&server, ANN).await;
    let mut device = Device::touched();
    let options = asked(&server, &cookie, json!({"conditional": true})).await;
    let made = device.create(ISSUER, &options).await.unwrap();
    assert_eq!(add(&server, &cookie, made).await.expect(201).text("kind"), "security_key");
    let (user, _) = only(&server).await;
    let mut device = device.copied();
    // Whoever finds a key could set its PIN: by itself it proves nothing yet.
    let options = ask(&server, None).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    assert_eq!(fault(check(&server, None, &answer).await), Some(Fault::NotVerified));
    assert_eq!(only(&server).await.1.kind, CredentialKind::SecurityKey);
    let options = ask(&server, Some(&user)).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    let proven = check(&server, Some(&user), &answer).await.unwrap();
    assert_eq!((proven.method, proven.credential.kind), (Proof::SecurityKey, CredentialKind::Passkey));
    let options = ask(&server, None).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    assert_eq!(check(&server, None, &answer).await.unwrap().method, Proof::Passkey);
}

#[tokio::test]
async fn p16_an_answer_is_taken_by_who_asked_and_for_what_was_asked() {
    let server = server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (user, _) = only(&server).await;
    let stranger = User { id: UserId::from_bytes([3; 16]), ..user.clone() };
    let options = ask(&server, Some(&user)).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    for (within, who) in [([8; 16], Some(&user)), (WITHIN, None), (WITHIN, Some(&stranger))] {
        assert_eq!(fault(check_within(&server, &within, who, &answer).await), Some(Fault::Over));
    }
    assert!(check(&server, Some(&user), &answer).await.is_ok(), "none of them took it away");
    // Asked of anybody, answered for somebody else than who proved something meanwhile.
    let options = ask(&server, None).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    assert_eq!(fault(check(&server, Some(&stranger), &answer).await), Some(Fault::CredentialId));
    assert_eq!(fault(check(&server, Some(&user), &answer).await), Some(Fault::Over));
    // The answer to a question for a signature makes no credential.
    let options = ask(&server, Some(&user)).await;
    let mut made = enrolling(&server, user.id).await;
    let data = json!({"type": "webauthn.create", "challenge": options["challenge"], "origin": ISSUER});
    made["response"]["clientDataJSON"] = json!(BASE64URL_NOPAD.encode(data.to_string().as_bytes()));
    assert_eq!(enrolled(&server, user.id, &made).await.err(), Some(Fault::Over));
}

/// What a sign-in asks somebody for, who need not be stored yet.
async fn registration(server: &TestServer, user: UserId, wanted: Wanted) -> Value {
    let names = Names { name: BOB.to_owned(), display_name: BOB.to_owned() };
    let credentials = server.server.store.credentials_of(user).await.unwrap();
    let realm = RealmName::default();
    let (within, names, credentials) = (&WITHIN, &names, credentials.as_slice());
    let making = Making { within, app: None, realm: &realm, user, names, credentials };
    let (row, options) = begin_registration(&server.server, &making, wanted).unwrap();
    server.server.commit(Changes(vec![FlowChange::Asked(row).into()])).await.unwrap();
    options
}

/// What a new device makes when a sign-in asks for it.
async fn enrolling(server: &TestServer, user: UserId) -> Value {
    let options = registration(server, user, Wanted::Passkey).await;
    Device::new().create(ISSUER, &options).await.unwrap()
}

async fn enrolled(server: &TestServer, user: UserId, made: &Value) -> Result<Credential, Fault> {
    let answer: RegistrationResponse = serde_json::from_value(made.clone()).unwrap();
    let realm = RealmName::default();
    let place =
        Place { realm: &realm, within: &WITHIN, user: Some(user), nameless_at: None, now: server.now() };
    let (made, changes) = enrol(&server.server, &place, (&answer, Some("key"))).await.unwrap();
    server.server.commit(changes).await.unwrap();
    made
}

#[tokio::test]
async fn a_sign_in_asks_who_comes_for_the_first_time_for_a_credential() {
    let server = server().await;
    let new = UserId::from_bytes([7; 16]);
    let made = enrolling(&server, new).await;
    let other = UserId::from_bytes([6; 16]);
    assert_eq!(enrolled(&server, other, &made).await.err(), Some(Fault::Over), "somebody else's question");
    let credential = enrolled(&server, new, &made).await.unwrap();
    assert_eq!((credential.user, credential.kind), (new, CredentialKind::Passkey));
    assert_eq!(enrolled(&server, new, &made).await.err(), Some(Fault::Over));
}

#[tokio::test]
async fn the_same_authenticator_is_not_asked_twice() {
    let server = server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (user, _) = only(&server).await;
    let options = ask(&server, Some(&user)).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    let made = registration(&server, user.id, Wanted::SecurityKey).await;
    let excluded = made["excludeCredentials"].as_array().unwrap();
    assert_eq!(excluded, options["allowCredentials"].as_array().unwrap());
    assert_eq!((excluded.len(), &excluded[0]["id"]), (1, &answer["id"]));
}

#[tokio::test]
async fn p18_a_copy_of_an_authenticator_is_found_out() {
    let server = server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let mut copy = device.copied();
    let options = ask(&server, None).await;
    let answer = device.get(ISSUER, &options).await.unwrap();
    assert_eq!(check(&server, None, &answer).await.unwrap().credential.counter, 1);
    let options = ask(&server, None).await;
    let answer = copy.get(ISSUER, &options).await.unwrap();
    assert_eq!(fault(check(&server, None, &answer).await), Some(Fault::Counter));
    let (_, kept) = only(&server).await;
    assert_eq!(kept.counter, 1, "nothing of it is kept");
}

#[tokio::test]
async fn p19_a_credential_belongs_to_one_user_and_its_handle_tells_nothing() {
    let server = server().await;
    let (first, second) = (signed_in(&server, ANN).await, signed_in(&server, BOB).await);
    let options = asked(&server, &first, json!({})).await;
    let handle = options["user"]["id"].as_str().unwrap().to_owned();
    assert_eq!(BASE64URL_NOPAD.decode(handle.as_bytes()).unwrap().len(), 64);
    let again = asked(&server, &first, json!({})).await;
    assert_eq!(again["user"]["id"], handle.as_str(), "the same for all credentials of a user");
    let mut device = Device::new();
    let made = device.create(ISSUER, &options).await.unwrap();
    add(&server, &first, made.clone()).await.expect(201);
    // The same credential, for somebody else: nobody checks who made an attestation that was not asked for.
    let theirs = asked(&server, &second, json!({})).await;
    assert_ne!(theirs["user"]["id"], handle.as_str());
    let data = json!({"type": "webauthn.create", "challenge": theirs["challenge"], "origin": ISSUER});
    let mut stolen = made;
    stolen["response"]["clientDataJSON"] = json!(BASE64URL_NOPAD.encode(data.to_string().as_bytes()));
    let refused = add(&server, &second, stolen).await.refused(422, "passkey_not_accepted");
    assert_eq!(refused.text("detail"), "the credential is registered already");
    assert_eq!(credentials(&server).await, 1);
    // What is asked of somebody unknown says nothing of anybody.
    let (one, other) = (ask(&server, None).await, ask(&server, None).await);
    let masked = |options: &Value| {
        let mut options = options.clone();
        options["challenge"] = json!("");
        options
    };
    assert_eq!(masked(&one), masked(&other));
    // A handle that is another's is refused, whoever signs.
    let options = ask(&server, None).await;
    let mut answer = device.get(ISSUER, &options).await.unwrap();
    answer["response"]["userHandle"] = theirs["user"]["id"].clone();
    assert_eq!(fault(check(&server, None, &answer).await), Some(Fault::UserHandle));
}
