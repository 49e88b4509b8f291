//! HMAC-based one-time passwords (RFC 4226, with the hashes of RFC 6238). It knows no time and no person.

use aws_lc_rs::hmac;
use countersign_domain::totp::{Digits, TotpAlgorithm, TotpCode};

/// The code of a counter.
#[must_use]
pub fn hotp(secret: &[u8], algorithm: TotpAlgorithm, digits: Digits, counter: i64) -> TotpCode {
    let hash = match algorithm {
        TotpAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        TotpAlgorithm::Sha256 => hmac::HMAC_SHA256,
        TotpAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(hash, secret), &counter.to_be_bytes());
    TotpCode::of(truncated(tag.as_ref()), digits)
}

/// Dynamic truncation (RFC 4226, 5.3): 31 bits from where the last four say.
fn truncated(tag: &[u8]) -> u32 {
    let offset = tag.last().map_or(0, |last| usize::from(last & 15));
    let four = tag.iter().skip(offset).take(4).fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
    four & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4226, appendix D.
    #[test]
    fn gives_the_codes_of_rfc_4226() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, code) in (0..).zip(expected) {
            let computed = hotp(b"12345678901234567890", TotpAlgorithm::Sha1, Digits::Six, counter);
            assert_eq!(computed.expose(), code, "{counter}");
        }
    }

    /// RFC 6238, appendix B, with the secrets of its program (errata 2866: as long as the hash).
    #[test]
    fn gives_the_codes_of_rfc_6238() {
        let seed = b"1234567890".repeat(7);
        let cases = [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ];
        for (seconds, codes) in cases {
            for (algorithm, code) in TotpAlgorithm::ALL.into_iter().zip(codes) {
                let secret = &seed[..algorithm.secret_bytes()];
                let step = countersign_domain::totp::step_at(
                    countersign_domain::time::Timestamp::from_millis(seconds * 1000 + 999),
                );
                let eight = hotp(secret, algorithm, Digits::Eight, step);
                assert_eq!(eight.expose(), code, "{algorithm:?} {seconds}");
                let six = hotp(secret, algorithm, Digits::Six, step);
                assert_eq!(six.expose(), &code[2..], "{algorithm:?} {seconds}");
            }
        }
    }
}
