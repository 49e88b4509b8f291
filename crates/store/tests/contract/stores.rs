//! Every case of the suite, as a named test for every engine.
//!
//! An engine is one line at the end and one function, which opens an empty database, hands a migrated store to the
//! case and cleans up after it.

use std::sync::Arc;

use countersign_store::{Store, engine::Engine, sqlite::Sqlite};

/// The cases, each a test that `$run` carries out.
macro_rules! cases {
    ($run:path: $($noun:ident { $($case:ident)* })*) => {$(
        mod $noun {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $run(concat!(stringify!($noun), "_", stringify!($case)), countersign_store::contract::$noun::$case)
                    .await;
            }
        )*}
    )*};
}

macro_rules! suite {
    ($engine:ident: $run:path) => {
        mod $engine {
            cases! { $run:
                administration {
                    realms_round_trip
                    an_empty_realm_is_removed_with_what_it_has
                    admin_keys_round_trip_and_end_once
                    invitations_are_found_replaced_and_swept
                    one_of_many_spends_an_invitation
                    open_invitations_of_a_realm_are_limited
                }
                api_key { keys_round_trip keys_are_unique_and_end_once }
                app { apps_round_trip }
                atomicity { a_conflict_at_the_end_leaves_nothing a_conflict_harms_no_other_commit }
                challenge {
                    every_state_round_trips
                    what_is_not_there_is_not_found
                    another_version_is_a_conflict
                    ids_and_links_are_unique
                    the_newest_tells_the_time
                    listed_challenges_are_those_that_exist
                }
                contact {
                    packed_columns_round_trip
                    every_app_has_contacts_of_its_own
                    contacts_are_read_together
                    another_version_is_a_conflict
                }
                corrupt {
                    impossible_rows_are_told_by_table_and_column
                    one_app_or_key_does_not_take_the_others_with_it
                }
                fact { facts_round_trip }
                idempotency { a_key_is_remembered_once }
                message {
                    messages_round_trip
                    a_lease_keeps_others_off_until_it_ends
                    later_and_done
                    release_after_a_restart
                    the_message_of_an_ended_challenge_goes
                    an_operator_hurries_and_forgets_messages
                }
                people {
                    p14_an_identifier_is_its_owner_s_to_change
                    one_of_many_has_a_username
                    links_that_take_back_are_found_until_they_are_over
                    metadata_is_kept_by_version
                    erasing_takes_links_and_metadata
                }
                quota { blocks_are_taken_up_to_the_limit the_limit_is_exact_under_parallel_takers }
                races {
                    p03_one_of_many_spends_wins
                    p04_parallel_failures_are_counted_exactly
                    one_of_many_first_writes_wins
                    claims_are_never_doubled
                }
                event {
                    events_are_found_by_what_they_tell
                    p40_an_event_that_nobody_wrote_down_is_refused
                    p40_checkpoints_cover_and_purge_their_own_events
                    p40_the_key_of_a_name_goes_with_its_user
                    deliveries_are_taken_once
                }
                revocation {
                    targets_round_trip
                    the_later_replaces_the_earlier
                    an_earlier_one_moves_nothing_back
                    every_change_of_access_is_news
                    the_latest_of_many_stays
                }
                schema { migrating_again_changes_nothing a_newer_schema_is_refused_and_untouched }
                session { both_kinds_round_trip a_trusted_device_is_no_session p30_a_registered_device_round_trips p34_one_of_many_rotations_wins p29_what_ended_stays_ended }
                sealing_key {
                    sealing_keys_change_with_their_facts
                    sealed_values_are_replaced_where_nobody_wrote
                    a_copy_goes_into_an_empty_database
                }
                signing_key {
                    keys_round_trip
                    a_generation_is_made_once
                    a_key_is_retired_early
                    a_copy_brings_no_signing_key_back
                    the_keys_of_a_realm_go_with_it
                }
                sweep { what_is_over_goes_and_the_rest_stays }
                user {
                    users_are_found_by_all_that_they_have
                    what_a_user_has_is_counted
                    another_version_is_a_conflict
                    p14_what_names_a_person_is_unique
                    one_of_many_registrations_wins
                    erasing_leaves_nothing
                }
                credential {
                    credentials_are_found_and_written_at_their_version
                    p19_a_lookup_belongs_to_one_credential
                    p21_one_of_many_uses_wins
                    a_sign_in_under_way_is_written_at_its_version
                    p16_a_question_is_answered_once
                    erasing_a_user_takes_the_credentials
                }
                grant {
                    grants_are_found_by_name_holder_and_target
                    a_grant_is_written_and_taken_at_its_version
                    one_of_many_gives_a_grant
                    a_grant_to_who_is_erased_is_a_conflict
                    a_removed_realm_takes_its_grants
                    as_many_as_may_be_asked_for_are_found
                }
                user_password {
                    a_password_is_replaced_at_its_version
                    one_of_many_changes_wins
                    erasing_a_user_takes_the_password
                    a_wish_is_kept_until_its_end
                }
            }
        }
    };
}

/// A migrated store on an empty database.
async fn migrated(engine: Arc<dyn Engine>) -> Store {
    let store = Store::new(engine);
    assert_eq!(store.version().await.unwrap().0, 0, "the database is empty");
    store.migrate().await.unwrap();
    store
}

async fn in_memory<F: Future<Output = ()>>(_name: &str, case: impl FnOnce(Store) -> F) {
    case(migrated(Arc::new(Sqlite::memory().unwrap())).await).await;
}

async fn in_file<F: Future<Output = ()>>(_name: &str, case: impl FnOnce(Store) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(migrated(Arc::new(Sqlite::open(&folder.path().join("store.db")).unwrap())).await).await;
}

async fn on_postgres<F: Future<Output = ()> + Send + 'static>(name: &str, case: impl FnOnce(Store) -> F) {
    let Some(database) = crate::network::POSTGRES.database(name).await else { return };
    let store = Store::new(database.engine().await);
    store.migrate().await.unwrap();
    database.finish(case(store)).await;
}

async fn on_mariadb<F: Future<Output = ()> + Send + 'static>(name: &str, case: impl FnOnce(Store) -> F) {
    let Some(database) = crate::network::MARIADB.database(name).await else { return };
    let store = Store::new(database.engine().await);
    store.migrate().await.unwrap();
    database.finish(case(store)).await;
}

suite! { sqlite_memory: super::super::in_memory }
suite! { sqlite_file: super::super::in_file }
suite! { postgres: super::super::on_postgres }
suite! { mariadb: super::super::on_mariadb }
