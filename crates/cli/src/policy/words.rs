//! An explanation of a policy as text for a terminal of eighty columns. It knows the answer of the interface, no rule.

use serde_json::Value;

use crate::admin::{member, table};

/// How wide a terminal is at least.
const WIDTH: usize = 80;

/// The whole explanation.
pub(super) fn explanation(answer: &Value) -> String {
    let mut parts = vec![heading(answer), settings(answer), person(answer)];
    parts.extend(texts(&answer["notes"]).map(|note| wrapped(&format!("Note: {note}"), 0)));
    parts.push(walk(answer));
    parts.join("\n\n")
}

fn heading(answer: &Value) -> String {
    format!("A sign-in to the app {} in the realm {}", member(answer, "app"), member(answer, "realm"))
}

/// Each part of the policy, and who says it.
fn settings(answer: &Value) -> String {
    let app = member(answer, "app");
    let realm = member(answer, "realm");
    let who = |part: &Value| match part["from"].as_str() {
        Some("app") => format!("the app {app} says so"),
        Some("realm") => format!("the realm {realm} says so"),
        _ => "nobody says otherwise".to_owned(),
    };
    let (start, least) = (&answer["start"], &answer["least"]);
    let profile = member(answer, "profile");
    let of_profile =
        if profile == "standard" { "" } else { "two factors always; mails prove addresses alone" };
    let row = |name: &str, value: String, from: &str| [format!("  {name}"), value, from.to_owned()];
    let rows = vec![
        row("policy.start", texts(&start["value"]).collect::<Vec<_>>().join(", "), &who(start)),
        row("policy.least", member(least, "value"), &who(least)),
        row("server.profile", profile, of_profile),
        row("asked for", member(answer, "asked"), ""),
        row("so wanted", member(answer, "wanted"), ""),
    ];
    let lines = table(["", "", ""], rows);
    lines.trim_start_matches('\n').to_owned()
}

fn person(answer: &Value) -> String {
    let person = &answer["person"];
    if person.is_null() {
        return "Somebody new has nothing but a mailbox.".to_owned();
    }
    let has: Vec<_> = texts(&person["has"]).collect();
    let has = if has.is_empty() { "nothing beside mails".to_owned() } else { has.join(", ") };
    wrapped(&format!("{} ({}) has {has}.", member(person, "id"), member(person, "status")), 0)
}

/// Every step, further in the more is proven.
fn walk(answer: &Value) -> String {
    let steps = answer["walk"].as_array().map_or(&[][..], Vec::as_slice);
    let first = steps.first().map_or(0, |step| texts(&step["proven"]).count());
    let all: Vec<_> = steps.iter().map(|step| step_words(step, first)).collect();
    all.join("\n")
}

fn step_words(step: &Value, first: usize) -> String {
    let proven: Vec<_> = texts(&step["proven"]).collect();
    let next = |name: &str| texts(&step[name]).collect::<Vec<_>>().join(" or ");
    let follows = match step["verdict"].as_str() {
        Some("enough") => "enough".to_owned(),
        Some("enrol") => format!("enrol: {}", next("enrol")),
        _ if step["next"].as_array().is_none() => "goes no further: nothing of it is taken here".to_owned(),
        _ => format!("more: {}", next("next")),
    };
    let indent = 2 * (proven.len() - first);
    let shown = match step["level"].as_str() {
        Some(level) => format!("{} ({level})", proven.join(" + ")),
        None => "begin".to_owned(),
    };
    let line = format!("{:indent$}{shown} -> {follows}", "");
    format!(
        "{}\n{}",
        wrapped(&line, indent),
        wrapped(&format!("{:1$}{2}", "", indent + 4, member(step, "why")), indent + 4)
    )
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str)
}

/// A text in lines that fit; those after the first begin at this column.
pub(super) fn wrapped(text: &str, column: usize) -> String {
    let lead = text.chars().take_while(|letter| *letter == ' ').count();
    let mut lines = vec![" ".repeat(lead)];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let is_bare = line.trim().is_empty();
        if is_bare || line.chars().count() + 1 + word.chars().count() <= WIDTH {
            if !is_bare {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(format!("{:column$}{word}", ""));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal() {
        let text = format!("  {}", "what is wanted ".repeat(20));
        let lines = wrapped(&text, 4);
        assert!(lines.lines().all(|line| line.len() <= WIDTH), "{lines}");
        assert!(lines.starts_with("  what") && lines.lines().nth(1).unwrap().starts_with("    w"), "{lines}");
        assert_eq!(lines.split_whitespace().count(), 60);
        assert_eq!(wrapped("", 2), "");
    }
}
