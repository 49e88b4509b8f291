//! How this server fares, and what it did of late: what concerns all realms, in numbers without a person in them.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    activity::{Point, SLOT},
    api::{Answer, answer, rfc3339},
    operations::{Readiness, readiness},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/activity", get(activity)).route("/v1/admin/health", get(health))
}

/// How this server fares.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    /// Its version.
    pub version: &'static str,
    /// Its public address.
    pub issuer: String,
    /// How its parts fare.
    #[serde(flatten)]
    pub parts: Readiness,
}

/// What this server did of late.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityBody {
    /// How many seconds a point stands for.
    pub every_seconds: i64,
    /// Points, oldest first: at most a day, since this server started.
    pub points: Vec<PointBody>,
}

/// What happened within one slot.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointBody {
    /// When it began.
    pub at: String,
    /// Proofs that were enough.
    pub sign_ins: u64,
    /// Proofs that were refused.
    pub refusals: u64,
    /// Messages that waited at its end.
    pub messages_waiting: i64,
    /// How long half of the answers took at most, in milliseconds; absent where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_median_ms: Option<f64>,
    /// How long 99 of 100 answers took at most, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_most_ms: Option<f64>,
}

impl From<Point> for PointBody {
    fn from(point: Point) -> Self {
        Self {
            at: rfc3339(point.at),
            sign_ins: point.sign_ins,
            refusals: point.refusals,
            messages_waiting: point.messages_waiting,
            latency_median_ms: point.latency_median,
            latency_most_ms: point.latency_most,
        }
    }
}

/// How this server fares: its parts, and what is to be looked at.
#[utoipa::path(get, path = "/v1/admin/health", operation_id = "show_health", tag = "health",
    responses((status = 200, description = "How it fares, ready or not", body = HealthBody)))]
pub(crate) async fn health(State(server): State<Arc<Server>>) -> Answer<HealthBody> {
    let parts = readiness(&server).await;
    let version = env!("CARGO_PKG_VERSION");
    Ok(answer(StatusCode::OK, HealthBody { version, issuer: server.issuer(), parts }))
}

/// What this server did within the last day: sign-ins, refusals, messages that waited, how long answers took.
#[utoipa::path(get, path = "/v1/admin/activity", operation_id = "show_activity", tag = "health",
    responses((status = 200, description = "A point for every five minutes", body = ActivityBody)))]
pub(crate) async fn activity(State(server): State<Arc<Server>>) -> Answer<ActivityBody> {
    let (waiting, _) = server.store.message_count().await?;
    let points = server.metrics.activity.look(server.now(), waiting);
    let points = points.into_iter().map(PointBody::from).collect();
    Ok(answer(StatusCode::OK, ActivityBody { every_seconds: SLOT.seconds(), points }))
}
