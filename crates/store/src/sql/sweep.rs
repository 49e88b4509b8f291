//! Forgetting: every row has a lifetime, and what is past it goes.

use countersign_domain::time::Timestamp;

use super::{any, delete_gone_signing_keys, delete_over_sessions};
use crate::engine::Write;

/// The writes of one sweep, by table. Signing keys are few and go a while after their last token.
pub(crate) fn sweep(now: Timestamp) -> Vec<(&'static str, Write)> {
    let at = || vec![now.into()];
    vec![
        ("challenge", any("DELETE FROM challenge WHERE keep_until <= ?", at())),
        ("contact", any("DELETE FROM contact WHERE expires_at <= ?", at())),
        ("message", any("DELETE FROM message WHERE expires_at <= ?", at())),
        ("idempotency", any("DELETE FROM idempotency WHERE expires_at <= ?", at())),
        ("revocation", any("DELETE FROM revocation WHERE expires_at <= ?", at())),
        ("quota", any("DELETE FROM quota WHERE expires_at <= ?", at())),
        ("signing_key", delete_gone_signing_keys(now)),
        ("session", delete_over_sessions(now)),
        ("password_wish", any("DELETE FROM password_wish WHERE expires_at <= ?", at())),
        ("webhook_delivery", any("DELETE FROM webhook_delivery WHERE expires_at <= ?", at())),
        // An erasure that is due takes its own row with it.
        ("user_undo", any("DELETE FROM user_undo WHERE expires_at <= ? AND kind <> 'erasure'", at())),
        ("pending_sign_in", any("DELETE FROM pending_sign_in WHERE expires_at <= ?", at())),
        ("ceremony", any("DELETE FROM ceremony WHERE expires_at <= ?", at())),
        ("app_password", any("DELETE FROM app_password WHERE expires_at <= ?", at())),
        ("invitation", any("DELETE FROM invitation WHERE expires_at <= ?", at())),
        ("access_grant", any("DELETE FROM access_grant WHERE expires_at <= ?", at())),
    ]
}
