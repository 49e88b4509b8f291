//! What is in the log and in the database: no secret and no address, at the most talkative level.

use std::fs;

use crate::support::{
    http::{self, Request},
    person::MAIL,
    server::Setup,
    sink::Sink,
};

#[test]
fn p40_no_secret_and_no_address_is_in_log_or_database() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.log_level = "trace";
    // Ten letters and digits never turn up by chance; six digits would, in times.
    setup.app = "code_alphabet = 'unambiguous'\ncode_length = 10\naddress_claim = true\n".to_owned();
    let server = setup.start();
    let client = server.client();
    let (address, other) = ("jane.private@hidden.example.net", "joe.secret@hidden.example.net");
    let started = client.start(address).unwrap();
    let mail = sink.mail_to(address, MAIL).unwrap();
    client.verify(address, "2222222222").unwrap();
    let signed_in = client.verify_started(&started, &mail.code()).unwrap();
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let token = signed_in.text("access_token");
    assert_eq!(client.token_status(&token), 200);

    let waiting = client.start(other).unwrap();
    let other_mail = sink.mail_to(other, MAIL).unwrap();
    server.get(&other_mail.link(), &[("User-Agent", "Mozilla/5.0 Firefox/140.0")]).unwrap();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let request = Request { method: "POST", path: &other_mail.link(), headers: &headers };
    http::ask(server.setup.port, request, &format!("number={}", waiting.text("confirmation_number")))
        .unwrap();
    let redeemed = client.redeem(&waiting).unwrap();
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    assert_eq!(client.revoke(&token).unwrap().status, 200);
    assert_eq!(client.start("pending.person@hidden.example.net").unwrap().status, 201);

    let link = |mail: &crate::support::sink::Mail| mail.link().trim_start_matches("/link/").to_owned();
    let secrets = [
        "hidden.example".to_owned(),
        "jane.private".to_owned(),
        "joe.secret".to_owned(),
        "pending.person".to_owned(),
        mail.code(),
        other_mail.code(),
        link(&mail),
        link(&other_mail),
        started.text("binding"),
        waiting.text("binding"),
        token,
        redeemed.text("access_token"),
        server.setup.secret.clone(),
        server.setup.root.clone(),
    ];
    let log = server.setup.log();
    assert!(log.contains("answered"), "the log is not talkative: {log}");
    search("the log", log.as_bytes(), &secrets);
    let mut files = 0;
    for entry in fs::read_dir(server.setup.data()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        search(&entry.path().display().to_string(), &fs::read(entry.path()).unwrap(), &secrets);
        files += 1;
    }
    assert!(files >= 2, "neither database nor its log was looked at");
}

fn search(place: &str, content: &[u8], secrets: &[String]) {
    for secret in secrets {
        assert!(secret.len() >= 9, "too short to be searched for: {secret}");
        let found =
            content.windows(secret.len()).position(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
        if let Some(at) = found {
            let around = &content[at.saturating_sub(200)..(at + secret.len() + 50).min(content.len())];
            panic!("{place} holds {secret}: {}", String::from_utf8_lossy(around));
        }
    }
}
