//! Hashing of passwords from outside: hashes that other programs made, our own against an independent computation,
//! and the pool.

mod breached;
mod foreign;
mod pool;

use countersign_domain::{password::Password, random::Random};

use super::{Error, HashError, HashParameters, Passwords, Peppers, PoolSettings, Verdict};
use crate::keys::{Hierarchy, RootKey};

/// A generator that counts.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

const CHEAP: HashParameters = HashParameters { memory: 64, passes: 1, lanes: 1 };

fn peppers(root: u8, current: u32) -> Peppers {
    Peppers::new(&Hierarchy::new(&RootKey::generate(&mut Counting(root))), current)
}

fn settings(workers: usize, queue: usize) -> PoolSettings {
    PoolSettings { workers, queue, most_memory_kib: 128 * 1024 }
}

fn passwords(parameters: HashParameters, root: u8, pepper: u32) -> Passwords {
    Passwords::start(parameters, settings(1, 64), peppers(root, pepper)).unwrap()
}

fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

const CURRENT: Verdict = Verdict::Right { is_outdated: false };
const OUTDATED: Verdict = Verdict::Right { is_outdated: true };

/// Computed with Python's `hmac` and argon2-cffi from the root key 00 01 … 1f: HKDF, the framing of our digests,
/// Argon2id.
#[tokio::test]
async fn p25_a_hash_is_argon2id_of_the_peppered_password() {
    let expected = "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAAAQ$AAECAwQFBgcICQoLDA0ODw$xOtqeTUX/r0DQ2k+D36cXRs1gr9cRKjkjpH47ebS3Yk";
    let passwords = passwords(HashParameters::default(), 0, 1);
    let made = passwords.hash(&password("correct horse battery"), &mut Counting(0)).await.unwrap();
    assert_eq!(made.expose(), expected);
    assert_eq!(passwords.verify(&password("correct horse battery"), expected).await, Ok(CURRENT));
    assert_eq!(passwords.verify(&password("correct horse batterx"), expected).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn p25_salts_are_unique() {
    let passwords = passwords(CHEAP, 0, 1);
    let mut random = Counting(0);
    let one = passwords.hash(&password("the same"), &mut random).await.unwrap();
    let other = passwords.hash(&password("the same"), &mut random).await.unwrap();
    assert_ne!(one.expose(), other.expose());
}

#[tokio::test]
async fn p24_nothing_of_a_password_is_cut_off() {
    let passwords = passwords(CHEAP, 0, 1);
    for (one, other) in [
        ("a".repeat(72) + "b", "a".repeat(72) + "c"),
        ("a".repeat(72), "a".repeat(73)),
        ("before\0after".to_owned(), "before\0other".to_owned()),
        ("end\0".to_owned(), "end".to_owned()),
        ("ü".repeat(1023) + "b", "ü".repeat(1023) + "c"),
    ] {
        let hash = passwords.hash(&password(&one), &mut Counting(1)).await.unwrap();
        assert_eq!(passwords.verify(&password(&one), hash.expose()).await, Ok(CURRENT));
        assert_eq!(passwords.verify(&password(&other), hash.expose()).await, Ok(Verdict::Wrong), "{one:?}");
    }
}

#[tokio::test]
async fn p25_a_hash_under_former_parameters_or_pepper_is_outdated_and_verifies() {
    let text = &password("quiet lampshade");
    let former = passwords(CHEAP, 0, 1).hash(text, &mut Counting(0)).await.unwrap();
    let dearer = HashParameters { memory: 128, passes: 2, lanes: 1 };
    for (now, expected) in [
        (passwords(CHEAP, 0, 1), Ok(CURRENT)),
        (passwords(dearer, 0, 1), Ok(OUTDATED)),
        (passwords(CHEAP, 0, 2), Ok(OUTDATED)),
        // The database alone, under another root key, is worth nothing.
        (passwords(CHEAP, 1, 1), Ok(Verdict::Wrong)),
    ] {
        assert_eq!(now.verify(text, former.expose()).await, expected);
    }
    let rotated = passwords(CHEAP, 0, 2).hash(text, &mut Counting(0)).await.unwrap();
    let back = passwords(CHEAP, 0, 1).verify(text, rotated.expose()).await;
    assert_eq!(back, Err(Error::Hash(HashError::PepperMissing)));
}

#[tokio::test]
async fn p12_nobody_is_checked_and_is_never_right() {
    let passwords = passwords(CHEAP, 0, 1);
    assert_eq!(passwords.verify(&password("quiet lampshade"), &passwords.decoy()).await, Ok(Verdict::Wrong));
}
