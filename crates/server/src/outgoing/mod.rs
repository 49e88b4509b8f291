//! Requests that this server makes to addresses that somebody configured: where they may go. It knows neither what is
//! asked there nor why.

mod client;
mod guard;

pub use self::{
    client::{Client, SendError},
    guard::{Guard, Target},
};
