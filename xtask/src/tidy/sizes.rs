//! Rules on sizes: the length of files and functions, and the number of arguments.

use super::{
    Finding, Rule,
    source::{Source, closing, is_word_byte},
};

/// Lines a file may have.
const FILE_LINES: usize = 400;
/// Lines a function may have, from `fn` to its last brace.
const FUNCTION_LINES: usize = 60;
/// Arguments a function may have, the receiver not counted.
const ARGUMENTS: usize = 5;

/// A function as the rules see it.
#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    start: usize,
    lines: usize,
    arguments: usize,
}

/// What is too big in one file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let mut findings = Vec::new();
    if lines > FILE_LINES {
        let advice = format!("{lines} lines, {FILE_LINES} are allowed: split it where its subject splits");
        findings.push(Finding::sized(Rule::FileLines, &source.path, 1, lines, advice));
    }
    for function in functions(&source.code) {
        let line = source.line(function.start);
        let Function { name, lines, arguments, .. } = function;
        if lines > FUNCTION_LINES {
            let advice =
                format!("fn {name} has {lines} lines, {FUNCTION_LINES} are allowed: give its parts names");
            findings.push(Finding::sized(Rule::FunctionLines, &source.path, line, lines, advice));
        }
        if arguments > ARGUMENTS {
            let advice = format!(
                "fn {name} has {arguments} arguments, {ARGUMENTS} are allowed: group what belongs together"
            );
            findings.push(Finding::sized(Rule::Arguments, &source.path, line, arguments, advice));
        }
    }
    findings
}

fn functions(code: &str) -> Vec<Function<'_>> {
    let starts = code.match_indices("fn ").map(|(start, _)| start);
    starts
        .filter(|start| start.checked_sub(1).is_none_or(|before| !is_word_byte(code.as_bytes()[before])))
        .filter_map(|start| function(code, start))
        .collect()
}

/// The function whose `fn` is at `start`; none when it is not one, as in the pattern of a macro.
fn function(code: &str, start: usize) -> Option<Function<'_>> {
    let rest = code[start + 3..].trim_start();
    let length = rest.bytes().take_while(|byte| is_word_byte(*byte)).count();
    let (name, rest) = rest.split_at(length);
    let rest = if rest.starts_with('<') { &rest[angles(rest)..] } else { rest };
    let rest = rest.trim_start();
    if name.is_empty() || !rest.starts_with('(') {
        return None;
    }
    let end = closing(rest);
    let arguments = arguments(rest.get(1..end.checked_sub(1)?)?);
    let body = &rest[end..];
    let body_end = code.len() - body.len() + body_end(body);
    let lines = code[start..body_end].matches('\n').count() + 1;
    Some(Function { name, start, lines, arguments })
}

/// The length of a list of generics; the arrow of `Fn() -> T` closes nothing.
fn angles(text: &str) -> usize {
    let mut depth = 0_i32;
    let bytes = text.as_bytes();
    for (offset, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if offset > 0 && bytes[offset - 1] != b'-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    text.len()
}

/// How many arguments a list has, without the receiver.
fn arguments(list: &str) -> usize {
    let mut depth = 0_i32;
    let mut pieces = vec![String::new()];
    let mut before = ' ';
    for letter in list.chars() {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if before != '-' => depth -= 1,
            ',' if depth == 0 => pieces.push(String::new()),
            _ => {}
        }
        before = letter;
        if let Some(last) = pieces.last_mut() {
            last.push(letter);
        }
    }
    pieces.iter().map(|piece| piece.trim_start_matches(',').trim()).filter(|piece| is_argument(piece)).count()
}

fn is_argument(piece: &str) -> bool {
    let name = piece.split(':').next().unwrap_or_default();
    let is_receiver = name.split(['&', ' ']).any(|word| word == "self");
    !piece.is_empty() && !is_receiver
}

/// How far it is to the end of a body, or to the semicolon where there is none.
fn body_end(text: &str) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if depth == 0 => return offset + closing(&text[offset..]),
            b';' if depth == 0 => return offset + 1,
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Rule, usize, usize)> {
        let findings = check(&Source::new("a.rs", text));
        findings.into_iter().map(|finding| (finding.rule, finding.line, finding.size)).collect()
    }

    #[test]
    fn functions_are_measured() {
        let cases = [
            ("fn a() {}", "a", 1, 0),
            ("pub(crate) async fn a(b: u8,\n c: &str,\n) -> u8 {\n if b { 1 } else { 2 }\n}", "a", 5, 2),
            ("fn a<T: Fn(u8, u8) -> u8>(&self, t: T);", "a", 1, 1),
            ("fn a(mut self, b: HashMap<u8, (u8, u8)>, c: impl Fn(u8, u8) -> u8) {}", "a", 1, 2),
            ("fn a(self: Arc<Self>, [b, c]: [u8; 2]) -> [u8; 2] where u8: Copy { [b, c] }", "a", 1, 1),
            ("fn a<'a>(&'a mut self) {\n}", "a", 2, 0),
        ];
        for (code, name, lines, arguments) in cases {
            let found: Vec<_> =
                functions(code).iter().map(|each| (each.name, each.lines, each.arguments)).collect();
            assert_eq!(found, [(name, lines, arguments)], "{code}");
        }
        for code in ["type A = fn (u8) -> u8;", "macro_rules! a { (fn $name:ident) => {} }", "let defn = 1;"]
        {
            assert_eq!(functions(code), [], "{code}");
        }
    }

    #[test]
    fn what_is_too_big_is_found_where_it_is() {
        let long = format!("\nfn a() {{\n{}}}\n", "b();\n".repeat(59));
        assert_eq!(found(&long), [(Rule::FunctionLines, 2, 61)]);
        assert_eq!(found(&long.replacen("b();\n", "", 1)), []);
        assert_eq!(found("fn a(b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) {}"), [(Rule::Arguments, 1, 6)]);
        assert_eq!(found("fn a(&self, b: u8, c: u8, d: u8, e: u8, f: u8) {}"), []);
        assert_eq!(found(&"\n".repeat(401)), [(Rule::FileLines, 1, 401)]);
        assert_eq!(found(&"\n".repeat(400)), []);
    }
}
