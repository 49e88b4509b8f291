//! What stands between a connection and the service: a panic and a request that takes too long end in an answer.

use std::any::Any;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};

/// The service's own body, or that of a problem document.
pub(super) type Answer<B> = Response<Either<B, Full<Bytes>>>;

/// A future of the service's, or the panic that making it ended in.
pub(super) type Started<F> = Result<F, Box<dyn Any + Send>>;

/// Calls a service, holding a panic in the call itself.
pub(super) fn start<F>(call: impl FnOnce() -> F) -> Started<F> {
    // Unwind safety is not at stake: what requests share is locks that do not poison and the store, whose commits are
    // all or nothing.
    catch_unwind(AssertUnwindSafe(call))
}

/// The service's answer, or a problem document when it panics or has none within `limit`.
pub(super) async fn answer<F, B>(started: Started<F>, limit: Duration) -> Answer<B>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    let Ok(work) = started else { return panicked() };
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    // Most answers are there at once and need no timer.
    let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
    let outcome = match first {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => match tokio::time::timeout(limit, work).await {
            Ok(outcome) => outcome,
            Err(_) => return overdue(),
        },
    };
    match outcome {
        Ok(Ok(response)) => response.map(Either::Left),
        Ok(Err(never)) => match never {},
        Err(_) => panicked(),
    }
}

/// The text of a panic is not logged here: it may quote what a person typed.
fn panicked<B>() -> Answer<B> {
    tracing::error!("a handler panicked");
    problem(
        crate::error::INTERNAL_SERVER_ERROR,
        r#"{"type":"about:blank","title":"Internal error","status":500,"code":"internal_error"}"#,
    )
}

fn overdue<B>() -> Answer<B> {
    tracing::warn!("a request took too long");
    problem(
        crate::error::SERVICE_UNAVAILABLE,
        r#"{"type":"about:blank","title":"The request took too long","status":503,"code":"timed_out"}"#,
    )
}

/// A problem document (RFC 9457) after which the connection ends: what else came on it is not known.
fn problem<B>(status: StatusCode, json: &'static str) -> Answer<B> {
    let mut response = Response::new(Either::Right(Full::new(Bytes::from_static(json.as_bytes()))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
