//! Which requests are traced, and that a span never waits.

use super::*;
use crate::system::{SystemClock, SystemEntropy};

fn telemetry(settings: &TelemetrySettings, metrics: &Metrics) -> Telemetry {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    Telemetry::new(settings, &clock, &entropy, metrics).unwrap()
}

fn settings(sample_one_in: u32) -> TelemetrySettings {
    let endpoint = Some("http://localhost:4318".to_owned());
    TelemetrySettings { endpoint, sample_one_in, ..TelemetrySettings::default() }
}

fn commit() -> What {
    What::Commit { outcome: "committed" }
}

#[test]
fn without_an_endpoint_nothing_is_traced() {
    let telemetry = telemetry(&TelemetrySettings::default(), &Metrics::new());
    assert!(telemetry.begin(&HeaderMap::new()).is_none());
    assert!(telemetry.begin_delivery(None).is_none());
    assert!(telemetry.take_exporter().is_none());
    telemetry.end(None, || panic!("nothing is described that nobody wants"));
}

#[test]
fn one_request_in_so_many_is_traced() {
    for (one_in, expected) in [(1, 4000..=4000), (4, 800..=1200), (1_000_000, 0..=2)] {
        let telemetry = telemetry(&settings(one_in), &Metrics::new());
        let traced = (0..4000).filter(|_| telemetry.begin(&HeaderMap::new()).is_some()).count();
        assert!(expected.contains(&traced), "{traced} of 4000 at one in {one_in}");
    }
}

#[tokio::test]
async fn a_commit_is_in_the_trace_of_its_request_or_in_none() {
    let telemetry = telemetry(&settings(1), &Metrics::new());
    assert!(telemetry.begin_within().is_none(), "no request is being answered");
    let request = telemetry.begin(&HeaderMap::new()).unwrap();
    let inner = within(Some(request), async { telemetry.begin_within() }).await.unwrap();
    assert_eq!((inner.trace, inner.parent), (request.trace, Some(request.span)));
    assert_ne!(inner.span, request.span);
    assert!(within(None, async { telemetry.begin_within() }).await.is_none());
}

#[test]
fn what_finds_no_room_is_dropped_and_counted() {
    let metrics = Metrics::new();
    let telemetry = telemetry(&settings(1), &metrics);
    for _ in 0..WAITING + 10 {
        telemetry.end(telemetry.begin(&HeaderMap::new()), commit);
    }
    assert_eq!(metrics.spans_dropped.get(), 10);
}

#[test]
fn a_method_of_the_caller_s_making_is_not_repeated() {
    assert_eq!(method_name(&Method::POST), "POST");
    assert_eq!(method_name(&Method::from_bytes(b"jane").unwrap()), "_OTHER");
}
