//! The vectors of Web Authentication Level 3 (16) for the algorithms that are asked for, and the attestations that
//! authenticators give without being asked.

use super::{
    authenticator_data::public_key,
    fault::Fault,
    testing::{Case, Vector, hex, vectors},
};
use crate::keys::sha256;

/// Answers out of frames of other sites' pages: right in everything else, and never taken here.
const FRAMED: [&str; 2] = ["none.ES256.crossOrigin", "none.ES256.topOrigin"];

#[test]
fn p15_the_vectors_of_level_3_verify() {
    let mut seen = 0;
    for vector in vectors() {
        let (made, signed) = (vector.registration(), vector.authentication());
        if FRAMED.contains(&vector.name.as_str()) {
            assert_eq!(made.register().map(|_| ()), Err(Fault::CrossOrigin), "{}", vector.name);
            assert_eq!(signed.authenticate().map(|_| ()), Err(Fault::CrossOrigin), "{}", vector.name);
            let key = public_key(&signed.public_key).expect("a key");
            let message = [signed.data.as_slice(), &sha256(&signed.client_data)].concat();
            assert!(key.verify(&message, &signed.signature), "{}", vector.name);
            continue;
        }
        let registered = made.register().unwrap_or_else(|fault| panic!("{}: {fault}", vector.name));
        assert_eq!((&registered.id, &registered.public_key), (&made.known_id, &made.public_key));
        assert_eq!(registered.is_backup_eligible, made.is_backup_eligible, "{}", vector.name);
        let asserted = signed.authenticate().unwrap_or_else(|fault| panic!("{}: {fault}", vector.name));
        let flags = hex(&vector.authentication.authenticator_data)[32];
        assert_eq!((asserted.is_verified, asserted.is_backed_up), (flags & 4 != 0, flags & 16 != 0));
        seen += 1;
    }
    assert_eq!(seen, 7, "ES256 in five ways, RS256, EdDSA");
}

#[test]
fn p15_no_byte_of_what_was_signed_can_be_changed() {
    for vector in vectors().iter().filter(|vector| !FRAMED.contains(&vector.name.as_str())) {
        let good = vector.authentication();
        type Part = fn(&mut Case) -> &mut Vec<u8>;
        let parts: [(&str, Part); 3] = [
            ("authenticator data", |case| &mut case.data),
            ("client data", |case| &mut case.client_data),
            ("signature", |case| &mut case.signature),
        ];
        for (what, part) in parts {
            for index in 0..part(&mut good.clone()).len() {
                let mut changed = good.clone();
                part(&mut changed)[index] ^= 1;
                assert!(changed.authenticate().is_err(), "{}: {what} at {index}", vector.name);
                let mut cut = good.clone();
                part(&mut cut).truncate(index);
                assert!(cut.authenticate().is_err(), "{}: {what} cut at {index}", vector.name);
            }
            let mut longer = good.clone();
            part(&mut longer).push(b'}');
            assert!(longer.authenticate().is_err(), "{}: {what} with a byte more", vector.name);
        }
    }
}

#[test]
fn p15_an_attestation_object_cut_anywhere_is_refused() {
    for vector in vectors() {
        let good = vector.registration();
        for length in 0..good.data.len() {
            let mut cut = good.clone();
            cut.data.truncate(length);
            assert!(cut.register().is_err(), "{} cut at {length}", vector.name);
        }
    }
}

/// What soft-webauthn 0.1.4 (PyPI) answered once.
#[test]
fn p15_answers_of_an_authenticator_in_python_verify() {
    let recorded: Vec<Vector> = serde_json::from_str(include_str!("recorded.json")).expect("it reads");
    for vector in recorded {
        assert!(vector.registration().register().is_ok());
        let signed = vector.authentication();
        assert_eq!(signed.authenticate().map(|asserted| asserted.counter), Ok(1));
        assert_eq!(Case { counter: 1, ..signed }.authenticate(), Err(Fault::Counter));
    }
}

/// No attestation is asked for, so nobody signs a registration. Whatever is not free to say is matched.
#[test]
fn p15_each_byte_of_what_was_made_counts_but_those_that_an_authenticator_may_choose() {
    for vector in vectors().iter().filter(|vector| !FRAMED.contains(&vector.name.as_str())) {
        let good = vector.registration();
        let made = good.register().expect("a vector");
        let data = vector.made_data();
        let at = |part: &[u8]| good.data.windows(part.len()).position(|window| window == part);
        let data_at = at(&data).expect("authenticator data");
        let format = at(b"attStmt").expect("a statement").min(data_at);
        for index in 0..good.data.len() {
            let mut changed = good.clone();
            changed.data[index] ^= 1;
            let Ok(other) = changed.register() else { continue };
            let place = index.checked_sub(data_at);
            let is_free = match place {
                // Counter and model are kept as they are told; the same key under another number is another key.
                Some(33..53) => (other.counter, other.model) != (made.counter, made.model),
                Some(place) => place >= data.len() || other.public_key != made.public_key,
                // Whose statement it is, and the statement: neither is trusted.
                None => other == made && index < data_at.max(format),
            };
            assert!(is_free, "{}: byte {index} of {:?}", vector.name, place);
        }
    }
}

proptest::proptest! {
    #[test]
    fn p15_no_answer_stops_the_server(
        at in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..8),
        which in 0_usize..7,
    ) {
        let all = vectors();
        let good: Vec<&Vector> = all.iter().filter(|vector| !FRAMED.contains(&vector.name.as_str())).collect();
        let (mut made, mut signed) = (good[which].registration(), good[which].authentication());
        for (index, byte) in at {
            let (place, signed_place) = (index.index(made.data.len()), index.index(signed.data.len()));
            made.data[place] = byte;
            signed.data[signed_place] = byte;
        }
        let _ = made.register();
        let is_same = signed.data == good[which].authentication().data;
        proptest::prop_assert_eq!(signed.authenticate().is_ok(), is_same);
    }
}
