//! Apps with their keys, and realms.

use super::{AdminRoom, act, bare, bodies, plain};
use crate::pages::rooms::{Act, Kind, Then, delete, patch, post};

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
            ("change_app_sign_in", bodies::app_sign_in),
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
        made: &[("change_realm_sign_in", bodies::realm_sign_in)],
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
    act(
        "change_app",
        patch("/v1/admin/apps/{app}"),
        &[
            ("title", Kind::TextOrNull),
            ("origins", Kind::Words),
            ("accent", Kind::TextOrNull),
            ("locale", Kind::TextOrNull),
        ],
        Then::Done,
    ),
    bare("change_app_sign_in", patch("/v1/admin/apps/{app}")),
    act(
        "change_app_codes",
        patch("/v1/admin/apps/{app}"),
        &[
            ("delivery", Kind::TextOrNull),
            ("code_length", Kind::NumberOrNull),
            ("code_alphabet", Kind::TextOrNull),
            ("code_life_seconds", Kind::NumberOrNull),
            ("tries", Kind::NumberOrNull),
            ("resend_pause_seconds", Kind::NumberOrNull),
        ],
        Then::Done,
    ),
    act(
        "change_app_mails",
        patch("/v1/admin/apps/{app}"),
        &[
            ("sender_name", Kind::TextOrNull),
            ("sender_address", Kind::TextOrNull),
            ("subject", Kind::TextOrNull),
            ("messages_per_person_per_hour", Kind::NumberOrNull),
            ("messages_per_person_per_day", Kind::NumberOrNull),
            ("messages_per_day", Kind::NumberOrNull),
        ],
        Then::Done,
    ),
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
    bare("change_realm_sign_in", patch("/v1/admin/realms/{realm}")),
    act(
        "change_realm_times",
        patch("/v1/admin/realms/{realm}"),
        &[
            ("session_idle_seconds", Kind::NumberOrNull),
            ("session_absolute_seconds", Kind::NumberOrNull),
            ("device_idle_seconds", Kind::NumberOrNull),
            ("device_absolute_seconds", Kind::NumberOrNull),
            ("erasure_grace_days", Kind::NumberOrNull),
        ],
        Then::Done,
    ),
    act("change_realm", patch("/v1/admin/realms/{realm}"), &[("settings", Kind::Json)], Then::Done),
    act("remove_realm", delete("/v1/admin/realms/{realm}"), &[], Then::Leave("/admin/realms")),
];
