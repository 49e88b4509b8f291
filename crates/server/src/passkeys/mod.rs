//! Passkeys and security keys: the ceremonies of Web Authentication Level 3, from the question to what is kept of the
//! answer. The rules are our own ([`verify`], [`client_data`], [`authenticator_data`], [`cbor`]; decision 0011), the
//! cryptography is not. It does not know what a sign-in needs, nor who may change what a person signs in with.
//!
//! Whoever asks writes the row that [`begin_authentication`] or [`begin_registration`] gives; the answer goes to
//! [`prove`] or [`enrol`], whose changes are written whatever they say.

pub mod answers;
pub mod authenticate;
pub mod authenticator_data;
pub mod cbor;
pub mod client_data;
pub mod fault;
pub mod party;
pub mod register;
pub mod response;
pub mod stored;
pub mod verify;

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod vectors;

pub use self::{
    answers::{Place, Proven, enrol, prove},
    authenticate::{Asking, begin_authentication, begin_nameless},
    fault::Fault,
    register::{Making, Names, Wanted, begin_registration},
    response::{AuthenticationResponse, RegistrationResponse},
};
