//! Spans as OTLP writes them in JSON (OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding"), with the names of the
//! semantic conventions. It sends nothing.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{Span, What};

const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const STATUS_ERROR: u8 = 2;

/// The body of `POST /v1/traces` for some spans of one service.
#[must_use]
pub fn encode(service: &str, spans: &[Span]) -> Vec<u8> {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": [
            text("service.name", service),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ] },
        "scopeSpans": [{ "scope": { "name": "countersign" }, "spans": spans }],
    }] });
    body.to_string().into_bytes()
}

fn span(span: &Span) -> Value {
    let (name, kind, attributes, failed) = described(&span.what);
    let mut json = json!({
        "traceId": HEXLOWER.encode(&span.trace.trace),
        "spanId": HEXLOWER.encode(&span.trace.span),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": nanoseconds(span.trace.start),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": attributes,
        "status": if failed { json!({ "code": STATUS_ERROR }) } else { json!({}) },
    });
    if let Some(parent) = &span.trace.parent {
        json["parentSpanId"] = Value::from(HEXLOWER.encode(parent));
    }
    json
}

/// Name, kind, attributes, and whether it failed by our fault.
fn described(what: &What) -> (String, u8, Vec<Value>, bool) {
    match what {
        What::Request { method, route, status, code } => {
            let name = format!("{method} {}", route.as_str()).trim_end().to_owned();
            let mut attributes = vec![
                text("http.request.method", method),
                number("http.response.status_code", i64::from(*status)),
            ];
            if !route.as_str().is_empty() {
                attributes.push(text("http.route", route.as_str()));
            }
            if !code.is_empty() {
                attributes.push(text("error.type", code));
            }
            (name, SERVER, attributes, *status >= 500)
        }
        What::Commit { outcome } => {
            let attributes = vec![text("countersign.outcome", outcome)];
            ("commit".to_owned(), INTERNAL, attributes, *outcome == "failed")
        }
        What::Delivery { outcome, attempts } => {
            let attributes = vec![
                text("countersign.outcome", outcome),
                number("countersign.attempts", i64::from(*attempts)),
            ];
            ("deliver mail".to_owned(), CLIENT, attributes, *outcome != "sent")
        }
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// 64-bit numbers are text in this encoding.
fn number(key: &str, value: i64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn nanoseconds(since_1970: Duration) -> String {
    since_1970.as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::telemetry::{Anchor, Route, Trace};

    fn sample(parent: Option<[u8; 8]>, what: What) -> Span {
        let start = Duration::from_nanos(1_700_000_000_000_000_001);
        let anchor = Anchor { since_1970: start, instant: Instant::now() };
        let trace = Trace { trace: [0xab; 16], span: [0xcd; 8], parent, start, anchor };
        Span { trace, end: start + Duration::from_micros(250), what }
    }

    #[test]
    fn a_span_is_written_as_the_protocol_wants_it() {
        let commit = sample(Some([0xef; 8]), What::Commit { outcome: "failed" });
        let body: Value = serde_json::from_slice(&encode("sign-in", &[commit])).unwrap();
        let expected = json!({ "resourceSpans": [{
            "resource": { "attributes": [
                { "key": "service.name", "value": { "stringValue": "sign-in" } },
                { "key": "service.version", "value": { "stringValue": env!("CARGO_PKG_VERSION") } },
            ] },
            "scopeSpans": [{ "scope": { "name": "countersign" }, "spans": [{
                "traceId": "abababababababababababababababab",
                "spanId": "cdcdcdcdcdcdcdcd",
                "parentSpanId": "efefefefefefefef",
                "name": "commit",
                "kind": 1,
                "startTimeUnixNano": "1700000000000000001",
                "endTimeUnixNano": "1700000000000250001",
                "attributes": [{ "key": "countersign.outcome", "value": { "stringValue": "failed" } }],
                "status": { "code": 2 },
            }] }],
        }] });
        assert_eq!(body, expected);
    }

    #[test]
    fn only_our_own_faults_are_errors() {
        let request = |status| What::Request { method: "GET", route: Route::Unknown, status, code: "" };
        let delivery = |outcome| What::Delivery { outcome, attempts: 2 };
        let cases = [
            (request(200), "GET", false),
            (request(404), "GET", false),
            (request(503), "GET", true),
            (What::Commit { outcome: "committed" }, "commit", false),
            (What::Commit { outcome: "conflict" }, "commit", false),
            (delivery("sent"), "deliver mail", false),
            (delivery("later"), "deliver mail", true),
        ];
        for (what, name, failed) in cases {
            let written = span(&sample(None, what.clone()));
            assert_eq!(written["name"], name);
            assert_eq!(written["status"] == json!({ "code": STATUS_ERROR }), failed, "{what:?}");
            assert!(written.get("parentSpanId").is_none());
        }
    }
}
