//! The power goes: what is left on a disk that keeps only what was synced still holds everything that was acknowledged.
//!
//! The real binary runs under strace. Its files are rebuilt as they would stand at every sync, with nothing or a random
//! part of what was not synced, and opened with the real store; some of them with the real binary.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use countersign_domain::{
    challenge::State,
    id::{ChallengeId, MessageId, TokenId},
    time::Timestamp,
    token::RevocationTarget,
};
use countersign_store::{
    Store,
    engine::{Engine as _, Statement, Value},
    sqlite::Sqlite,
};

use crate::support::{
    disk::{Disk, Unsynced},
    http::Answer,
    person::{Client, MAIL},
    server::{Server, Setup},
    sink::{Mood, Sink},
    trace::{self, Event},
};

const CALLERS: usize = 4;
/// People of one caller in one life of the server.
const PEOPLE: usize = 30;
/// Every so many syncs, an image with a random part of what was not synced is looked at beside the one with nothing.
const RANDOM_EVERY: usize = 3;
/// Images that the real binary is started on.
const STARTS: usize = 5;

/// What an answer promised.
#[derive(Clone, Debug)]
enum Promise {
    /// A challenge, and a mail to this address.
    Started(ChallengeId, String),
    /// A code is spent: whose, which.
    Spent(ChallengeId, String, String),
    /// A token is taken back.
    Revoked(TokenId, String),
    /// A token was given and not taken back.
    Given(String),
}

/// Promises by the id of the request that was answered.
type Promises = Mutex<Vec<(String, Promise)>>;

/// What happened, with the places in it where answers began to leave and mails were handed over.
struct History {
    setup: Setup,
    events: Vec<Event>,
    promises: Vec<(usize, Promise)>,
    mailed: HashMap<String, usize>,
}

#[test]
fn p03_p29_what_was_acknowledged_survives_power_loss() {
    let sink = Sink::start();
    let Some(history) = history(&sink) else { return };
    sink.become_of(Mood::Agreeable);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut disk, mut syncs) = (Disk::default(), 0_u64);
    let all = history.syncs("").max(STARTS) as u64;
    for (place, event) in history.events.iter().enumerate() {
        // Just before a sync comes back is the worst moment since the last one.
        if matches!(event, Event::Synced(_)) {
            runtime.block_on(look(&history, &disk, place, Unsynced::Gone));
            if syncs.is_multiple_of(RANDOM_EVERY as u64) {
                let random =
                    if syncs.is_multiple_of(2) { Unsynced::Any(syncs) } else { Unsynced::UpTo(syncs) };
                runtime.block_on(look(&history, &disk, place, random));
            }
            if syncs % (all / STARTS as u64) == 4 {
                start_on(&history, (&disk, Unsynced::Gone), place, &sink);
            }
            syncs += 1;
        }
        disk.note(event);
    }
    let end = history.events.len();
    runtime.block_on(look(&history, &disk, end, Unsynced::Gone));
    start_on(&history, (&disk, Unsynced::UpTo(all)), end, &sink);
    let checkpoints = history.syncs("countersign.db");
    assert!(checkpoints >= 2, "the journal was never moved into the database: {checkpoints} times");
}

/// Three lives of a server under load: one ended in order, one killed, and one whose mails do not leave.
fn history(sink: &Sink) -> Option<History> {
    let mut setup = Setup::new(sink.port);
    // The server makes its own root key: that must be there too.
    setup.root = String::new();
    let file = setup.folder.path().join("trace");
    setup.under = trace::tracer(&file)?;
    let promises = Promises::default();
    let mut server = setup.start();
    load(&server, sink, &promises, "first");
    assert!(server.terminate().success());
    trace::complete(&file, server.process());
    server.start_again();
    load(&server, sink, &promises, "second");
    server.kill();
    trace::complete(&file, server.process());
    server.start_again();
    sink.become_of(Mood::Later);
    for person in 0..CALLERS {
        start(&server.client(), &format!("waiting{person}@example.net"), &promises);
    }
    server.kill();
    trace::complete(&file, server.process());
    let setup = Setup { under: Vec::new(), ..server.setup.clone() };
    let text = fs::read_to_string(&file).unwrap();
    let events = trace::read(&text, &setup.data());
    Some(History::new(setup, events, promises.into_inner().unwrap()))
}

/// People sign in; every third takes the token back.
fn load(server: &Server, sink: &Sink, promises: &Promises, life: &str) {
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                for person in 0..PEOPLE {
                    sign_in(
                        server,
                        sink,
                        promises,
                        (&format!("{life}{caller}x{person}@example.net"), person % 3 == 0),
                    );
                }
            });
        }
    });
}

fn start(client: &Client, address: &str, promises: &Promises) -> Answer {
    let started = client.start(address).unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    note(promises, &started, Promise::Started(challenge(&started), address.to_owned()));
    started
}

fn sign_in(server: &Server, sink: &Sink, promises: &Promises, (address, revokes): (&str, bool)) {
    let client = server.client();
    let started = start(&client, address, promises);
    let code = sink.mail_to(address, MAIL).unwrap().code();
    let answer = client.verify_started(&started, &code).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    note(promises, &answer, Promise::Spent(challenge(&started), address.to_owned(), code));
    let token = answer.text("access_token");
    if revokes {
        let authorization = format!("Bearer {token}");
        let checked = server.get("/v1/token?audience=shop", &[("Authorization", &authorization)]).unwrap();
        let revoked = client.revoke(&token).unwrap();
        assert_eq!(revoked.status, 200, "{revoked:?}");
        note(promises, &revoked, Promise::Revoked(checked.text("jti").parse().unwrap(), token));
    } else {
        note(promises, &answer, Promise::Given(token));
    }
}

fn challenge(started: &Answer) -> ChallengeId {
    started.text("id").parse().unwrap()
}

fn note(promises: &Promises, answer: &Answer, promise: Promise) {
    let request = request_id(&answer.head).unwrap_or_else(|| panic!("no request id in {answer:?}"));
    promises.lock().unwrap().push((request.to_owned(), promise));
}

fn request_id(head: &str) -> Option<&str> {
    head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).map(str::trim)
}

impl History {
    fn new(setup: Setup, events: Vec<Event>, promises: Vec<(String, Promise)>) -> Self {
        let (mut answered, mut mailed) = (HashMap::new(), HashMap::new());
        for (place, event) in events.iter().enumerate() {
            let Event::Sent(bytes) = event else { continue };
            let text = String::from_utf8_lossy(bytes);
            if text.starts_with("HTTP/1.1 ") {
                if let Some(request) = request_id(&text) {
                    answered.insert(request.to_owned(), place);
                }
            } else if let Some((_, to)) = text.split_once("\r\nTo: ") {
                let to = to.lines().next().unwrap_or_default().trim_matches(['<', '>']);
                mailed.entry(to.to_owned()).or_insert(place);
            }
        }
        let place = |request| *answered.get(&request).expect("every answer is in the trace");
        let mut promises: Vec<_> =
            promises.into_iter().map(|(request, promise)| (place(request), promise)).collect();
        promises.sort_by_key(|(place, _)| *place);
        Self { setup, events, promises, mailed }
    }

    /// How often a file of this name was synced; any file for an empty name.
    fn syncs(&self, name: &str) -> usize {
        let of = |path: &Path| name.is_empty() || path.ends_with(name);
        self.events.iter().filter(|event| matches!(event, Event::Synced(path) if of(path))).count()
    }

    /// What had been promised at a place.
    fn until(&self, place: usize) -> impl Iterator<Item = &Promise> {
        self.promises.iter().take_while(move |(begun, _)| *begun < place).map(|(_, promise)| promise)
    }

    fn was_mailed(&self, address: &str, place: usize) -> bool {
        self.mailed.get(address).is_some_and(|begun| *begun < place)
    }
}

/// Opens what is left with the real store.
async fn look(history: &History, disk: &Disk, place: usize, unsynced: Unsynced) {
    let folder = tempfile::tempdir().unwrap();
    disk.lay_out(history.setup.folder.path(), folder.path(), unsynced);
    let file = folder.path().join("data/countersign.db");
    let at = || format!("{unsynced:?} at {place}, before {:?}", history.events.get(place).map(short));
    if !file.exists() {
        assert_eq!(history.until(place).count(), 0, "there is no database left: {}", at());
        return;
    }
    let engine = Arc::new(Sqlite::open(&file).unwrap_or_else(|error| panic!("{error}: {}", at())));
    let check = Statement { sql: "PRAGMA integrity_check", parameters: Vec::new() };
    let found = engine.query(check).await.unwrap_or_else(|error| panic!("{error}: {}", at()));
    assert_eq!(found, [[Value::Text("ok".to_owned())]], "{}", at());
    let store = Store::new(engine);
    store.migrate().await.unwrap_or_else(|error| panic!("{error}: {}", at()));
    let broken = broken(history, &store, place).await;
    assert!(broken.is_empty(), "{} promises are broken by {}: {:?}", broken.len(), at(), broken[0]);
}

/// An event without its content.
fn short(event: &Event) -> String {
    match event {
        Event::Synced(path) => format!("the sync of {}", path.display()),
        other => format!("{other:?}").chars().take(100).collect(),
    }
}

async fn broken<'a>(history: &'a History, store: &Store, place: usize) -> Vec<&'a Promise> {
    let revocations = store.revocations(Timestamp::from_millis(0)).await.unwrap();
    let revoked: HashSet<_> = revocations.into_iter().map(|revocation| revocation.target).collect();
    let waiting: HashSet<_> =
        store.messages(10_000).await.unwrap().into_iter().map(|message| message.id).collect();
    let mut broken = Vec::new();
    for promise in history.until(place) {
        let holds = match promise {
            Promise::Started(challenge, address) => {
                store.challenge(*challenge).await.unwrap().is_some()
                    && (waiting.contains(&MessageId::of(*challenge)) || history.was_mailed(address, place))
            }
            Promise::Spent(challenge, ..) => {
                store.challenge(*challenge).await.unwrap().is_some_and(|found| found.state == State::Spent)
            }
            Promise::Revoked(id, _) => revoked.contains(&RevocationTarget::Token(*id)),
            Promise::Given(_) => true,
        };
        if !holds {
            broken.push(promise);
        }
    }
    broken
}

/// Starts the real binary on what is left, and asks it.
fn start_on(history: &History, (disk, unsynced): (&Disk, Unsynced), place: usize, sink: &Sink) {
    let setup = history.setup.second();
    disk.lay_out(history.setup.folder.path(), setup.folder.path(), unsynced);
    let server = setup.start();
    let client = server.client();
    for promise in history.until(place) {
        match promise {
            Promise::Started(_, address) => {
                assert!(sink.mail_to(address, MAIL).is_some(), "the mail to {address} was lost at {place}");
            }
            Promise::Spent(_, address, code) => {
                let again = client.verify(address, code).unwrap();
                assert_eq!(again.status, 410, "the code of {address} at {place}: {again:?}");
            }
            Promise::Revoked(_, token) => assert_eq!(client.token_status(token), 401, "revoked, at {place}"),
            Promise::Given(token) => assert_eq!(client.token_status(token), 200, "given, at {place}"),
        }
    }
}
