//! Traces as a collector gets them: what happened and how long it took, and nothing about a person.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    collector::Collector,
    http::{self, Request},
    person::MAIL,
    server::{PROGRAM, Server, Setup},
    sink::Sink,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn traced(sink: &Sink, collector: &Collector, more: &str) -> Server {
    let mut setup = Setup::new(sink.port);
    setup.app = "code_alphabet = 'unambiguous'\ncode_length = 10\naddress_claim = true\n".to_owned();
    setup.more = format!("{}{more}", collector.settings());
    setup.start()
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

fn attribute(span: &Value, key: &str) -> String {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    let found = found.unwrap_or_else(|| panic!("no {key} in {span}"));
    let value = &found["value"];
    value["stringValue"].as_str().or(value["intValue"].as_str()).unwrap().to_owned()
}

fn nanoseconds(span: &Value, key: &str) -> u128 {
    span[key].as_str().unwrap().parse().unwrap()
}

#[test]
fn p40_traces_tell_what_happened_and_nothing_about_a_person() {
    let (sink, collector) = (Sink::start(), Collector::start());
    let mut server = traced(&sink, &collector, "");
    let client = server.client();
    let address = "jane.private@hidden.example.net";
    let started = client.start(address).unwrap();
    let mail = sink.mail_to(address, MAIL).unwrap();
    client.verify(address, "2222222222").unwrap();
    let token = client.verify_started(&started, &mail.code()).unwrap().text("access_token");
    assert_eq!(client.token_status(&token), 200);
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let headers = [("User-Agent", "Mozilla/5.0 Secret/1.0"), ("traceparent", parent.as_str())];
    server.get(&mail.link(), &headers).unwrap();
    server.get(&format!("/v1/challenges/{address}?email={address}"), &headers).unwrap();
    http::ask(server.setup.port, Request { method: "JANE.PRIVATE", path: "/nowhere", headers: &headers }, "")
        .unwrap();
    assert!(server.terminate().success());

    let (text, spans) = (collector.text().to_ascii_lowercase(), collector.spans());
    let link = mail.link().trim_start_matches("/link/").to_owned();
    let secrets = [
        "hidden.example",
        "jane",
        "secret/1.0",
        "127.0.0.1",
        "/nowhere",
        TRACE,
        SPAN,
        &link,
        &mail.code(),
        &token,
        &started.text("binding"),
        &started.text("id"),
        &server.setup.secret,
        &server.setup.root,
    ];
    for secret in secrets {
        assert!(!text.contains(&secret.to_ascii_lowercase()), "a trace holds {secret}");
    }
    let [start] = named(&spans, "POST /v1/challenges")[..] else { panic!("{spans:#?}") };
    assert_eq!(attribute(start, "http.route"), "/v1/challenges");
    assert_eq!(attribute(start, "http.response.status_code"), "201");
    for (name, outcome) in [("commit", "committed"), ("deliver mail", "sent")] {
        let is_child = |span: &&&Value| span["parentSpanId"] == start["spanId"];
        let children: Vec<_> = named(&spans, name).into_iter().filter(|span| is_child(&span)).collect();
        let [child] = children[..] else { panic!("{name}: {spans:#?}") };
        assert_eq!(child["traceId"], start["traceId"]);
        assert_eq!(attribute(child, "countersign.outcome"), outcome);
        assert!(nanoseconds(child, "startTimeUnixNano") >= nanoseconds(start, "startTimeUnixNano"));
        assert!(nanoseconds(child, "endTimeUnixNano") > nanoseconds(child, "startTimeUnixNano"));
    }
    assert_eq!(named(&spans, "GET /v1/token").len(), 1);
    assert_eq!(attribute(named(&spans, "GET /link/{token}")[0], "http.response.status_code"), "200");
    assert_eq!(attribute(named(&spans, "POST /v1/verify")[0], "error.type"), "invalid_code");
    assert_eq!(named(&spans, "_OTHER").len(), 1, "{spans:#?}");
}

#[test]
fn a_callers_trace_is_continued_only_where_that_is_configured() {
    let (sink, collector) = (Sink::start(), Collector::start());
    let mut server = traced(&sink, &collector, "continue_traces = true\n");
    for (path, flags) in [("/livez", "01"), ("/readyz", "00")] {
        let parent = format!("00-{TRACE}-{SPAN}-{flags}");
        server.get(path, &[("traceparent", &parent)]).unwrap();
    }
    assert!(server.terminate().success());
    let spans = collector.spans();
    let continued: Vec<&Value> = spans.iter().filter(|span| span["traceId"] == TRACE).collect();
    let [span] = continued[..] else { panic!("{spans:#?}") };
    assert_eq!((span["name"].as_str(), span["parentSpanId"].as_str()), (Some("GET /livez"), Some(SPAN)));
}

#[test]
fn a_silent_collector_delays_nobody_and_what_is_lost_is_counted() {
    let (sink, collector) = (Sink::start(), Collector::silent());
    let mut server = traced(&sink, &collector, "");
    let begun = Instant::now();
    for _ in 0..5000 {
        server.get("/v1/token", &[]).unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let metrics = server.get("/metrics", &[]).unwrap().body;
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("countersign_spans_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 0, "{metrics}");
    let stopping = Instant::now();
    assert!(server.terminate().success());
    assert!(stopping.elapsed() < Duration::from_secs(10), "{:?}", stopping.elapsed());
}

#[test]
fn check_config_says_where_traces_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    let cases = [
        ("endpoint = 'http://localhost:4318'", ""),
        ("endpoint = 'http://[::1]:4318'", ""),
        ("endpoint = 'https://otel.example.org/otlp/'", ""),
        ("endpoint = 'http://otel.example.org:4318'\nallow_http = true", ""),
        ("endpoint = 'http://otel.example.org:4318'", "telemetry.allow_http"),
        ("endpoint = 'http://localhost.example.org'", "telemetry.allow_http"),
        ("endpoint = 'otel:4318'", "telemetry.endpoint"),
        ("endpoint = 'ftp://localhost'", "telemetry.endpoint"),
        ("endpoint = 'https://user:secret@otel.example.org'", "telemetry.endpoint"),
        ("endpoint = 'https://otel.example.org/?key=secret'", "telemetry.endpoint"),
        ("sample_one_in = 0", "telemetry.sample_one_in"),
        ("ca_file = '/nowhere.pem'", "telemetry.ca_file"),
        ("service_name = ''", "telemetry.service_name"),
    ];
    for (lines, expected) in cases {
        let config = format!("[mail]\ntransport = 'sendmail'\nsendmail = '/bin/sh'\n[telemetry]\n{lines}\n");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(PROGRAM);
        let output = command.arg("--config").arg(&file).arg("check-config").env_clear().output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), expected.is_empty(), "{lines}: {said}");
        assert!(said.contains(expected) && !said.contains("secret"), "{lines}: {said}");
    }
}
