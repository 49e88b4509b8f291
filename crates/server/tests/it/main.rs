//! The server from outside: HTTP goes in; HTTP, mail and state come out. Time stands still until a test moves it, and
//! randomness is seeded.
//!
//! A property that touches the store is a test for each engine. PostgreSQL and MariaDB are the servers that
//! `COUNTERSIGN_TEST_POSTGRES` and `COUNTERSIGN_TEST_MARIADB` name; without the variable a test fails, unless
//! `COUNTERSIGN_TEST_SKIP` names the engine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something is not as it must be"
)]

#[expect(dead_code, reason = "shared with the tests of the store, which also end connections")]
#[path = "../../../store/tests/contract/network.rs"]
mod network;
mod support;

mod account_mails;
mod account_pages;
mod accounts;
mod admin;
mod admin_acts;
mod admin_bulk;
mod admin_import;
mod admin_keys;
mod admin_pages;
mod admin_users;
mod admin_words;
mod administrators;
mod app_passwords;
mod audiences;
mod backups;
mod browsers;
mod callers;
mod challenges;
mod declared_grants;
mod device_pages;
mod device_registrations;
mod devices;
mod endings;
mod enumeration;
mod envelope;
mod erasure;
mod event_exports;
mod event_privacy;
mod event_purges;
mod events;
mod exports;
mod factor_changes;
mod flow;
mod grants;
mod identifiers;
mod input;
mod invitations;
mod limits;
mod links;
mod mail;
mod memberships;
mod metadata;
mod metadata_import;
mod nameless_sign_ins;
mod new_devices;
mod notices;
mod outage;
mod passkey_proofs;
mod passkeys;
mod password_changes;
mod password_races;
mod passwords;
mod policies;
mod privacy;
mod realm_events;
mod realm_keys;
mod realms;
mod rotation;
mod second_factor_races;
mod second_factors;
mod sessions;
mod sign_in_attacks;
mod sign_in_factors;
mod sign_in_pages;
mod sign_ins;
mod subjects;
mod texts;
mod tickets;
mod tokens;
mod trusted_devices;
mod usernames;
mod verify;
mod verify_levels;
mod verify_openers;
mod verify_races;
mod verify_rules;
mod webhooks;
