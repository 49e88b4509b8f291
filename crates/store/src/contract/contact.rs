//! Contacts: the packed columns hold the largest that the rules can ask for, and every write counts up.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::Change,
    contact::{Contact, ContactKey, Failure, GUESSES_A_DAY, MOST_LIVE, MOST_SENDS},
    time::Timestamp,
};

use super::sample::{self, after, conflict, digest, save};
use crate::Store;

/// An unknown person is a fresh contact; a known one is read as written, empty or full.
pub async fn packed_columns_round_trip(store: Store) {
    let key = sample::contact(1).key;
    assert_eq!(store.contact(key.clone()).await.unwrap(), Contact::fresh(key.clone()));
    let mut contact = Contact::fresh(key.clone());
    save(&store, vec![Change::Contact(contact.clone())]).await;
    contact.version = 1;
    assert_eq!(store.contact(key.clone()).await.unwrap(), contact);

    contact.sends = (0..MOST_SENDS as i64).map(after).collect();
    contact.failures = (0..GUESSES_A_DAY)
        .map(|charge| Failure { at: after(i64::from(charge)), charge: u32::MAX - charge })
        .collect();
    contact.failures[0].at = Timestamp::from_millis(i64::MIN);
    contact.failures_in_a_row = u32::MAX;
    contact.live = (0..MOST_LIVE as u64).map(|seed| sample::challenge(seed).id).collect();
    contact.expires_at = Timestamp::from_millis(i64::MAX);
    save(&store, vec![Change::Contact(contact.clone())]).await;
    contact.version = 2;
    assert_eq!(store.contact(key).await.unwrap(), contact);
}

/// The same digest at two apps, and at all apps together, is three contacts.
pub async fn every_app_has_contacts_of_its_own(store: Store) {
    let apps = [None, Some(sample::app("forum")), Some(sample::app("shop"))];
    for (row, app) in (0..).zip(apps.clone()) {
        let key = ContactKey { app, digest: digest(1) };
        let contact = Contact { failures_in_a_row: row, ..Contact::fresh(key) };
        save(&store, vec![Change::Contact(contact)]).await;
    }
    for (row, app) in (0..).zip(apps) {
        let contact = store.contact(ContactKey { app, digest: digest(1) }).await.unwrap();
        assert_eq!((contact.failures_in_a_row, contact.version), (row, 1));
    }
}

/// A second first write, and a write on another version than the stored one, are conflicts.
pub async fn another_version_is_a_conflict(store: Store) {
    let contact = sample::contact(1);
    conflict(&store, vec![Change::Contact(Contact { version: 1, ..contact.clone() })]).await;
    save(&store, vec![Change::Contact(contact.clone())]).await;
    for version in [0, 2] {
        conflict(&store, vec![Change::Contact(Contact { version, ..contact.clone() })]).await;
    }
    assert_eq!(store.contact(contact.key.clone()).await.unwrap(), Contact { version: 1, ..contact });
}
