//! Passkeys and security keys: the ceremonies of Web Authentication Level 3, from the question to what is kept of the
//! answer. The rules are our own ([`verify`], [`client_data`], [`authenticator_data`], [`cbor`]; decision 0011), the
//! cryptography is not. It does not know what a sign-in needs, nor who may change what a person signs in with.

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
    authenticate::{Asking, Authenticated, begin_authentication, finish_authentication, lookup},
    fault::Fault,
    response::{AuthenticationResponse, RegistrationResponse},
    stored::ceremony_of,
};
