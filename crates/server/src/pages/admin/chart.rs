//! Small charts of a day as SVG, drawn here: what a path is, and the figures beside it in text.

use countersign_domain::time::{Span, Timestamp};
use minijinja::{Value, context};

/// The picture's size in units: a point for every five minutes, and as high as it looks well.
const WIDTH: f64 = 288.0;
const HEIGHT: f64 = 56.0;

/// What is drawn: the name of its text, the member of a point.
const SERIES: [(&str, &str); 5] = [
    ("sign_ins", "sign_ins"),
    ("refusals", "refusals"),
    ("messages", "messages_waiting"),
    ("latency_median", "latency_median_ms"),
    ("latency_most", "latency_most_ms"),
];

/// The charts of what `activity` holds; an empty list where it holds nothing.
pub(super) fn all(read: &Value) -> Value {
    let points = read.get_attr("activity").and_then(|activity| activity.get_attr("points"));
    let Some(points) = points.ok().and_then(|points| Some(points.try_iter().ok()?.collect::<Vec<_>>()))
    else {
        return Value::from(Vec::<Value>::new());
    };
    let hours = hours(&points);
    let charts = SERIES.map(|(name, member)| chart(name, member, &points));
    context! { charts => charts.to_vec(), hours }
}

fn number(point: &Value, member: &str) -> Option<f64> {
    f64::try_from(point.get_attr(member).ok()?).ok()
}

fn moment(point: &Value) -> Option<Timestamp> {
    let at: jiff::Timestamp = point.get_attr("at").ok()?.as_str()?.parse().ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

fn chart(name: &str, member: &str, points: &[Value]) -> Value {
    let is_sum = matches!(name, "sign_ins" | "refusals");
    let known: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|point| Some((place(points, moment(point)?)?, number(point, member)?)))
        .collect();
    let most = known.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let newest = points.last().and_then(|point| number(point, member));
    let sum: f64 = known.iter().map(|(_, value)| value).sum();
    context! {
        name, is_sum, path => path(&known, most), sum => short(sum), most => short(most),
        newest => newest.map(short),
    }
}

/// How far to the right a moment is: the newest point is at the end.
fn place(points: &[Value], at: Timestamp) -> Option<f64> {
    let end = moment(points.last()?)?;
    let slots = end.since(at).millis() as f64 / Span::from_minutes(5).millis() as f64;
    Some(WIDTH - 1.0 - slots)
}

/// A bar for each point, as one path.
fn path(points: &[(f64, f64)], most: f64) -> String {
    let mut path = String::new();
    for (x, value) in points.iter().filter(|(_, value)| *value > 0.0) {
        let height = (value / most * (HEIGHT - 2.0)).max(1.0);
        path.push_str(&format!("M{x:.0} {HEIGHT:.0}v-{height:.0}"));
    }
    path
}

/// The figures of each hour in which there was anything, newest first.
fn hours(points: &[Value]) -> Vec<Value> {
    let mut hours: Vec<(String, [f64; 5])> = Vec::new();
    for point in points {
        let Ok(at) = point.get_attr("at") else { continue };
        let hour: String = at.as_str().unwrap_or_default().chars().take(13).collect();
        if hours.last().is_none_or(|(last, _)| *last != hour) {
            hours.push((hour, [0.0; 5]));
        }
        let Some((_, sums)) = hours.last_mut() else { continue };
        for ((name, member), sum) in SERIES.iter().zip(sums) {
            let value = number(point, member).unwrap_or_default();
            *sum = if matches!(*name, "sign_ins" | "refusals") { *sum + value } else { sum.max(value) };
        }
    }
    let told = hours.iter().rev().map(|(hour, sums)| {
        context! { at => format!("{hour}:00:00Z"), figures => sums.iter().map(|sum| short(*sum)).collect::<Vec<_>>() }
    });
    told.collect()
}

/// A figure with as many digits as are of use.
fn short(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}
