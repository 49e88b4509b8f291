//! Identifiers come and go, and the person is never locked out.

use proptest::prelude::*;

use super::*;
use crate::{realm::RealmName, secret::Digest, time::Span, user::UserStatus};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn account(addresses: u8) -> Account {
    let user = User {
        id: UserId::from_bytes([1; 16]),
        realm: RealmName::default(),
        status: UserStatus::Active,
        sealed_profile: None,
        created_at: START,
        signed_in_at: START,
        version: 1,
    };
    let identifiers = (0..addresses).map(|number| address(number, START)).collect();
    Account { user, identifiers }
}

fn address(number: u8, created_at: Timestamp) -> UserIdentifier {
    UserIdentifier {
        realm: RealmName::default(),
        kind: IdentifierKind::Email,
        digest: Digest::new([number; 32]),
        user: UserId::from_bytes([1; 16]),
        sealed: Vec::new(),
        primary: number == 0,
        verified_at: Some(created_at),
        created_at,
    }
}

fn undo(created_at: Timestamp) -> Undo {
    Undo {
        link: Digest::new([9; 32]),
        user: UserId::from_bytes([1; 16]),
        kind: UndoKind::Address,
        sealed: None,
        created_at,
        expires_at: created_at + ADDRESS_UNDO,
    }
}

/// Carries changes out, as a store does.
fn apply(account: &mut Account, outcome: Outcome) -> Result<(), Refusal> {
    for change in outcome.changes.0 {
        match change {
            Change::IdentifierAdded(new) => account.identifiers.push(new),
            Change::IdentifierRemoved(gone) => {
                let before = account.identifiers.len();
                account.identifiers.retain(|known| known.digest != gone.digest);
                assert_eq!(before, account.identifiers.len() + 1, "what is removed was there");
            }
            Change::IdentifierChanged(changed) => {
                let known = account.identifiers.iter_mut().find(|known| known.digest == changed.digest);
                *known.expect("what is changed is there") = changed;
            }
            Change::User(user) => account.user = user,
            _ => {}
        }
    }
    outcome.outcome
}

#[test]
fn somebody_else_s_and_one_too_many_are_refused() {
    let known = account(20);
    let other = Some(UserId::from_bytes([2; 16]));
    for (account, owner, expected) in [
        (&known, None, Err(Refusal::TooManyIdentifiers)),
        (&known, other, Err(Refusal::IdentifierTaken)),
        (&known, Some(known.user.id), Ok(())),
        (&account(19), None, Ok(())),
    ] {
        assert_eq!(add(account, address(99, START), owner).outcome, expected);
    }
    assert_eq!(rename(&account(1), None, other).outcome, Err(Refusal::IdentifierTaken));
}

#[test]
fn what_came_with_a_thief_goes_when_an_address_is_brought_back() {
    let day = Span::DAY;
    let theft = START + Span::from_hours(24 * 100);
    let mut account = account(2);
    // Added some days before the old one was removed, at that moment, and after it.
    for (number, at) in [(7, theft - day), (8, theft), (9, theft + day)] {
        let outcome = add(&account, address(number, at), None);
        apply(&mut account, outcome).unwrap();
    }
    let old = account.identifiers[0].clone();
    assert!(account.may_come_back(&old, theft));
    assert!(!account.may_come_back(&account.identifiers[2], theft), "the thief gets no such link");
    let outcome = remove(&account, &old, Some(undo(theft)));
    apply(&mut account, outcome).unwrap();
    account.user.status = UserStatus::Erasing;
    let restored = address(0, theft + day + day);
    let outcome = bring_back(&account, &undo(theft), restored, None, (&[], theft + day + day));
    apply(&mut account, outcome).unwrap();
    let mut left: Vec<_> =
        account.identifiers.iter().map(|known| (known.digest.bytes()[0], known.primary)).collect();
    left.sort_unstable();
    assert_eq!(left, [(0, true), (1, false)]);
    assert_eq!(account.user.status, UserStatus::Active);
    let other = Some(UserId::from_bytes([2; 16]));
    let taken = bring_back(&account, &undo(theft), address(5, theft), other, (&[], theft));
    assert_eq!(taken.outcome, Err(Refusal::IdentifierTaken));
}

proptest! {
    #[test]
    fn p20_no_order_of_changes_takes_the_last_way_in_or_the_primary_address(
        steps in prop::collection::vec((0_u8..3, 0_u8..6), 1..40)
    ) {
        let mut account = account(1);
        for (minute, (step, number)) in (1..).zip(steps) {
            let now = START + Span::from_minutes(minute);
            let chosen = account.identifiers.get(usize::from(number) % account.identifiers.len()).cloned();
            let outcome = match (step, chosen) {
                (1, Some(chosen)) => remove(&account, &chosen, None),
                (2, Some(chosen)) => make_primary(&account, &chosen),
                _ => {
                    let owner = account.identifiers.iter().any(|known| known.digest == Digest::new([number; 32]));
                    add(&account, address(number, now), owner.then_some(account.user.id))
                }
            };
            let _ = apply(&mut account, outcome);
            prop_assert!(account.identifiers.iter().any(UserIdentifier::is_way_in));
            prop_assert_eq!(account.identifiers.iter().filter(|known| known.primary).count(), 1);
        }
    }
}
