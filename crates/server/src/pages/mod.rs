//! What people see in a browser: the page of a link, and that of the interface. Rendered here, working without
//! JavaScript, loading nothing from elsewhere.

pub mod account;
pub mod admin;
pub mod assets;
mod brand;
pub mod devices;
pub mod docs;
pub mod forward;
mod interface;
pub mod link;
pub(crate) mod own;
pub mod render;
pub mod return_to;
mod rooms;
pub mod sign_in;
pub mod sign_out;
pub mod undo;
mod upload;
mod voice;
mod words;

use crate::{api::start::EndUser, call::Call, flood::network};

/// From where a challenge was asked, in words that a person recognises.
#[derive(Debug)]
pub struct Requested;

impl Requested {
    /// Words for the link's page: the browser's family and the network. `None` when nothing is known.
    #[must_use]
    pub fn describe(call: &Call, end_user: Option<&EndUser>) -> Option<String> {
        // Behind a secret key the caller is the app's server: only what it says about the person counts. With a
        // publishable key it is the person's own browser that calls.
        let (address, user_agent) = if call.is_secret() {
            (end_user.and_then(|user| user.ip), end_user.and_then(|user| user.user_agent.as_deref()))
        } else {
            (call.address, call.user_agent.as_deref())
        };
        match (user_agent.map(browser), address.map(network)) {
            (Some(browser), Some(address)) => Some(format!("{browser}, {address}")),
            (Some(browser), None) => Some(browser.to_owned()),
            (None, Some(address)) => Some(address.to_string()),
            (None, None) => None,
        }
    }
}

/// The approximate name of a device, from a `User-Agent`: "Firefox on Linux".
#[must_use]
pub fn device(user_agent: &str) -> String {
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let system = SYSTEMS.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (browser(user_agent), system) {
        (browser, Some(system)) => format!("{browser} on {system}"),
        (browser, None) => browser.to_owned(),
    }
}

/// The family of a browser, from its `User-Agent`: the first that fits.
fn browser(user_agent: &str) -> &'static str {
    const FAMILIES: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    FAMILIES.iter().find(|(mark, _)| user_agent.contains(mark)).map_or("?", |(_, name)| name)
}
