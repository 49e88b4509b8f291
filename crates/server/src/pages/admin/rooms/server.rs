//! What concerns the server: the overview, the log of events, messages, keys, health.

use super::{AdminRoom, act, bare, bodies, plain};
use crate::pages::rooms::{Act, Kind, Then, delete, post};

pub(super) const OVERVIEW: &[AdminRoom] = &[AdminRoom {
    is_overview: true,
    ..plain(
        ("/admin", "admin.overview", "admin/overview.html"),
        &[("activity", "/v1/admin/activity"), ("health", "/v1/admin/health")],
        &[],
    )
}];

pub(super) const ROOMS: &[AdminRoom] = &[
    AdminRoom {
        asked: &[("check", "check", "/v1/admin/events/check")],
        ..plain(
            ("/admin/events", "admin.events", "admin/events.html"),
            &[(
                "events",
                "/v1/admin/events?kind={kind}&app={app}&realm={realm}&user={user}&since={since}&after={after}",
            )],
            &[],
        )
    },
    plain(
        ("/admin/messages", "admin.messages", "admin/messages.html"),
        &[("messages", "/v1/admin/messages?after={after}")],
        MESSAGES,
    ),
    AdminRoom {
        made: &[("rotate_signing_key", bodies::replacement)],
        confirmed: &[("rotate_signing_key", "algorithm")],
        ..plain(
            ("/admin/keys", "admin.keys", "admin/keys.html"),
            &[
                ("signing_keys", "/v1/admin/signing-keys?limit=200"),
                ("admin_keys", "/v1/admin/admin-keys?limit=200"),
                ("realms", "/v1/admin/realms?limit=200"),
            ],
            KEYS,
        )
    },
    plain(("/admin/health", "admin.health", "admin/health.html"), &[("health", "/v1/admin/health")], &[]),
];

const MESSAGES: &[Act] = &[
    bare("retry_message", post("/v1/admin/messages/{id}/retry")),
    bare("forget_message", delete("/v1/admin/messages/{id}")),
];

const KEYS: &[Act] = &[
    bare("rotate_signing_key", post("/v1/admin/signing-keys/rotate")),
    act(
        "make_admin_key",
        post("/v1/admin/admin-keys"),
        &[
            ("scopes", Kind::Ticked),
            ("realm", Kind::Text),
            ("label", Kind::Text),
            ("expires_in_days", Kind::Number),
        ],
        Then::Show,
    ),
    bare("revoke_admin_key", post("/v1/admin/admin-keys/{id}/revoke")),
];
