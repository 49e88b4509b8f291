//! The pages of the administration: what each shows, and what its forms ask of `/v1/admin`.

mod apps;
mod bodies;
mod people;
mod server;

use http::Method;
use serde_json::Value as Json;

use crate::{
    error::ApiError,
    oauth2::Form,
    pages::rooms::{Act, Kind, Room, Then, only_changed},
};

/// Makes the body of a question of what a form says, where its fields are not the members.
pub(super) type MakeBody = fn(&Form) -> Result<Json, ApiError>;

/// A page of the administration.
#[derive(Debug)]
pub(super) struct AdminRoom {
    pub(super) room: Room,
    /// What is read only where the address says a place: the name in the template, the place, the question.
    pub(super) asked: &'static [(&'static str, &'static str, &'static str)],
    /// Acts whose body is made by a function.
    pub(super) made: &'static [(&'static str, MakeBody)],
    /// Acts that are confirmed by typing the end of a place.
    pub(super) confirmed: &'static [(&'static str, &'static str)],
    /// Whether it shows what it may, and is no less a page where something is refused.
    pub(super) is_overview: bool,
    /// The page of the menu that it belongs to.
    pub(super) below: &'static str,
}

/// All of them, in the order of the menu.
pub(super) fn all() -> impl Iterator<Item = &'static AdminRoom> {
    [server::OVERVIEW, people::ROOMS, apps::ROOMS, server::ROOMS].into_iter().flatten()
}

impl AdminRoom {
    /// The place whose end is typed to confirm an act.
    pub(super) fn confirmed(&self, act: &Act) -> Option<&'static str> {
        self.confirmed.iter().find(|(name, _)| *name == act.name).map(|(_, place)| *place)
    }

    /// The body that an act asks with.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] names the field that does not read.
    pub(super) fn body(&self, act: &Act, form: &Form) -> Result<Json, ApiError> {
        let mut body = match self.made.iter().find(|(name, _)| *name == act.name) {
            Some((_, make)) => make(form)?,
            None => act.body(form)?,
        };
        only_changed(&mut body, form);
        Ok(body)
    }
}

/// A page whose forms are as they stand.
const fn plain(
    (path, heading, template): (&'static str, &'static str, &'static str),
    reads: &'static [(&'static str, &'static str)],
    acts: &'static [Act],
) -> AdminRoom {
    let room = Room { path, heading, template, reads, acts };
    AdminRoom { room, asked: &[], made: &[], confirmed: &[], is_overview: false, below: path }
}

const fn act(
    name: &'static str,
    asks: (Method, &'static str),
    members: &'static [(&'static str, Kind)],
    then: Then,
) -> Act {
    Act { name, asks, members, then }
}

/// An act that sends no body, or one that a function makes.
const fn bare(name: &'static str, asks: (Method, &'static str)) -> Act {
    act(name, asks, &[], Then::Done)
}

#[cfg(test)]
mod tests {
    use countersign_domain::event::EventKind;

    use super::*;
    use crate::texts::Key;

    #[test]
    fn every_act_and_page_has_its_texts_and_what_is_made_or_confirmed_is_an_act() {
        for one in all() {
            assert!(Key::of_name(one.room.heading).is_some(), "{}", one.room.heading);
            for act in one.room.acts {
                let name = format!("admin.act_{}", act.name);
                assert!(Key::of_name(&name).is_some(), "{name}");
            }
            let named =
                one.made.iter().map(|(name, _)| name).chain(one.confirmed.iter().map(|(name, _)| name));
            for name in named {
                assert!(one.room.acts.iter().any(|act| act.name == *name), "{name}");
            }
        }
    }

    #[test]
    fn every_kind_of_event_is_said_to_operators() {
        for kind in EventKind::ALL.iter().map(|kind| kind.name()) {
            let said = |message: &str| Key::of_name(&format!("{message}.{kind}")).is_some();
            assert!(said("admin_event") || said("event"), "{kind}");
        }
        let of_nothing = |key: &Key| {
            let (message, kind) = key.name().split_once('.').unwrap_or_default();
            let is_kind = |known: &EventKind| known.name().replace('.', "-") == kind;
            matches!(message, "event" | "admin_event") && !EventKind::ALL.iter().any(is_kind)
        };
        assert_eq!(Key::all().find(of_nothing), None);
    }
}
