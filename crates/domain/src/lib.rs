//! What is true: the rules of authentication, pure.
//!
//! Nothing here waits, reads a clock, draws randomness of its own or performs I/O. Time ([`time::Timestamp`]),
//! randomness ([`random::Random`]) and keyed digests ([`vault::Vault`]) come in as arguments; what must be written
//! comes out as data ([`changes::Changes`]). This crate knows no HTTP, no SQL and no mail.

pub mod account;
pub mod admin_key;
pub mod algorithm;
pub mod api_key;
pub mod app;
pub mod app_password;
pub mod assurance;
pub mod ceremony;
pub mod challenge;
pub mod changes;
pub mod code;
pub mod color;
pub mod contact;
pub mod credential;
pub mod device;
pub mod event;
pub mod forward_auth;
pub mod grant;
pub mod group;
pub mod id;
pub mod identifier;
pub mod invitation;
pub mod membership;
pub mod message;
pub mod metadata;
pub mod password;
pub mod pending_sign_in;
pub mod policy;
pub mod random;
pub mod realm;
pub mod recovery_code;
pub mod refresh;
pub mod refusal;
pub mod scope;
pub mod sealing_key;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod signing_key;
mod slug;
pub mod stored_app;
pub mod stored_realm;
pub mod subject;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod token;
pub mod totp;
pub mod undo;
pub mod user;
pub mod user_password;
pub mod vault;
pub mod webhook;
