//! Keyed digests: what is stored, looked up and compared in place of an address, a code, a token or an API key.
//!
//! HMAC-SHA-256 with one key per purpose. It does not know what it digests; the caller's key says so.

use aws_lc_rs::hmac;
use countersign_domain::secret::Digest;

/// A key for digests of one purpose, prepared once so that a digest costs only its own bytes.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

impl DigestKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The digest of `parts`. Each part is preceded by its length (64 bits, big-endian), so that two lists of parts
    /// give the same digest only when they are the same list: `["ab", "c"]` is not `["a", "bc"]`.
    ///
    /// Compare the result with `==`: [`Digest`] takes the same time wherever the first difference is.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        Digest::new(out)
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::DigestKey;

    fn digest(key: u8, parts: &[&str]) -> [u8; 32] {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        *DigestKey::new(&[key; 32]).digest(&parts).bytes()
    }

    #[test]
    fn lists_of_parts_do_not_run_together() {
        let lists: [&[&str]; 8] =
            [&[], &[""], &["", ""], &["ab", "c"], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
        for (index, one) in lists.iter().enumerate() {
            for other in &lists[index + 1..] {
                assert_ne!(digest(1, one), digest(1, other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_digest_depends_on_its_key_and_on_nothing_else() {
        assert_ne!(digest(1, &["a"]), digest(2, &["a"]));
        assert_eq!(digest(1, &["a", "b"]), digest(1, &["a", "b"]));
    }

    /// The framing is for ever: subjects are made with it. Computed with Python's `hmac` over
    /// `len(part).to_bytes(8, "big") + part` of each part.
    #[test]
    fn the_framing_never_changes() {
        let hex = data_encoding::HEXLOWER.encode(&digest(7, &["demo", "ada@example.org"]));
        assert_eq!(hex, "50f9d6acfe5951eec4d83cfacb508107dcceb9cb31eb0feb5838f9d7e2b626d7");
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", DigestKey::new(&[7; 32])), "DigestKey(…)");
    }
}
