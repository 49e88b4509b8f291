//! One connection, from its first byte to its last: at the front as long as it asks what is answered there, passed on for
//! everything else.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use hyper::body::Body;
use hyper::service::Service;

use super::at_once::AtOnce;
use super::front::{Front, Next};
use super::guard::{Guarded, Phase, Stream};
use super::{Arrived, Limits, Peer, passing};
use crate::shutdown::Shutdown;

/// Serves one connection until it ends; after a stop, until the request under way is answered.
pub(super) async fn run<S, B>(stream: Stream, service: S, peer: Peer, limits: Limits, shutdown: Shutdown)
where
    S: Service<Arrived, Response = Response<B>, Error = Infallible> + AtOnce,
    S::Future: Send,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let phase = Phase::new();
    let mut stream = Guarded::new(stream, Arc::clone(&phase), &limits);
    let mut order = shutdown.order();
    let mut front = Front::new(limits.head_bytes);
    loop {
        match front.next((&mut stream, &phase), (&service, &peer), &mut order).await {
            Next::End => return,
            Next::Pass { bytes, is_alone } => {
                let of = (&service, peer, &limits);
                let passed = passing::pass((stream, &phase), (bytes, is_alone), of, &mut order).await;
                let Some((same, rest)) = passed else { return };
                stream = same;
                front.resume(rest);
            }
        }
    }
}
