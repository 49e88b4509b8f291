//! Rules on what is written where: module headers, `#[allow]`, unwrapping, SQL, status codes, unfinished work.

use std::ops::Range;

use super::{
    Finding, Rule,
    source::{Source, is_word_byte, regions},
    tree::Text,
};

/// Answers a handler may give by itself; every other status is an error's, and those are in one table.
const PLAIN_STATUSES: [&str; 8] =
    ["OK", "CREATED", "ACCEPTED", "NO_CONTENT", "FOUND", "SEE_OTHER", "NOT_MODIFIED", "TEMPORARY_REDIRECT"];

/// The one file with the table of status codes.
const STATUS_TABLE: &str = "crates/server/src/error.rs";

/// The refusals that proxies read: they have no problem document, and their statuses are the interface.
const PROXY_STATUSES: &str = "crates/server/src/forward_auth/answer.rs";

/// How statements begin.
const SQL: [&str; 4] = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"];

/// What is wrong in one Rust file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        let advice = "open with `//!`: what it is for, and what it deliberately does not know".to_owned();
        findings.push(Finding::new(Rule::Header, &source.path, 1, advice));
    }
    findings.extend(allows(source));
    findings.extend(unfinished(&source.path, &source.text));
    if source.path.starts_with("crates/") {
        findings.extend(unwraps(source));
        findings.extend(sql(source));
        findings.extend(statuses(source));
    }
    findings
}

/// Unfinished work in any file.
pub(crate) fn check_text(file: &Text) -> Vec<Finding> {
    unfinished(&file.path, &file.text)
}

fn unfinished(path: &str, text: &str) -> Vec<Finding> {
    // In two pieces, so that this line is not found.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| marks.iter().any(|mark| has_word(line, mark)))
        .map(|(index, _)| {
            let advice = "finish it, or open an issue and take the mark away".to_owned();
            Finding::new(Rule::Unfinished, path, index + 1, advice)
        })
        .collect()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = start.checked_sub(1).map(|at| line.as_bytes()[at]);
        let after = line.as_bytes().get(start + word.len()).copied();
        [before, after].into_iter().flatten().all(|byte| !is_word_byte(byte))
    })
}

fn allows(source: &Source) -> Vec<Finding> {
    let starts = source.occurrences("#[allow(").chain(source.occurrences("#![allow("));
    starts
        .map(|start| {
            let advice = "write `#[expect(…, reason = \"…\")]`, which goes away with its cause".to_owned();
            Finding::new(Rule::Allow, &source.path, source.line(start), advice)
        })
        .collect()
}

fn unwraps(source: &Source) -> Vec<Finding> {
    let proven = regions(&source.code, |attribute| {
        attribute.contains("expect(")
            && (attribute.contains("unwrap_used") || attribute.contains("expect_used"))
    });
    let is_proven = |at: usize| proven.iter().any(|region: &Range<usize>| region.contains(&at));
    let starts = source.occurrences(".unwrap()").chain(source.occurrences(".expect("));
    starts
        .filter(|start| !source.is_test(*start) && !is_proven(*start))
        .map(|start| {
            let advice = "return an error; where it cannot fail, prove it in `#[expect(…, reason = \"…\")]`";
            Finding::new(Rule::Unwrap, &source.path, source.line(start), advice.to_owned())
        })
        .collect()
}

fn sql(source: &Source) -> Vec<Finding> {
    if source.path.starts_with("crates/store/") {
        return Vec::new();
    }
    let is_sql = |text: &str| SQL.iter().any(|begin| text.contains(begin));
    let literals =
        source.literals.iter().filter(|literal| is_sql(&literal.text) && !source.is_test(literal.start));
    literals
        .map(|literal| {
            let advice = "only the store knows SQL: add a read or a change there".to_owned();
            Finding::new(Rule::Sql, &source.path, source.line(literal.start), advice)
        })
        .collect()
}

fn statuses(source: &Source) -> Vec<Finding> {
    const TYPE: &str = "StatusCode::";
    if [STATUS_TABLE, PROXY_STATUSES].contains(&source.path.as_str()) {
        return Vec::new();
    }
    let used = source.occurrences(TYPE).map(|start| {
        let rest = &source.code[start + TYPE.len()..];
        let length = rest.bytes().take_while(|byte| is_word_byte(*byte)).count();
        (start, &rest[..length])
    });
    used.filter(|(start, name)| {
        let is_made = name.starts_with(|first: char| first.is_ascii_uppercase()) || *name == "from_u16";
        is_made && !PLAIN_STATUSES.contains(name) && !source.is_test(*start)
    })
    .map(|(start, name)| {
        let advice =
            format!("{name} belongs in the one table of status codes, {STATUS_TABLE}: return an error");
        Finding::new(Rule::Status, &source.path, source.line(start), advice)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(Rule, usize)> {
        let findings = check(&Source::new(path, &format!("//! A.\n{text}")));
        findings.into_iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    /// A piece of code, where it is, and what is found in its first line.
    fn check_cases(cases: &[(&str, &str, Option<Rule>)]) {
        for (path, text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|rule| (*rule, 2)).collect();
            assert_eq!(found(path, text), expected, "{path}: {text}");
        }
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        let rules =
            |text: &str| check(&Source::new("a.rs", text)).iter().map(|each| each.rule).collect::<Vec<_>>();
        assert_eq!(rules("use std::fs;\n//! Late."), [Rule::Header]);
        assert_eq!(rules("//! For this.\nuse std::fs;"), []);
    }

    #[test]
    fn lints_are_expected_not_allowed() {
        check_cases(&[
            ("xtask/src/a.rs", "#[allow(dead_code)]", Some(Rule::Allow)),
            ("crates/cli/src/a.rs", "#![allow(dead_code)]", Some(Rule::Allow)),
            ("crates/cli/src/a.rs", "#[expect(dead_code, reason = \"x\")]", None),
            ("crates/cli/src/a.rs", "// #[allow(dead_code)]", None),
        ]);
    }

    #[test]
    fn nothing_is_unwrapped_in_production() {
        let server = "crates/server/src/a.rs";
        check_cases(&[
            (server, "fn a() { b().unwrap(); }", Some(Rule::Unwrap)),
            (server, "fn a() { b().expect(\"c\"); }", Some(Rule::Unwrap)),
            (server, "#[expect(clippy::expect_used, reason = \"x\")] fn a() { b().expect(\"c\"); }", None),
            (
                server,
                "#[expect(dead_code, reason = \"x\")] fn a() { b().expect(\"c\"); }",
                Some(Rule::Unwrap),
            ),
            (server, "#[cfg(test)] mod tests { fn a() { b().unwrap(); } }", None),
            (server, "fn a() { b().unwrap_or(c); b().expected(); }", None),
            ("crates/server/tests/it/a.rs", "fn a() { b().unwrap(); }", None),
        ]);
    }

    #[test]
    fn sql_is_in_the_store() {
        check_cases(&[
            ("crates/server/src/a.rs", "const A: &str = \"SELECT id FROM b\";", Some(Rule::Sql)),
            ("crates/cli/src/a.rs", "const A: &str = r#\"DELETE FROM b\"#;", Some(Rule::Sql)),
            ("crates/store/src/a.rs", "const A: &str = \"UPDATE b SET c = 1\";", None),
            ("crates/server/src/a.rs", "// SELECT id FROM b", None),
            ("crates/server/src/a.rs", "const A: &str = \"Select one\";", None),
        ]);
    }

    #[test]
    fn status_codes_are_in_one_table() {
        check_cases(&[
            ("crates/server/src/api/a.rs", "f(StatusCode::NOT_FOUND)", Some(Rule::Status)),
            ("crates/server/src/api/a.rs", "f(http::StatusCode::from_u16(404))", Some(Rule::Status)),
            ("crates/server/src/api/a.rs", "f(StatusCode::CREATED)", None),
            ("crates/server/src/error.rs", "f(StatusCode::NOT_FOUND)", None),
            ("crates/server/tests/it/a.rs", "f(StatusCode::NOT_FOUND)", None),
        ]);
    }

    #[test]
    fn unfinished_work_is_found() {
        let mark = concat!("TO", "DO");
        check_cases(&[
            ("xtask/src/a.rs", &format!("// {mark}: later"), Some(Rule::Unfinished)),
            ("xtask/src/a.rs", &format!("// MAS{mark}N"), None),
        ]);
        let text = Text { path: "a.sql".to_owned(), text: format!("x\n-- {mark}\n") };
        assert_eq!(check_text(&text).iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }
}
