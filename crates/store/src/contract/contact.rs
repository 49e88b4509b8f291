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

/// Two contacts asked for at once are the two of their keys, and fresh where there are none; so is that of a challenge.
pub async fn contacts_are_read_together(store: Store) {
    let challenge = sample::challenge(1);
    let known = ContactKey { app: Some(challenge.app.clone()), digest: challenge.contact };
    let everywhere = ContactKey { app: None, digest: digest(2) };
    let elsewhere = ContactKey { app: Some(sample::app("shop")), digest: challenge.contact };
    let kept = |key: &ContactKey, row| Contact { failures_in_a_row: row, ..Contact::fresh(key.clone()) };
    save(&store, vec![Change::ChallengeStarted(challenge.clone()), Change::Contact(kept(&elsewhere, 7))])
        .await;
    let fresh = (challenge.clone(), Contact::fresh(known.clone()));
    assert_eq!(store.challenge_and_contact(challenge.id).await.unwrap(), Some(fresh));
    assert_eq!(store.challenge_and_contact(sample::challenge(2).id).await.unwrap(), None);
    for (row, written) in [(3, &everywhere), (5, &known)] {
        let before = store.contacts([known.clone(), everywhere.clone()]).await.unwrap();
        let is_written = |contact: &Contact| (contact.failures_in_a_row, contact.version);
        let first_written = if row == 3 { (0, 0) } else { (3, 1) };
        assert_eq!(before.each_ref().map(is_written), [(0, 0), first_written]);
        save(&store, vec![Change::Contact(kept(written, row))]).await;
    }
    let both = store.contacts([everywhere.clone(), known.clone()]).await.unwrap();
    let expected = [kept(&everywhere, 3), kept(&known, 5)].map(|contact| Contact { version: 1, ..contact });
    assert_eq!(both, expected);
    let [_, of_challenge] = expected;
    assert_eq!(store.challenge_and_contact(challenge.id).await.unwrap(), Some((challenge, of_challenge)));
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
