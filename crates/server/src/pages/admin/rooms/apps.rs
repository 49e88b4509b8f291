//! Apps with their keys, and realms.

use super::{AdminRoom, act, bare, bodies, delete, patch, plain, post};
use crate::pages::rooms::{Act, Kind, Then};

pub(super) const ROOMS: &[AdminRoom] = &[
    AdminRoom {
        made: &[("create_app", bodies::app)],
        ..plain(
            ("/admin/apps", "admin.apps", "admin/apps.html"),
            &[("apps", "/v1/admin/apps?after={after}"), ("realms", "/v1/admin/realms?limit=200")],
            APPS,
        )
    },
    AdminRoom {
        asked: &[("policy", "policy", "/v1/admin/apps/{app}/policy")],
        made: &[
            ("change_app", bodies::app_basics),
            ("replace_token_secret", bodies::replacement),
            ("revoke_tokens", bodies::app_tokens),
        ],
        confirmed: &[("disable_app", "app"), ("revoke_tokens", "app"), ("replace_token_secret", "app")],
        below: "/admin/apps",
        ..plain(
            ("/admin/apps/{app}", "admin.app", "admin/app.html"),
            &[("app", "/v1/admin/apps/{app}"), ("keys", "/v1/admin/apps/{app}/keys?limit=200")],
            APP,
        )
    },
    plain(
        ("/admin/realms", "admin.realms", "admin/realms.html"),
        &[("realms", "/v1/admin/realms?after={after}")],
        REALMS,
    ),
    AdminRoom {
        confirmed: &[("remove_realm", "realm")],
        below: "/admin/realms",
        ..plain(
            ("/admin/realms/{realm}", "admin.realm", "admin/realm.html"),
            &[("realm", "/v1/admin/realms/{realm}")],
            REALM,
        )
    },
];

const APP: &[Act] = &[
    bare("change_app", patch("/v1/admin/apps/{app}")),
    act("patch_app", patch("/v1/admin/apps/{app}"), &[("settings", Kind::Json)], Then::Show),
    bare("disable_app", post("/v1/admin/apps/{app}/disable")),
    bare("enable_app", post("/v1/admin/apps/{app}/enable")),
    act(
        "make_key",
        post("/v1/admin/apps/{app}/keys"),
        &[("kind", Kind::Text), ("label", Kind::Text), ("expires_in_days", Kind::Number)],
        Then::Show,
    ),
    bare("revoke_key", post("/v1/admin/keys/{id}/revoke")),
    act("replace_token_secret", post("/v1/admin/apps/{app}/token-secret"), &[], Then::Show),
    bare("revoke_tokens", post("/v1/admin/revocations")),
];

const APPS: &[Act] = &[act("create_app", post("/v1/admin/apps"), &[], Then::Show)];

const REALMS: &[Act] = &[act(
    "create_realm",
    post("/v1/admin/realms"),
    &[("name", Kind::Text)],
    Then::Leave("/admin/realms/{name}"),
)];

const REALM: &[Act] = &[
    act("change_realm", patch("/v1/admin/realms/{realm}"), &[("settings", Kind::Json)], Then::Done),
    act("remove_realm", delete("/v1/admin/realms/{realm}"), &[], Then::Leave("/admin/realms")),
];
