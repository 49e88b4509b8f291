//! `GET /verify/{app}` beside bare hyper: the question that a proxy asks for every request.

use super::{
    process::Process,
    report::Report,
    settings::Settings,
    spin,
    tokens::{self, Asked, Hello},
    world::Server,
};

const COUNTERS: [&str; 2] = ["countersign_verify_cache_hits_total", "countersign_verify_checks_total"];

/// Longer than an assertion is told.
const WARM: std::time::Duration = std::time::Duration::from_secs(40);

const fn asked(shown: &str) -> Asked<'_> {
    Asked { shown, counters: COUNTERS, counts_all: true, rate: 0.80, tail: 1.5 }
}

/// Measures access tokens that this server has not seen, and then has.
///
/// # Errors
/// When a request is not answered 200, or a damaged one is.
pub(crate) fn tokens(
    settings: &Settings,
    (hello, server): (&Hello, &Server),
    tokens: &[String],
    report: &mut Report,
    verify: &dyn Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<()> {
    report.part("A proxy's question with an access token, GET /verify/bench, 16 connections");
    let requests: Vec<_> =
        tokens.iter().map(|token| request(&format!("authorization: Bearer {token}"))).collect();
    let at = (&server.process, server.verify);
    tokens::never_seen(settings, (hello, at), &requests, report, verify)?;
    seen(settings, (hello, server), ("token", &requests), report)
}

/// Measures the cookies that these requests for `/v1/session` carry.
///
/// # Errors
/// As [`tokens`].
pub(crate) fn cookies(
    settings: &Settings,
    (hello, server): (&Hello, &Server),
    requests: &[String],
    report: &mut Report,
) -> anyhow::Result<()> {
    report.part("A proxy's question with a session's cookie, GET /verify/bench, 16 connections");
    let cookie =
        |request: &String| request.lines().find(|line| line.starts_with("cookie")).map(self::request);
    let requests: Vec<_> = requests.iter().filter_map(cookie).collect();
    tokens::once_each((&server.process, server.verify), &requests)?;
    seen(settings, (hello, server), ("cookie", &requests), report)
}

fn seen(
    settings: &Settings,
    (hello, server): (&Hello, &Server),
    (shown, requests): (&str, &[String]),
    report: &mut Report,
) -> anyhow::Result<()> {
    let (asked, at) = (asked(shown), (&server.process, server.verify));
    // Until assertions are of every age, as they are where somebody asks all day: one is told again for 30 seconds.
    tokens::drawn_load(at, requests, 5, WARM)?;
    let most = tokens::seen_before(settings, (hello, server, at), (&asked, requests), report)?;
    tokens::half_load(settings, (hello, at), (&asked, requests), report, most / 2.0)?;
    refuse_damaged(at, &requests[0])
}

/// A question with this header.
pub(crate) fn request(header: &str) -> String {
    format!("GET /verify/bench HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n")
}

/// What was changed by a letter must be refused.
fn refuse_damaged((_, port): (&Process, u16), request: &str) -> anyhow::Result<()> {
    let end = request.len() - "\r\n\r\n".len();
    let place = end - 5;
    let other = if request.as_bytes()[place] == b'a' { "b" } else { "a" };
    let damaged = format!("{}{other}{}", &request[..place], &request[place + 1..]);
    for (request, expected) in [(request, (1, 0)), (&*damaged, (0, 1))] {
        let mut once = Some(request.as_bytes());
        let load = spin::load(port, &mut || once.take(), std::time::Duration::from_secs(1), None)?;
        anyhow::ensure!(
            (load.good, load.bad) == expected,
            "what is damaged must be refused, what is good not"
        );
    }
    Ok(())
}
