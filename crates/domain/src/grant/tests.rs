use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn user(status: UserStatus) -> User {
    User {
        id: UserId::from_bytes([1; 16]),
        realm: RealmName::default(),
        status,
        sealed_profile: None,
        created_at: NOW,
        signed_in_at: NOW,
        version: 1,
    }
}

fn app(name: &str) -> App {
    let mut app = App::new(name.parse().unwrap());
    app.forward_auth.groups = vec![group("tools")];
    app.forward_auth.scopes = Scopes::parse(["read:name"]).unwrap();
    app
}

fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

fn member(role: Role) -> Membership {
    Membership::new(role, [group("family")]).unwrap()
}

fn grant(holder: Holder, target: Target) -> Grant {
    Grant {
        id: GrantId::from_bytes([9; 16]),
        realm: RealmName::default(),
        holder,
        target,
        scopes: Scopes::parse(["read:email"]).unwrap(),
        expires_at: None,
        declared: false,
    }
}

fn wiki() -> Target {
    Target::App("wiki".parse().unwrap())
}

fn me() -> Holder {
    Holder::User(UserId::from_bytes([1; 16]))
}

fn mine() -> Digest {
    Digest::new([3; 32])
}

fn ask(user: &User, role: Role, app: &App, admins: bool, grants: &[Grant]) -> Option<Access> {
    let membership = member(role);
    let addresses = [mine()];
    let question = Question {
        user,
        membership: &membership,
        addresses: &addresses,
        app,
        admins_hold_every_app: admins,
        now: NOW,
    };
    question.answer(grants)
}

#[test]
fn p37_a_grant_counts_for_its_holder_its_target_and_its_realm_alone() {
    let later = Some(Timestamp::from_millis(NOW.millis() + 1));
    let staff: RealmName = "staff".parse().unwrap();
    let of_others = Holder::User(UserId::from_bytes([2; 16]));
    for (found, expected) in [
        (grant(me(), wiki()), true),
        (grant(me(), Target::Group(group("tools"))), true),
        (grant(Holder::Group(group("family")), wiki()), true),
        (grant(Holder::Group(group("family")), Target::Group(group("tools"))), true),
        (grant(Holder::Address(mine()), wiki()), true),
        (grant(Holder::Everybody, wiki()), true),
        (Grant { expires_at: later, ..grant(me(), wiki()) }, true),
        (Grant { expires_at: Some(NOW), ..grant(me(), wiki()) }, false),
        (grant(of_others, wiki()), false),
        (grant(Holder::Group(group("friends")), wiki()), false),
        (grant(Holder::Address(Digest::new([4; 32])), wiki()), false),
        (grant(me(), Target::App("shop".parse().unwrap())), false),
        (grant(me(), Target::Group(group("wiki"))), false),
        (Grant { realm: staff.clone(), ..grant(me(), wiki()) }, false),
        (Grant { realm: staff, ..grant(Holder::Everybody, wiki()) }, false),
    ] {
        let access = ask(&user(UserStatus::Active), Role::User, &app("wiki"), true, &[found.clone()]);
        assert_eq!(access.is_some(), expected, "{found:?}");
        if let Some(access) = access {
            assert_eq!((access.scopes.to_string().as_str(), access.until), ("read:email", found.expires_at));
        }
    }
}

#[test]
fn administrators_hold_every_app_of_their_realm_unless_the_realm_says_no() {
    let staff = App { realm: "staff".parse().unwrap(), ..app("wiki") };
    let open = |mut app: App| {
        app.forward_auth.open = true;
        app
    };
    let off = |app: App| App { disabled: true, ..app };
    use UserStatus::{Active, Disabled, Erasing};
    for (status, role, app, admins, expected) in [
        (Active, Role::User, app("wiki"), true, None),
        (Active, Role::Admin, app("wiki"), true, Some(Because::Admin)),
        (Active, Role::Admin, app("wiki"), false, None),
        (Active, Role::Admin, staff.clone(), true, None),
        (Active, Role::User, open(app("wiki")), false, Some(Because::Open)),
        (Active, Role::User, open(staff), true, None),
        (Active, Role::Admin, off(app("wiki")), true, None),
        (Active, Role::User, off(open(app("wiki"))), true, None),
        (Disabled, Role::Admin, open(app("wiki")), true, None),
        (Erasing, Role::Admin, open(app("wiki")), true, None),
    ] {
        let access = ask(&user(status), role, &app, admins, &[]);
        let because = access.map(|access| {
            assert_eq!(access.scopes.to_string(), "read:name");
            access.because
        });
        assert_eq!(because, expected.map(|because| vec![because]), "{status:?} {role:?} {app:?} {admins}");
    }
}

#[test]
fn scopes_of_all_that_counts_come_together_and_the_first_end_counts() {
    let end = |seconds: i64| Some(Timestamp::from_millis(NOW.millis() + 1_000 * seconds));
    let grants = [
        Grant { expires_at: end(60), ..grant(me(), wiki()) },
        Grant {
            expires_at: end(30),
            scopes: Scopes::parse(["wiki.write"]).unwrap(),
            ..grant(Holder::Group(group("family")), wiki())
        },
        Grant { scopes: Scopes::parse(["never"]).unwrap(), expires_at: Some(NOW), ..grant(me(), wiki()) },
    ];
    let access = ask(&user(UserStatus::Active), Role::Admin, &app("wiki"), true, &grants).unwrap();
    assert_eq!(access.scopes.to_string(), "read:email read:name wiki.write");
    assert_eq!((access.because.len(), access.until), (3, end(30)));
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let holder = prop_oneof![
        (0_u8..3).prop_map(|id| Holder::User(UserId::from_bytes([id; 16]))),
        "(family|friends)".prop_map(|name| Holder::Group(group(&name))),
        (2_u8..5).prop_map(|byte| Holder::Address(Digest::new([byte; 32]))),
        Just(Holder::Everybody),
    ];
    let target = prop_oneof![
        "(wiki|shop)".prop_map(|name| Target::App(name.parse().unwrap())),
        "(tools|wiki)".prop_map(|name| Target::Group(group(&name))),
    ];
    (holder, target, "(default|staff)", "(read:email|read:name|a|b)", proptest::option::of(-2_i64..3))
        .prop_map(|(holder, target, realm, scope, end)| Grant {
            realm: realm.parse().unwrap(),
            scopes: Scopes::parse([scope]).unwrap(),
            expires_at: end.map(|end| Timestamp::from_millis(NOW.millis() + end)),
            ..grant(holder, target)
        })
}

proptest! {
    /// One more grant takes nothing away, their order does not matter, and taking all away leaves nothing.
    #[test]
    fn p37_grants_only_add(grants in prop::collection::vec(any_grant(), 0..8), extra in any_grant()) {
        let ask = |grants: &[Grant]| ask(&user(UserStatus::Active), Role::User, &app("wiki"), true, grants);
        let before = ask(&grants);
        let more: Vec<_> = grants.iter().cloned().chain([extra]).collect();
        let after = ask(&more);
        if let Some(before) = &before {
            let after = after.as_ref().unwrap();
            prop_assert!(before.scopes.iter().all(|scope| after.scopes.has(scope.as_str())));
        }
        let mut turned = grants.clone();
        turned.reverse();
        let scopes = |access: Option<Access>| access.map(|access| (access.scopes, access.until));
        prop_assert_eq!(scopes(before), scopes(ask(&turned)));
        prop_assert_eq!(ask(&[]), None);
    }
}
