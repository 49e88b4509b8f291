//! The algorithms a token can be signed with, by the names JOSE gives them (RFC 7518, RFC 8037).
//!
//! This is a name to choose by, in the configuration and in a stored key. It knows no key and computes nothing.

/// A signature algorithm for tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032): small, fast, without pitfalls. The default.
    #[default]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256: for old verifiers.
    Rs256,
    /// HMAC with SHA-256: whoever can verify can also sign, so the key is shared with one app only.
    Hs256,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 6] = [Self::EdDsa, Self::Es256, Self::Es384, Self::Es512, Self::Rs256, Self::Hs256];

    /// The JOSE name: the value of `alg` in a token's header and in a JWK.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of this JOSE name. Names are case-sensitive (RFC 7515, 4.1.1), and `none` is not one of them.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether the verifying key is the signing key, so that it can never be published.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256)
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn every_name_is_parsed_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
        }
    }

    #[test]
    fn p32_other_names_are_not_algorithms() {
        for name in
            ["none", "None", "NONE", "", "eddsa", "es256", "HS512", "RS1", "ES256K", "EdDSA ", "Ed25519"]
        {
            assert_eq!(Algorithm::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn only_the_mac_is_symmetric() {
        let symmetric: Vec<_> =
            Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_symmetric()).collect();
        assert_eq!(symmetric, [Algorithm::Hs256]);
    }
}
