//! Mail that does not leave delays codes; it stops nothing and loses nothing.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    free_port,
    person::MAIL,
    server::{Server, Setup},
    sink::{Mood, Sink},
    wait_for,
};

const PEOPLE: [&str; 4] = ["anna@example.net", "bela@example.net", "carl@example.net", "dora@example.net"];

fn start_all(server: &Server) {
    for address in PEOPLE {
        let begun = Instant::now();
        let started = server.client().start(address).unwrap();
        assert_eq!(started.status, 201, "{started:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "a start waited for mail: {:?}", begun.elapsed());
    }
}

fn mail_of(server: &Server) -> String {
    let ready = server.get("/readyz", &[]).unwrap();
    assert_eq!(ready.status, 200, "{ready:?}");
    ready.text("mail")
}

fn all_arrive(sink: &Sink, server: &Server) {
    for address in PEOPLE {
        let mail =
            sink.mail_to(address, Duration::from_secs(40)).unwrap_or_else(|| panic!("no mail to {address}"));
        let proof = server.client().verify(address, &mail.code()).unwrap();
        assert_eq!(proof.status, 200, "{proof:?}");
    }
    wait_for("nothing waits", MAIL, || {
        let ready = server.get("/readyz", &[]).ok()?.json();
        (ready["mail"] == "ok" && ready["messages_waiting"] == 0).then_some(())
    });
}

#[test]
fn p39_a_dead_mail_server_loses_nothing() {
    let port = free_port();
    let server = Setup::new(port).start();
    start_all(&server);
    wait_for("mail counts as failing", MAIL, || mail_of(&server).starts_with("failing").then_some(()));
    all_arrive(&Sink::start_on(port, Mood::Agreeable), &server);
}

#[test]
fn p39_a_mail_server_that_puts_off_loses_nothing() {
    let sink = Sink::start_on(free_port(), Mood::Later);
    let server = Setup::new(sink.port).start();
    start_all(&server);
    wait_for("mail counts as failing", MAIL, || mail_of(&server).starts_with("failing").then_some(()));
    assert!(sink.mails().is_empty());
    sink.become_of(Mood::Agreeable);
    all_arrive(&sink, &server);
}

#[test]
fn p39_a_mail_server_that_hangs_loses_nothing() {
    let sink = Sink::start_on(free_port(), Mood::Silent);
    let server = Setup::new(sink.port).start();
    start_all(&server);
    assert_eq!(server.get("/livez", &[]).unwrap().status, 200);
    sink.become_of(Mood::Agreeable);
    all_arrive(&sink, &server);
}

#[test]
fn a_recipient_refused_for_good_is_dropped() {
    let sink = Sink::start_on(free_port(), Mood::Never);
    let server = Setup::new(sink.port).start();
    assert_eq!(server.client().start("nobody@example.net").unwrap().status, 201);
    wait_for("the message is forgotten", MAIL, || {
        let metrics = server.get("/metrics", &[]).ok()?.body;
        let waiting = server.get("/readyz", &[]).ok()?.json()["messages_waiting"].as_i64()?;
        (waiting == 0 && metrics.lines().any(|line| line.contains("refused") && line.ends_with(" 1")))
            .then_some(())
    });
    sink.become_of(Mood::Agreeable);
    server.client().sign_in("somebody@example.net", &sink);
    assert!(sink.mails().iter().all(|mail| mail.to == "somebody@example.net"));
}

#[test]
fn an_ordinary_end_under_load_loses_nothing() {
    let sink = Sink::start_on(free_port(), Mood::Slow);
    let mut server = Setup::new(sink.port).start();
    let (client, started, over) = (server.client(), Mutex::new(Vec::new()), AtomicBool::new(false));
    let status = thread::scope(|scope| {
        for caller in 0..4 {
            let (client, started, over) = (&client, &started, &over);
            scope.spawn(move || {
                for number in 0.. {
                    let address = format!("person{caller}x{number}@example.net");
                    match client.start(&address) {
                        Ok(answer) if answer.status == 201 => started.lock().unwrap().push(address),
                        _ if over.load(Ordering::Relaxed) => return,
                        other => assert!(other.is_err_and(|_| true), "refused before the end"),
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        server.terminate()
    });
    assert!(status.success(), "{status}: {}", server.setup.log());
    sink.become_of(Mood::Agreeable);
    server.start_again();
    let started = started.lock().unwrap();
    assert!(started.len() > 4, "the load was no load");
    for address in started.iter() {
        assert!(sink.mail_to(address, MAIL).is_some(), "the mail to {address} was lost");
    }
}
