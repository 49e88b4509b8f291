//! Answers that are wrong in one place and signed anew by the right key, so that nothing but the rule in question can
//! refuse them.

use serde_json::json;

use super::{
    fault::Fault,
    testing::{Case, HANDLE, Vector, attestation, base64, vector},
};

/// A signature over a passkey that may be copied, known to be so, and one over a key that may not.
fn signing() -> Vec<Vector> {
    vec![vector("none.ES256"), vector("packed-self.ES256"), vector("packed.EdDSA")]
}

#[test]
fn p15_every_field_of_a_signed_answer_counts() {
    for vector in signing() {
        let good = Case { counter: 7, ..vector.authentication().with_counter(8).with_flags(0, 4) };
        let good = Case { is_verification_required: true, ..good };
        assert_eq!(vector.sign(&good).authenticate().map(|asserted| asserted.counter), Ok(8));
        let client = |member: &str, value| good.with_client_data(member, Some(value));
        let eligible = if good.is_backup_eligible { 8 } else { 0 };
        let mut other_rp = good.clone();
        other_rp.data[0] ^= 1;
        let mut longer = good.clone();
        longer.data.push(0);
        let attested = [&good.data[..], &[0; 16], &[0, 1, 1, 0xa0]].concat();
        let attested = Case { data: attested, ..good.clone() }.with_flags(0, 0x40);
        let other_id = |case: Case| Case { id: vec![1], raw_id: vec![1], ..case };
        let cases = [
            ("type", client("type", json!("webauthn.create")), Fault::Type),
            ("no type", good.with_client_data("type", None), Fault::ClientData),
            ("challenge", client("challenge", base64(&[1; 32])), Fault::Challenge),
            ("no challenge", good.with_client_data("challenge", None), Fault::ClientData),
            ("origin", client("origin", json!("https://example.org.evil.example")), Fault::Origin),
            ("no origin", good.with_client_data("origin", None), Fault::ClientData),
            ("crossOrigin", client("crossOrigin", json!(true)), Fault::CrossOrigin),
            ("topOrigin", client("topOrigin", json!("https://example.org")), Fault::CrossOrigin),
            ("rpIdHash", other_rp, Fault::RpId),
            ("UP", good.with_flags(1, 0), Fault::NotPresent),
            ("UV", good.with_flags(4, 0), Fault::NotVerified),
            ("UP and UV", good.with_flags(5, 0), Fault::NotPresent),
            ("BE", good.with_flags(0x18, 8 ^ eligible), Fault::BackupState),
            ("BS", good.with_flags(8, 0x10), Fault::BackupState),
            ("AT without data", good.with_flags(0, 0x40), Fault::AuthenticatorData),
            ("AT", attested, Fault::AuthenticatorData),
            ("ED without data", good.with_flags(0, 0x80), Fault::AuthenticatorData),
            ("a byte more", longer, Fault::AuthenticatorData),
            ("the same counter", good.with_counter(7), Fault::Counter),
            ("a lower counter", good.with_counter(6), Fault::Counter),
            ("no counter any more", good.with_counter(0), Fault::Counter),
            ("kind", Case { kind: "password".to_owned(), ..good.clone() }, Fault::Form),
            ("id beside rawId", Case { id: vec![1], ..good.clone() }, Fault::Form),
            ("another id", other_id(good.clone()), Fault::CredentialId),
            ("userHandle", Case { user_handle: Some(vec![5; 63]), ..good.clone() }, Fault::UserHandle),
            ("no userHandle", Case { user_handle: None, ..good.clone() }, Fault::UserHandle),
        ];
        for (what, case, fault) in cases {
            assert_eq!(vector.sign(&case).authenticate(), Err(fault), "{}: {what}", vector.name);
        }
    }
}

#[test]
fn p15_a_signature_is_the_keys_own_over_this_answer() {
    let (one, other) = (vector("none.ES256"), vector("packed.ES256"));
    let good = one.authentication();
    let by_other = Case { signature: other.authentication().signature, ..good.clone() };
    assert_eq!(by_other.authenticate(), Err(Fault::Signature));
    for public_key in [other.authentication().public_key, vector("packed.EdDSA").authentication().public_key]
    {
        assert_eq!(Case { public_key, ..good.clone() }.authenticate(), Err(Fault::Signature));
    }
    assert_eq!(Case { signature: Vec::new(), ..good.clone() }.authenticate(), Err(Fault::Signature));
    let client_data = [&good.client_data[..], b" "].concat();
    assert_eq!(Case { client_data, ..good.clone() }.authenticate(), Err(Fault::Signature));
    let verified = good.with_flags(0, 4);
    assert_eq!(verified.authenticate(), Err(Fault::Signature), "UV claimed afterwards");
}

#[test]
fn p17_what_was_asked_decides_where_and_by_whom_it_is_answered() {
    let vector = vector("none.ES256");
    let good = vector.sign(&vector.authentication());
    let origins = |origin: &str| Case { origins: vec![origin.to_owned()], ..good.clone() };
    assert_eq!(origins("https://example.com").authenticate(), Err(Fault::Origin));
    assert_eq!(origins("https://example.org:8443").authenticate(), Err(Fault::Origin));
    assert_eq!(Case { origins: vec![], ..good.clone() }.authenticate(), Err(Fault::Origin));
    let rp_id = "sub.example.org".to_owned();
    assert_eq!(Case { rp_id, ..good.clone() }.authenticate(), Err(Fault::RpId));
    let mut challenge = good.challenge.clone();
    challenge.pop();
    assert_eq!(Case { challenge, ..good.clone() }.authenticate(), Err(Fault::Challenge));
    // Where another proof says who it is, an old key that knows no handle is good; another's handle never is.
    let known = Case { is_user_known: true, user_handle: None, ..good.clone() };
    assert!(known.authenticate().is_ok());
    let foreign = Case { user_handle: Some(vec![6; 64]), ..known };
    assert_eq!(foreign.authenticate(), Err(Fault::UserHandle));
    let empty = Case { user_handle: Some(Vec::new()), ..foreign };
    assert_eq!(empty.authenticate(), Err(Fault::UserHandle));
    assert_eq!(good.user_handle.as_deref(), Some(HANDLE));
}

#[test]
fn p18_counters_go_up_or_stand_at_zero() {
    let vector = vector("none.ES256");
    for (stored, signed, is_good) in [
        (0, 0, true),
        (0, 1, true),
        (1, 2, true),
        (1, u32::MAX, true),
        (1, 1, false),
        (2, 1, false),
        (1, 0, false),
        (i64::from(u32::MAX), u32::MAX, false),
    ] {
        let case = vector.sign(&Case { counter: stored, ..vector.authentication().with_counter(signed) });
        let expected = if is_good { Ok(signed) } else { Err(Fault::Counter) };
        assert_eq!(case.authenticate().map(|asserted| asserted.counter), expected, "{stored} {signed}");
        // A counter is the key's word: whoever cannot sign cannot accuse it either.
        let forged = Case { signature: vec![1], ..case };
        assert_eq!(forged.authenticate(), Err(Fault::Signature));
    }
}

#[test]
fn p15_every_field_of_a_registration_counts() {
    let vector = vector("none.ES256");
    let good = vector.registration();
    let data = vector.made_data();
    let id_length = good.id.len();
    let key_at = 37 + 16 + 2 + id_length;
    let object = |data: &[u8]| Case { data: attestation("none", &[0xa0], data), ..good.clone() };
    assert_eq!(object(&data).data, good.data, "an attestation object is made as the vector's is");
    let changed = |index: usize, value: u8| {
        let mut data = data.clone();
        data[index] = value;
        object(&data)
    };
    let flags = |clear: u8, set: u8| changed(32, data[32] & !clear | set);
    let key = |key: &[u8]| object(&[&data[..key_at], key].concat());
    let cose = &data[key_at..];
    let client = |member: &str, value| good.with_client_data(member, Some(value));
    let strict = |case: Case| Case { is_verification_required: true, ..case };
    let other_id = Case { id: vec![1; 32], raw_id: vec![1; 32], ..good.clone() };
    let mut keyless = cose.to_vec();
    keyless[0] = 0xa4;
    keyless.truncate(keyless.len() - 35);
    let with_more = [&[0xa6][..], &cose[1..], &[0x04, 0x81, 0x02]].concat();
    let cases = [
        ("type", client("type", json!("webauthn.get")), Fault::Type),
        ("challenge", client("challenge", base64(&[1; 32])), Fault::Challenge),
        ("origin", client("origin", json!("http://example.org")), Fault::Origin),
        ("crossOrigin", client("crossOrigin", json!(true)), Fault::CrossOrigin),
        ("topOrigin", client("topOrigin", json!("https://example.org")), Fault::CrossOrigin),
        ("rpIdHash", changed(0, data[0] ^ 1), Fault::RpId),
        ("UP", flags(1, 0), Fault::NotPresent),
        ("UV", strict(flags(4, 0)), Fault::NotVerified),
        ("BS without BE", flags(8, 0x10), Fault::BackupState),
        ("AT", flags(0x40, 0), Fault::AuthenticatorData),
        ("ED", flags(0, 0x80), Fault::AuthenticatorData),
        ("id in the data", changed(55, data[55] ^ 1), Fault::CredentialId),
        ("id beside the data", other_id, Fault::CredentialId),
        ("id beside rawId", Case { id: vec![1; 32], ..good.clone() }, Fault::Form),
        ("kind", Case { kind: String::new(), ..good.clone() }, Fault::Form),
        ("a byte more", object(&[&data[..], &[0]].concat()), Fault::AuthenticatorData),
        ("a byte less", object(&data[..data.len() - 1]), Fault::AuthenticatorData),
        ("kty", changed(key_at + 2, 1), Fault::Key),
        ("alg", changed(key_at + 4, 0x27), Fault::Key),
        ("crv", changed(key_at + 6, 2), Fault::Key),
        ("x", changed(key_at + 20, data[key_at + 20] ^ 1), Fault::Key),
        ("y", changed(key_at + 60, data[key_at + 60] ^ 1), Fault::Key),
        ("no y", key(&keyless), Fault::Key),
        ("a member more", key(&with_more), Fault::Key),
        ("no key", key(&[0xa0]), Fault::Key),
        ("no object", Case { data: data.clone(), ..good.clone() }, Fault::Attestation),
        ("nothing", Case { data: Vec::new(), ..good.clone() }, Fault::Attestation),
    ];
    for (what, case, fault) in cases {
        assert_eq!(case.register().map(|_| ()), Err(fault), "{what}");
    }
}

#[test]
fn p17_a_registration_may_say_what_was_not_asked_for() {
    // A browser that makes a passkey unasked has nobody touch it; nobody else may do so.
    let vector = vector("none.ES256");
    let (good, mut data) = (vector.registration(), vector.made_data());
    data[32] &= !5;
    let untouched = Case { data: attestation("none", &[0xa0], &data), ..good.clone() };
    let unasked = Case { is_presence_required: false, ..untouched };
    assert_eq!(unasked.register().map(|made| made.is_verified), Ok(false));
    for statement in [&[0xa1, 0x61, b'x', 1][..], &[0x80]] {
        let none = Case { data: attestation("none", statement, &vector.made_data()), ..good.clone() };
        assert_eq!(none.register().map(|_| ()), Err(Fault::Attestation));
    }
    // What was not asked for is not looked at.
    let named = Case { data: attestation("packed", &[0xa1, 0x61, b'x', 1], &vector.made_data()), ..good };
    assert!(named.register().is_ok());
}
