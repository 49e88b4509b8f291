//! The pages of an account: what each shows, and what its forms ask of `/v1/me`.

use http::Method;

use crate::pages::rooms::{Act, Kind, Room, Then, delete, patch, post};

/// All of them, in the order of the menu.
pub(super) const ROOMS: &[Room] = &[
    Room {
        path: "/account",
        heading: "account.you",
        template: "account/you.html",
        reads: &[("me", "/v1/me"), ("identifiers", "/v1/me/identifiers")],
        acts: YOU,
    },
    Room {
        path: "/account/security",
        heading: "account.security",
        template: "account/security.html",
        reads: &[("credentials", "/v1/me/credentials"), ("password", "/v1/me/password")],
        acts: SECURITY,
    },
    Room {
        path: "/account/devices",
        heading: "account.devices",
        template: "account/devices.html",
        reads: &[("sessions", "/v1/me/sessions"), ("devices", "/v1/me/devices")],
        acts: DEVICES,
    },
    Room {
        path: "/account/apps",
        heading: "account.apps",
        template: "account/apps.html",
        reads: &[("grants", "/v1/me/grants"), ("app_passwords", "/v1/me/app-passwords")],
        acts: APPS,
    },
    Room {
        path: "/account/history",
        heading: "account.history",
        template: "account/history.html",
        reads: &[("events", "/v1/me/events?limit=50&before={before}")],
        acts: &[],
    },
    Room {
        path: "/account/data",
        heading: "account.data",
        template: "account/data.html",
        reads: &[("me", "/v1/me")],
        acts: DATA,
    },
];

const YOU: &[Act] = &[
    Act {
        name: "change",
        asks: patch("/v1/me"),
        members: &[("display_name", Kind::TextOrNull), ("locale", Kind::TextOrNull)],
        then: Then::Done,
    },
    Act {
        name: "username",
        asks: patch("/v1/me"),
        members: &[("username", Kind::TextOrNull)],
        then: Then::Done,
    },
    Act {
        name: "add_email",
        asks: post("/v1/me/identifiers"),
        members: &[("email", Kind::Text)],
        then: Then::Show,
    },
    Act {
        name: "verify_email",
        asks: post("/v1/me/identifiers/{id}/verify"),
        members: &[("code", Kind::Text), ("binding", Kind::Text), ("replaces", Kind::Text)],
        then: Then::Done,
    },
    Act {
        name: "add_phone",
        asks: post("/v1/me/identifiers"),
        members: &[("phone", Kind::Text)],
        then: Then::Done,
    },
    Act {
        name: "make_primary",
        asks: patch("/v1/me/identifiers/{id}"),
        members: &[("primary", Kind::Flag)],
        then: Then::Done,
    },
    Act {
        name: "remove_identifier",
        asks: delete("/v1/me/identifiers/{id}"),
        members: &[],
        then: Then::Done,
    },
];

const SECURITY: &[Act] = &[
    Act {
        name: "add_passkey",
        asks: post("/v1/me/credentials/passkey"),
        members: &[("credential", Kind::Json), ("label", Kind::Text)],
        then: Then::Done,
    },
    Act {
        name: "rename",
        asks: patch("/v1/me/credentials/{id}"),
        members: &[("label", Kind::Text)],
        then: Then::Done,
    },
    Act {
        name: "remove",
        asks: delete("/v1/me/credentials/{id}?end_other_sessions={end_other_sessions}"),
        members: &[],
        then: Then::Done,
    },
    Act {
        name: "begin_totp",
        asks: post("/v1/me/credentials/totp/options"),
        // An empty object stands for the algorithm and the digits that every app knows.
        members: &[("none", Kind::Text)],
        then: Then::Show,
    },
    Act {
        name: "confirm_totp",
        asks: post("/v1/me/credentials/totp"),
        members: &[
            ("ceremony", Kind::Text),
            ("code", Kind::Text),
            ("label", Kind::Text),
            ("with_recovery_codes", Kind::Flag),
        ],
        then: Then::Show,
    },
    Act {
        name: "recovery_codes",
        asks: post("/v1/me/credentials/recovery-codes"),
        members: &[],
        then: Then::Show,
    },
    Act {
        name: "set_password",
        asks: (Method::PUT, "/v1/me/password"),
        members: &[
            ("password", Kind::Text),
            ("current_password", Kind::Text),
            ("end_other_sessions", Kind::Flag),
        ],
        then: Then::Done,
    },
    Act {
        name: "remove_password",
        asks: delete("/v1/me/password?end_other_sessions={end_other_sessions}"),
        members: &[],
        then: Then::Done,
    },
];

const DEVICES: &[Act] = &[
    Act { name: "end", asks: delete("/v1/me/sessions/{id}"), members: &[], then: Then::Done },
    Act {
        name: "end_others",
        asks: delete("/v1/me/sessions?except=current"),
        members: &[],
        then: Then::Done,
    },
    Act {
        name: "rename_device",
        asks: patch("/v1/me/devices/{id}"),
        members: &[("label", Kind::Text)],
        then: Then::Done,
    },
    Act { name: "end_device", asks: delete("/v1/me/devices/{id}"), members: &[], then: Then::Done },
];

const APPS: &[Act] = &[
    Act {
        name: "make_app_password",
        asks: post("/v1/me/app-passwords"),
        members: &[("label", Kind::Text), ("apps", Kind::Ticked), ("days", Kind::Number)],
        then: Then::Show,
    },
    Act {
        name: "end_app_password",
        asks: delete("/v1/me/app-passwords/{id}"),
        members: &[],
        then: Then::Done,
    },
];

const DATA: &[Act] = &[
    Act {
        name: "export",
        asks: (Method::GET, "/v1/me/export"),
        members: &[],
        then: Then::Download("countersign-account.json"),
    },
    Act { name: "erase", asks: delete("/v1/me"), members: &[], then: Then::Leave("account.gone") },
];
