//! Shared counters: a guarded, commutative increment, so that a busy counter is no conflict.

use countersign_domain::time::Timestamp;

use super::any;
use crate::engine::Write;

/// Makes sure that the counter of this period exists. Says the same to every engine: nothing happens if it does.
pub(crate) fn ensure_quota(name: &str, period: i64, expires_at: Timestamp) -> Write {
    any(
        "INSERT INTO quota (name, period, used, expires_at) SELECT ?, ?, 0, ? \
         WHERE NOT EXISTS (SELECT 1 FROM quota WHERE name = ? AND period = ?)",
        vec![name.into(), period.into(), expires_at.into(), name.into(), period.into()],
    )
}

/// Takes `block` from the counter if that does not exceed `limit`; touches no row otherwise.
pub(crate) fn take_quota(name: &str, period: i64, block: i64, limit: i64) -> Write {
    any(
        "UPDATE quota SET used = used + ? WHERE name = ? AND period = ? AND used + ? <= ?",
        vec![block.into(), name.into(), period.into(), block.into(), limit.into()],
    )
}
