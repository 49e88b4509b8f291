//! What is kept: one body of SQL, three engines, one contract suite.
//!
//! The store never decides: it answers reads named by intent and commits
//! [`Changes`](countersign_domain::changes::Changes) all at once or not at all. It knows no HTTP, no mail and no keys.

#[cfg(feature = "contract")]
#[doc(hidden)]
pub mod contract;
pub mod copy;
pub mod engine;
pub mod error;
pub mod layout;
pub mod mariadb;
pub mod migration;
pub mod network;
pub mod postgres;
pub mod sealed;
mod sql;
pub mod sqlite;
mod store;

pub use self::{
    error::Error,
    store::{EventFilter, FactUpdate, GrantList, KeyChanges, Quota, Rows, Store, UserFilter},
};
