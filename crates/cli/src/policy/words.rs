//! An explanation of a policy as text for a terminal of eighty columns. It knows the answer of the interface, no rule.

use serde_json::Value;

use crate::admin::{member, table};

/// How wide a terminal is at least.
const WIDTH: usize = 80;

/// The whole explanation.
pub(super) fn explanation(answer: &Value) -> String {
    let mut parts = vec![heading(answer), settings(answer), person(answer)];
    parts.extend(texts(&answer["notes"]).map(|note| wrapped("Note: ", note)));
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
        Some("app") => format!("of the app {app}"),
        Some("realm") => format!("of the realm {realm}"),
        _ => "by default".to_owned(),
    };
    let (start, least, trust) = (&answer["start"], &answer["least"], &answer["trusted_device_days"]);
    let profile = member(answer, "profile");
    let of_profile = if profile == "standard" { "" } else { "two factors always" };
    let row = |name: &str, value: String, from: &str| [format!("  {name}"), value, from.to_owned()];
    let rows = vec![
        row("policy.start", texts(&start["value"]).collect::<Vec<_>>().join(", "), &who(start)),
        row("policy.least", member(least, "value"), &who(least)),
        row("policy.trusted_device_days", member(trust, "value"), &who(trust)),
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
    wrapped("", &format!("{} ({}) has {has}.", member(person, "id"), member(person, "status")))
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
    let shown = match step["level"].as_str() {
        Some(level) => format!("{} ({level})", proven.join(" + ")),
        None => "begin".to_owned(),
    };
    let lead = "  ".repeat(proven.len() - first);
    let line = wrapped(&lead, &format!("{shown} -> {follows}"));
    format!("{line}\n{}", wrapped(&format!("{lead}    "), &member(step, "why")))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str)
}

/// A text after its lead, in lines that fit; those after the first begin below its first word.
pub(super) fn wrapped(lead: &str, text: &str) -> String {
    let column = lead.chars().count();
    let (mut lines, mut line) = (Vec::new(), lead.to_owned());
    for word in text.split_whitespace() {
        let is_first = line.chars().count() == column;
        if is_first {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line = format!("{line} {word}");
        } else {
            lines.push(std::mem::replace(&mut line, format!("{:column$}{word}", "")));
        }
    }
    lines.push(line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal() {
        let lines = wrapped("  found  ", &"what is wanted ".repeat(20));
        assert!(lines.lines().all(|line| line.len() <= WIDTH), "{lines}");
        assert!(lines.starts_with("  found  what is"), "{lines}");
        let lead = |line: &str| line.len() - line.trim_start().len();
        assert!(lines.lines().skip(1).all(|line| lead(line) == 9), "{lines}");
        assert_eq!(lines.split_whitespace().count(), 61);
        assert_eq!(wrapped("  ", ""), "  ");
    }
}
