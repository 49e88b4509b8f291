//! The three curves of ECDSA tokens, as one table: what JOSE calls them and what the library calls them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm,
};
use countersign_domain::algorithm::Algorithm;

/// A curve with the one digest JOSE pairs it with (RFC 7518, 3.4). Signatures have the fixed form `r || s`.
pub(super) struct Curve {
    pub(super) algorithm: Algorithm,
    /// `crv` in a JWK.
    pub(super) name: &'static str,
    /// Bytes of one coordinate.
    pub(super) coordinate: usize,
    pub(super) signing: &'static EcdsaSigningAlgorithm,
    pub(super) verifying: &'static EcdsaVerificationAlgorithm,
}

pub(super) static P256: Curve = Curve {
    algorithm: Algorithm::Es256,
    name: "P-256",
    coordinate: 32,
    signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
    verifying: &ECDSA_P256_SHA256_FIXED,
};

pub(super) static P384: Curve = Curve {
    algorithm: Algorithm::Es384,
    name: "P-384",
    coordinate: 48,
    signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
    verifying: &ECDSA_P384_SHA384_FIXED,
};

pub(super) static P521: Curve = Curve {
    algorithm: Algorithm::Es512,
    name: "P-521",
    coordinate: 66,
    signing: &ECDSA_P521_SHA512_FIXED_SIGNING,
    verifying: &ECDSA_P521_SHA512_FIXED,
};

/// The curve that a JWK calls by this name.
pub(super) fn named(name: &str) -> Option<&'static Curve> {
    [&P256, &P384, &P521].into_iter().find(|curve| curve.name == name)
}
