//! How a person is reached, parsed and normalised once, at the edge.
//!
//! An identifier that exists is one that mail can go to as it stands: whoever holds one need not check it again.
//! Nothing here knows whether a domain has a mail server, whether a mailbox exists or who owns it.

mod address;
mod address_error;
mod phone;
mod username;

pub use address::EmailAddress;
pub use address_error::AddressError;
pub use phone::{PhoneError, PhoneNumber};
pub use username::{Username, UsernameError};
