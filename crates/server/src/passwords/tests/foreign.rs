//! Hashes that other programs made (argon2-cffi, bcrypt, passlib, Django; Firebase's is from its own documentation).

use proptest::prelude::{Strategy as _, any, prop, proptest};

use super::{CHEAP, Error, HashError, OUTDATED, Verdict, password, passwords};
use crate::passwords::StoredHash;

const PLAIN: &str = "correct horse battery";
const LETTERS: &str = "Grüße aus Köln 🦀";
/// The letter after the 71st has two bytes: the original cuts it in half.
const LONG: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ä and more that the original never saw"
);

#[rustfmt::skip]
const HASHES: &[(&str, &str, &str)] = &[
    ("argon2-cffi argon2id", PLAIN, "$argon2id$v=19$m=19456,t=2,p=2$rGTtuTJAjx81WXcME7RqcQ$TSqtn6uXpR0utfWkR4aioIw27EfQE6xSw2JIYFbe1hw"),
    ("argon2-cffi argon2i", PLAIN, "$argon2i$v=19$m=4096,t=3,p=4$a4bLwIc+KN9vCaxE0vpiTQ$BLusLW6MTOWC9/qaeRqlBg"),
    ("argon2-cffi argon2d", LETTERS, "$argon2d$v=19$m=1024,t=1,p=1$ifDU6KXszVFJgZjsgtBQIw$Q+kODs9M4mTrcg7+qUdVq6dkz4DU9Jc5dg+cr6ewbDA"),
    ("argon2 1.0", PLAIN, "$argon2i$v=16$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0$/BRS87g6TtMrnhDpp3JCAb1ig1SicewdNSRWWzY+5Ho"),
    ("Django argon2", PLAIN, "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHRzb21l$KojPo34iz3ult+8nwrfBqm+kERAUZKQWi0HZmjuC8qg"),
    ("bcrypt 2b", PLAIN, "$2b$05$3c5Mp/k1tpCJykFx2bWKC.JpnP2nhghRAm0OmI3ezZOsTqkvemTfG"),
    ("bcrypt 2a", LETTERS, "$2a$04$Or3FuWbDtYfcdCW51tIIauzPppiG6p8qN/G5SXu9h.FhI6pSs5WZa"),
    ("bcrypt 2y", PLAIN, "$2y$04$3v43lz6wU2X/bR16oZxpjuWOXQdmUM2dSe5YOKUgORZi0YURmN7P2"),
    ("bcrypt over 72 bytes", LONG, "$2b$04$0MKZVOFwuM1YSz9XQa5iJumj0V.KMqp8HbjU3EkyD1AZE7WbAl0C2"),
    ("Django bcrypt", PLAIN, "bcrypt$$2b$04$0J8gUEjxVk2TyybBNJY6CuLovtp0xBjMV/vR4LFbJnbT1L/B1dbAW"),
    ("Django bcrypt_sha256", LONG, "bcrypt_sha256$$2b$04$U5Q7mJJQ49.iERFmQzJa.uQj3gPJdxPV89adF4xWQjdkfzxlN/pvO"),
    ("passlib bcrypt-sha256", LONG, "$bcrypt-sha256$v=2,t=2b,r=4$MnFtsYLTMbV15GxJgSLF9e$8EW9pgi9McMHeBuqnRhb1lG92b.vxKG"),
    ("passlib scrypt", PLAIN, "$scrypt$ln=10,r=8,p=1$zBkDYIyR8t47R8j5v3dOqQ$1d+5vl5HexVWy0TDtR6TSlcONqLrJGUy2RmAHCGTX/M"),
    ("Django scrypt", LETTERS, "scrypt$1024$somesaltsome$8$5$KF+4AsEO04kdf4MBWeGN9NKiyMP/ZIgEcSV5Esi/a4y7b9JR4xo5P9gfsnZ57LzOGX1LXuLGdD7kMTUjL1VRUw=="),
    ("passlib pbkdf2-sha256", PLAIN, "$pbkdf2-sha256$1000$AqA05lwLAUAIYWzN.R.DcA$R1uVmgQ/Y.BEuSkuFiIYfHZIp5eGIGITfsUxh8AKj5E"),
    ("passlib pbkdf2-sha512", LETTERS, "$pbkdf2-sha512$1000$m5MyZgzBOIfQ2lsrBcA4xw$Wv4isNX8bGW7OS2riFLHDmLSV6zws9D4YasiKSrQgXw4XjC.H1m3pTnSCgyZQaGF7cVmSYb0x3pBZPkW0QipTg"),
    ("passlib pbkdf2", PLAIN, "$pbkdf2$1000$T.n9/38PofRe692bs1bKmQ$k6beGrRsD2sP70p5EtL5b90o03w"),
    ("Django pbkdf2_sha256", PLAIN, "pbkdf2_sha256$1000$somesaltsome$XZqCuOuyT+eRdpaY2AyyAruY0A3UNMSN5eV+azGKUmQ="),
    ("Django pbkdf2_sha1", LONG, "pbkdf2_sha1$1000$somesaltsome$aIcLNzSkN87E/pY1UnZ/ZQl3ql0="),
    ("Firebase scrypt", "user1password", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="),
];

#[tokio::test]
async fn p25_hashes_of_others_verify_and_are_to_be_made_anew() {
    let passwords = passwords(CHEAP, 0, 1);
    for (kind, text, hash) in HASHES {
        assert_eq!(passwords.verify(&password(text), hash).await, Ok(OUTDATED), "{kind}");
        let other = password(&format!("X{text}"));
        assert_eq!(passwords.verify(&other, hash).await, Ok(Verdict::Wrong), "{kind}");
    }
}

#[tokio::test]
async fn p24_bcrypt_is_as_blind_as_the_original_beyond_72_bytes_and_only_there() {
    let passwords = passwords(CHEAP, 0, 1);
    let of = |kind| HASHES.iter().find(|(found, ..)| *found == kind).unwrap().2;
    let other_end = password(&LONG.replace("never", "NEVER"));
    assert_eq!(passwords.verify(&other_end, of("bcrypt over 72 bytes")).await, Ok(OUTDATED));
    for kind in ["Django bcrypt_sha256", "passlib bcrypt-sha256"] {
        assert_eq!(passwords.verify(&other_end, of(kind)).await, Ok(Verdict::Wrong), "{kind}");
    }
    // The original ends at a NUL and begins anew there: what follows would not count, so it is another password.
    for end in ["more", PLAIN, ""] {
        let with_end = password(&format!("{PLAIN}\0{end}"));
        assert_eq!(passwords.verify(&with_end, of("bcrypt 2b")).await, Ok(Verdict::Wrong), "{end}");
    }
}

#[tokio::test]
async fn p25_what_costs_too_much_or_does_not_read_is_refused() {
    let passwords = passwords(CHEAP, 0, 1);
    let salt = "c2FsdHNhbHRzYWx0$/BRS87g6TtMrnhDpp3JCAb1ig1SicewdNSRWWzY+5Ho";
    let cases = [
        (format!("$argon2id$v=19$m=131073,t=1,p=1${salt}"), HashError::TooCostly),
        (format!("$argon2id$v=19$m=1024,t=65,p=1${salt}"), HashError::TooCostly),
        (format!("$scrypt$ln=18,r=8,p=1${salt}"), HashError::TooCostly),
        (format!("$scrypt$ln=31,r=8,p=1${salt}"), HashError::TooCostly),
        (format!("$pbkdf2-sha256$5000001${salt}"), HashError::TooCostly),
        (format!("$pbkdf2-md5$1000${salt}"), HashError::Unknown),
        ("$2b$17$ZnV517zye8gPBzklfhP6o.SaPY4QCXbpswFyRgDM2qhsSkz0nrXxm".to_owned(), HashError::TooCostly),
        ("$2x$05$ZnV517zye8gPBzklfhP6o.SaPY4QCXbpswFyRgDM2qhsSkz0nrXxm".to_owned(), HashError::Malformed),
        ("$2b$05$short".to_owned(), HashError::Malformed),
        // An empty hash would fit every password.
        ("$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0$".to_owned(), HashError::Malformed),
        ("$pbkdf2-sha256$1000$c2FsdA$".to_owned(), HashError::Malformed),
        (format!("$argon2id$v=19$m=1024,t=1,p=1,keyid=AAAACQ${salt}"), HashError::PepperMissing),
        ("{SSHA}abcdefgh".to_owned(), HashError::Unknown),
        ("quiet lampshade".to_owned(), HashError::Unknown),
        (String::new(), HashError::Unknown),
        (format!("$argon2id{}", "a".repeat(2000)), HashError::Malformed),
    ];
    for (hash, expected) in cases {
        let refused = passwords.verify(&password(PLAIN), &hash).await;
        assert_eq!(refused, Err(Error::Hash(expected)), "{hash}");
    }
}

proptest! {
    #[test]
    fn p25_no_text_stops_the_reader(
        start in prop::sample::select(HASHES).prop_map(|(.., hash)| hash),
        cut in 0_usize..120,
        more in prop::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter),
    ) {
        let cut = start.get(..cut).unwrap_or(start);
        let _ = StoredHash::parse(&format!("{cut}{more}"));
        let _ = StoredHash::parse(&more);
    }
}
