//! `kill -9` at any moment: what was acknowledged stays true. And a file that another program has open.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::{
    person::{Client, MAIL},
    server::Setup,
    sink::Sink,
    tools,
};

/// When the server dies in each round, after the load began.
const ROUNDS: [Duration; 4] = [
    Duration::from_millis(130),
    Duration::from_millis(390),
    Duration::from_millis(710),
    Duration::from_millis(1070),
];
const CALLERS: usize = 4;

/// What the server acknowledged.
#[derive(Default)]
struct Acknowledged {
    started: Mutex<Vec<String>>,
    spent: Mutex<Vec<(String, String)>>,
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

#[test]
fn p03_p29_what_was_acknowledged_survives_kill_9() {
    let sink = Sink::start();
    let mut server = Setup::new(sink.port).start();
    let client = server.client();
    let revoked = client.sign_in("revoked@example.net", &sink).text("access_token");
    let kept = client.sign_in("kept@example.net", &sink).text("access_token");
    let acknowledged = Acknowledged::default();
    for (round, moment) in ROUNDS.into_iter().enumerate() {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| load(&client, &sink, &acknowledged, &over));
            }
            thread::sleep(moment);
            if round == 0 {
                assert_eq!(client.revoke(&revoked).unwrap().status, 200);
            }
            server.kill();
            over.store(true, Ordering::Relaxed);
        });
        server.start_again();
        assert_eq!(client.token_status(&revoked), 401, "round {round}");
        assert_eq!(client.token_status(&kept), 200, "round {round}");
        check(&client, &sink, &acknowledged);
    }
    let spent = acknowledged.spent.lock().unwrap();
    assert!(spent.len() >= 2 * CALLERS, "the load was no load: {} proofs", spent.len());
    assert_eq!(spent.iter().collect::<HashSet<_>>().len(), spent.len(), "a code gave two proofs");
}

/// The file is opened for this process alone: whoever looks into it with another program is told apart from a fault.
#[test]
fn a_file_that_another_program_has_open_is_named_as_the_reason() {
    const LOOK: &str = "import sqlite3, sys\nopened = sqlite3.connect(sys.argv[1])\n\
                        opened.execute('SELECT COUNT(*) FROM fact').fetchall()\nprint('open', flush=True)\nsys.stdin.read()\n";
    let Some(python) = tools::python() else { return };
    let setup = Setup::new(9);
    setup.run(&["migrate"]);
    let mut looks = Command::new(python);
    looks.args(["-c", LOOK]).arg(setup.data().join("countersign.db"));
    let mut looks = looks.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(looks.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "open\n");
    let refused = setup.command(&["migrate"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("in use by another process"), "{said}");
    // Which ends when nobody speaks to it any more.
    drop(looks.stdin.take());
    looks.wait().unwrap();
    setup.run(&["migrate"]);
}

/// People sign in until the server dies.
fn load(client: &Client, sink: &Sink, acknowledged: &Acknowledged, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let address = format!("person{}@example.net", NEXT.fetch_add(1, Ordering::Relaxed));
        let Ok(started) = client.start(&address) else { return };
        assert_eq!(started.status, 201, "{started:?}");
        acknowledged.started.lock().unwrap().push(address.clone());
        let Some(mail) = sink.mail_to(&address, Duration::from_secs(1)) else { return };
        let Ok(answer) = client.verify_started(&started, &mail.code()) else { return };
        assert_eq!(answer.status, 200, "{answer:?}");
        acknowledged.spent.lock().unwrap().push((address, mail.code()));
    }
}

fn check(client: &Client, sink: &Sink, acknowledged: &Acknowledged) {
    for address in acknowledged.started.lock().unwrap().iter() {
        assert!(sink.mail_to(address, MAIL).is_some(), "the mail to {address} was lost");
    }
    for (address, code) in acknowledged.spent.lock().unwrap().iter() {
        let answer = client.verify(address, code).unwrap();
        assert_ne!(answer.status, 200, "the code of {address} was good twice");
        assert!(answer.status < 500, "{answer:?}");
    }
}
