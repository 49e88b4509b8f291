//! Runs the contract suite against every engine.
//!
//! PostgreSQL and MariaDB are the servers that `COUNTERSIGN_TEST_POSTGRES` and `COUNTERSIGN_TEST_MARIADB` name, as an
//! administrator: every test makes a database of its own and drops it. Without the variable a test fails, unless
//! `COUNTERSIGN_TEST_SKIP` names the engine (`postgres`, `mariadb`; several with commas).

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod network;
mod sqlite;
mod stores;

/// One test for each promise that concerns one engine.
macro_rules! suite {
    ($server:expr, $($module:ident::$case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let Some(database) = $server.database(stringify!($case)).await else { return };
            let engine = database.engine().await;
            database.finish(countersign_store::contract::$module::$case(engine)).await;
        }
    )*};
}

/// One test for each promise that several nodes on one database keep together.
macro_rules! nodes {
    ($server:expr, $($case:ident: $count:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let Some(database) = $server.database(stringify!($case)).await else { return };
            let mut engines = Vec::new();
            for _ in 0..$count {
                engines.push(database.engine().await);
            }
            database.finish(countersign_store::contract::engine_races::$case(engines)).await;
        }
    )*};
}

macro_rules! network {
    ($($engine:ident: $server:expr;)*) => {$(
        mod $engine {
            suite! { $server,
                engine::values_come_back_as_they_were
                engine::counts_and_sums_are_integers
                engine::names_are_compared_byte_by_byte
                engine::writes_are_counted
                engine::an_unmet_expectation_undoes_everything
                engine::a_duplicate_key_is_a_conflict
                engine::a_refused_statement_leaves_nothing_and_tells_nothing
                engine::a_large_commit_is_one_commit
                engine::migrating_again_changes_nothing
                engine::an_interrupted_migration_is_completed
                engine::an_empty_database_has_version_zero
                engine::a_newer_database_is_refused
                engine::a_closed_engine_answers
                schema::the_first_release_is_brought_up_to_date
                signing_key::keys_from_before_realms_had_their_own_are_the_server_s
                engine_races::parallel_commits_all_succeed
                engine_races::one_of_many_racing_updates_wins
                engine_races::a_conflict_undoes_only_itself
                engine_races::a_reserved_read_waits_for_no_other
            }
            nodes! { $server,
                increments_of_many_nodes_add_up: 4
                one_of_many_nodes_migrates: 20
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn killed_connections_are_replaced() {
                let Some(database) = $server.database("killed").await else { return };
                let engine = database.engine().await;
                let killer = database.clone();
                let work = async move {
                    let kill = || killer.kill_connections();
                    countersign_store::contract::engine_races::killed_connections_are_replaced(engine, kill).await;
                };
                database.finish(work).await;
            }
        }
    )*};
}

network! {
    postgres: crate::network::POSTGRES;
    mariadb: crate::network::MARIADB;
}
