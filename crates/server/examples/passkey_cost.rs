//! What the rules about a passkey's signature cost beside the check of the signature alone. `cargo xtask bench` runs it.
//!
//! Prints two times in microseconds: of the bare check with the two digests that it needs, and of all rules.

#![expect(clippy::print_stdout, reason = "it hands its figures over on its standard output")]

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    },
};
use countersign_server::passkeys::{
    AuthenticationResponse,
    verify::{Expected, Known, authentication},
};
use data_encoding::BASE64URL_NOPAD;

const RP_ID: &str = "auth.example";
const ORIGIN: &str = "https://auth.example";
const CHALLENGE: [u8; 48] = [7; 48];
const HANDLE: [u8; 32] = [8; 32];
const ID: [u8; 16] = [9; 16];
/// How long each turn lasts; the two take turns.
const TURN: Duration = Duration::from_millis(40);
const TURNS: usize = 10;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| "no key")?;
    let public = pair.public_key().as_ref();
    let mut data = digest(&SHA256, RP_ID.as_bytes()).as_ref().to_vec();
    data.extend([5, 0, 0, 0, 0]);
    let client_data = serde_json::json!({
        "type": "webauthn.get",
        "challenge": BASE64URL_NOPAD.encode(&CHALLENGE),
        "origin": ORIGIN,
        "crossOrigin": false,
    });
    let client_data = client_data.to_string();
    let message = [&data[..], digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
    let signature = pair.sign(&SystemRandom::new(), &message).map_err(|_| "no signature")?;
    let encoded = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let answer: AuthenticationResponse = serde_json::from_value(serde_json::json!({
        "id": encoded(&ID),
        "rawId": encoded(&ID),
        "type": "public-key",
        "response": {
            "clientDataJSON": encoded(client_data.as_bytes()),
            "authenticatorData": encoded(&data),
            "signature": encoded(signature.as_ref()),
            "userHandle": encoded(&HANDLE),
        },
    }))?;
    let (x, y) = public[1..].split_at(32);
    let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat();
    let origins = [ORIGIN.to_owned()];
    let expected = Expected {
        rp_id: RP_ID,
        challenge: &CHALLENGE,
        origins: &origins,
        is_verification_required: true,
        is_presence_required: true,
    };
    let known =
        Known { id: &ID, public_key: &cose, user_handle: &HANDLE, counter: 0, is_backup_eligible: false };
    let bare = || {
        let message = [&data[..], digest(&SHA256, black_box(client_data.as_bytes())).as_ref()].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public);
        key.verify(&message, signature.as_ref()).is_ok()
    };
    let ours = || authentication(black_box(&expected), &known, false, black_box(&answer)).is_ok();
    let (mut bare_times, mut our_times) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        bare_times.push(time_of(bare)?);
        our_times.push(time_of(ours)?);
    }
    println!("{} {}", median(&mut bare_times), median(&mut our_times));
    Ok(())
}

fn time_of(mut work: impl FnMut() -> bool) -> Result<f64> {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < TURN {
        if !work() {
            return Err("a right signature is right".into());
        }
        count += 1;
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(count))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
