//! The hashes of others, as far as they must be checked once: bcrypt, scrypt and PBKDF2 in the spellings of PHC,
//! passlib, Django and Firebase. They are never made here.

mod bcrypt;
mod pbkdf2;
mod scrypt;

pub use self::{bcrypt::Bcrypt, pbkdf2::Pbkdf2, scrypt::Scrypt};
