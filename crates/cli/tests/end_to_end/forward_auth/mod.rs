//! Services behind the proxies of other makers, opened by Countersign: one list of cases, the same for all of them.

mod assertion;
mod cases;
mod matrix;
mod world;

use crate::support::proxy::Maker;

#[test]
fn p37_p39_nginx_lets_in_whom_countersign_lets_in() {
    matrix::run(Maker::Nginx);
}

#[test]
fn p37_p39_caddy_lets_in_whom_countersign_lets_in() {
    matrix::run(Maker::Caddy);
}

#[test]
fn p37_p39_haproxy_lets_in_whom_countersign_lets_in() {
    matrix::run(Maker::Haproxy);
}

#[test]
fn p37_p39_apache_lets_in_whom_countersign_lets_in() {
    matrix::run(Maker::Apache);
}

#[test]
fn p37_p39_what_traefik_asks_by_its_documentation_is_answered_alike() {
    matrix::run(Maker::Traefik);
}

#[test]
fn p39_a_mistake_in_a_script_of_haproxy_or_apache_lets_nobody_in() {
    matrix::run_broken(Maker::Haproxy);
    matrix::run_broken(Maker::Apache);
}
