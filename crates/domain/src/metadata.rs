//! Small JSON objects that an app keeps with a person, by the person's subject there: nothing of one app is seen by another
//! of another sector. This module knows no JSON.

use crate::{id::UserId, subject::Subject};

/// Longest JSON of each of the two objects, in bytes.
pub const LONGEST_METADATA: usize = 4096;

/// What an app keeps with a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The person, as the app's sector knows them.
    pub subject: Subject,
    /// The user behind it.
    pub user: UserId,
    /// Both objects, sealed: the public one, which the person sees, and the private one.
    pub sealed: Vec<u8>,
    /// 0 when it is not stored yet; counts up with every write.
    pub version: i64,
}
