//! People, grants and invitations.

use http::Method;

use super::{AdminRoom, act, bare, bodies, plain};
use crate::pages::rooms::{Act, Kind, Then, delete, patch, post};

pub(super) const ROOMS: &[AdminRoom] = &[
    AdminRoom {
        made: &[("create_user", bodies::person)],
        ..plain(
            ("/admin/people", "admin.people", "admin/people.html"),
            &[
                (
                    "users",
                    "/v1/admin/users?realm={realm}&email={email}&status={status}&created_from={created_from}&after={after}",
                ),
                ("realms", "/v1/admin/realms?limit=200"),
            ],
            PEOPLE,
        )
    },
    AdminRoom {
        asked: &[
            ("policy", "app", "/v1/admin/users/{id}/policy?app={app}"),
            ("explained", "app", "/v1/admin/grants/explain?user={id}&app={app}"),
        ],
        made: &[
            ("disable_user", bodies::disabled),
            ("enable_user", bodies::enabled),
            ("set_membership", bodies::membership),
            ("give_grant", bodies::grant),
        ],
        confirmed: &[("erase_user", "id")],
        below: "/admin/people",
        ..plain(
            ("/admin/people/{id}", "admin.person", "admin/person.html"),
            &[
                ("user", "/v1/admin/users/{id}"),
                ("sessions", "/v1/admin/users/{id}/sessions?limit=100"),
                ("devices", "/v1/admin/users/{id}/devices?limit=100"),
                ("credentials", "/v1/admin/users/{id}/credentials"),
                ("grants", "/v1/admin/grants?user={id}&limit=100"),
                ("apps", "/v1/admin/apps?limit=200"),
            ],
            PERSON,
        )
    },
    AdminRoom {
        asked: &[("explained", "who", "/v1/admin/grants/explain?user={who}&app={what}")],
        made: &[("give_grant", bodies::grant)],
        ..plain(
            ("/admin/grants", "admin.grants", "admin/grants.html"),
            &[
                (
                    "grants",
                    "/v1/admin/grants?user={user}&group={group}&app={app}&app_group={app_group}&realm={realm}&after={after}",
                ),
                ("apps", "/v1/admin/apps?limit=200"),
                ("realms", "/v1/admin/realms?limit=200"),
            ],
            GRANTS,
        )
    },
    AdminRoom {
        made: &[("invite", bodies::invitation)],
        ..plain(
            ("/admin/invitations", "admin.invitations", "admin/invitations.html"),
            &[
                ("invitations", "/v1/admin/invitations?realm={realm}&after={after}"),
                ("apps", "/v1/admin/apps?limit=200"),
                ("realms", "/v1/admin/realms?limit=200"),
            ],
            INVITATIONS,
        )
    },
];

const PEOPLE: &[Act] = &[
    act("find_user", (Method::GET, "/v1/admin/users/{id}"), &[], Then::Leave("/admin/people/{id}")),
    act(
        "import_users",
        post("/v1/admin/users/import?realm={realm}&partial={partial}&dry_run={dry_run}"),
        &[("file", Kind::Lines)],
        Then::Show,
    ),
    act(
        "export_users",
        (Method::GET, "/v1/admin/users/export?realm={realm}&limit=200"),
        &[],
        Then::DownloadLines("countersign-people.jsonl"),
    ),
    act("create_user", post("/v1/admin/users"), &[], Then::Leave("/admin/people/{id}")),
];

const PERSON: &[Act] = &[
    bare("disable_user", patch("/v1/admin/users/{id}")),
    bare("enable_user", patch("/v1/admin/users/{id}")),
    bare("set_membership", patch("/v1/admin/users/{id}")),
    bare("end_sessions", delete("/v1/admin/users/{id}/sessions")),
    bare("end_session", delete("/v1/admin/sessions/{session}")),
    bare("end_device", delete("/v1/admin/devices/{device}")),
    bare("remove_credential", delete("/v1/admin/users/{id}/credentials/{credential}")),
    bare("give_grant", post("/v1/admin/grants")),
    bare("take_grant", delete("/v1/admin/grants/{grant}")),
    act(
        "export_user",
        (Method::GET, "/v1/admin/users/{id}/export"),
        &[],
        Then::Download("countersign-person.json"),
    ),
    act("erase_user", delete("/v1/admin/users/{id}"), &[], Then::Leave("/admin/people")),
];

const GRANTS: &[Act] =
    &[bare("give_grant", post("/v1/admin/grants")), bare("take_grant", delete("/v1/admin/grants/{grant}"))];

const INVITATIONS: &[Act] = &[
    bare("invite", post("/v1/admin/invitations")),
    bare("revoke_invitation", delete("/v1/admin/invitations/{invitation}")),
];
