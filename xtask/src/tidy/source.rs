//! A Rust file, read just well enough for house rules: what is code, what is a literal, what is only for tests.
//!
//! Not a parser: it tells comments and literals from code and pairs braces. It knows none of the rules.

use std::ops::Range;

/// A string literal: where it begins, and what is between its quotes as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Offset of the first byte inside.
    pub(crate) start: usize,
    /// The bytes inside, escapes and all.
    pub(crate) text: String,
}

/// One Rust file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Where it is, from the root of the work tree, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// As long as the text, with blanks for comments and for what is inside literals.
    pub(crate) code: String,
    /// The string literals, in order.
    pub(crate) literals: Vec<Literal>,
    /// What is compiled only for tests.
    tests: Vec<Range<usize>>,
}

impl Source {
    /// Reads a file.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, literals) = Lexer::new(text).run();
        let mut tests = regions(&code, is_test_attribute);
        if path.split('/').any(|part| matches!(part, "tests" | "benches")) {
            tests.push(0..text.len());
        }
        Self { path: path.to_owned(), text: text.to_owned(), code, literals, tests }
    }

    /// The line, from 1, of an offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Whether what is at this offset is compiled only for tests.
    pub(crate) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|region| region.contains(&offset))
    }

    /// Declares all of it to be for tests: the file that names it as a module says so.
    pub(crate) fn mark_as_test(&mut self) {
        self.tests.push(0..self.text.len());
    }

    /// The modules in other files that this one declares for tests only.
    pub(crate) fn test_modules(&self) -> Vec<&str> {
        let regions = self.tests.iter().map(|region| self.code[region.clone()].trim());
        regions
            .filter_map(|region| {
                let name = region.rsplit_once("mod ")?.1.strip_suffix(';')?;
                is_word(name).then_some(name)
            })
            .collect()
    }

    /// Where an exact piece of code is.
    pub(crate) fn occurrences<'a>(&'a self, piece: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(piece).map(|(offset, _)| offset)
    }
}

/// Whether this is one identifier.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_word_byte)
}

/// Whether a byte can be part of an identifier.
pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_test_attribute(attribute: &str) -> bool {
    let inside = attribute.trim_start_matches(['#', '!', '[']);
    let words = inside.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    inside.starts_with("cfg(") && !inside.contains("not(") && words.into_iter().any(|word| word == "test")
}

/// The attributes that `wanted` names, each with the item or statement it belongs to. An inner one (`#![…]`) belongs
/// to the whole file.
pub(crate) fn regions(code: &str, wanted: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices('#') {
        let rest = &code[start..];
        if !rest.starts_with("#[") && !rest.starts_with("#![") {
            continue;
        }
        let end = start + closing(rest);
        if !wanted(&code[start..end]) {
            continue;
        }
        let is_inner = rest.starts_with("#!");
        found.push(if is_inner { 0..code.len() } else { start..item_end(code, end) });
    }
    found
}

/// The length of `text` up to and with the bracket that closes its first one; all of it if there is none.
pub(crate) fn closing(text: &str) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth <= 0 {
                    return offset + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Where the item or statement ends whose attributes end at `from`.
fn item_end(code: &str, from: usize) -> usize {
    let rest = skip_attributes(&code[from..]);
    let begin = code.len() - rest.len();
    let ends_in_semicolon = ["let ", "static ", "const "].iter().any(|word| rest.starts_with(word))
        && !rest.starts_with("const fn");
    let mut depth = 0_i32;
    for (offset, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                let is_end = depth < 0 || (depth == 0 && byte == b'}' && !ends_in_semicolon);
                if is_end {
                    return begin + offset + 1;
                }
            }
            b';' if depth == 0 => return begin + offset + 1,
            _ => {}
        }
    }
    code.len()
}

fn skip_attributes(code: &str) -> &str {
    let mut rest = code.trim_start();
    while rest.starts_with("#[") {
        rest = rest[closing(rest)..].trim_start();
    }
    rest
}

/// Blanks out comments and the insides of literals.
struct Lexer<'a> {
    text: &'a [u8],
    code: Vec<u8>,
    literals: Vec<Literal>,
    position: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), code: text.as_bytes().to_vec(), literals: Vec::new(), position: 0 }
    }

    fn run(mut self) -> (String, Vec<Literal>) {
        while self.position < self.text.len() {
            let rest = &self.text[self.position..];
            if rest.starts_with(b"//") {
                let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                self.blank(length);
            } else if rest.starts_with(b"/*") {
                self.blank(comment(rest));
            } else if let Some(hashes) = self.raw_string(rest) {
                self.string(hashes);
            } else if rest[0] == b'"' {
                self.string(None);
            } else if rest[0] == b'\'' {
                match character(rest) {
                    Some(length) => self.blank(length),
                    None => self.position += 1,
                }
            } else {
                self.position += 1;
            }
        }
        (String::from_utf8_lossy(&self.code).into_owned(), self.literals)
    }

    /// How many `#` a raw string here has; `None` when there is no raw string.
    fn raw_string(&self, rest: &[u8]) -> Option<Option<usize>> {
        let before = self.position.checked_sub(1).map_or(b' ', |at| self.text[at]);
        let prefix_before = matches!(before, b'b' | b'c');
        if rest[0] != b'r' || (is_word_byte(before) && !prefix_before) {
            return None;
        }
        let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
        (rest.get(1 + hashes) == Some(&b'"')).then_some(Some(hashes))
    }

    /// Takes in a string literal; `hashes` is there for a raw one.
    fn string(&mut self, hashes: Option<usize>) {
        self.position += hashes.map_or(1, |hashes| hashes + 2);
        let start = self.position;
        let rest = &self.text[start..];
        let length = match hashes {
            Some(hashes) => {
                let end = [b"\"".to_vec(), vec![b'#'; hashes]].concat();
                rest.windows(end.len()).position(|window| window == end)
            }
            None => quoted(rest),
        }
        .unwrap_or(rest.len());
        self.literals.push(Literal { start, text: String::from_utf8_lossy(&rest[..length]).into_owned() });
        self.blank(length);
        self.position = (self.position + 1 + hashes.unwrap_or(0)).min(self.text.len());
    }

    /// Puts blanks over the next `length` bytes, but keeps the lines.
    fn blank(&mut self, length: usize) {
        let end = (self.position + length).min(self.text.len());
        for byte in &mut self.code[self.position..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        self.position = end;
    }
}

/// The length of a block comment, the ones inside it included.
fn comment(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut offset = 0;
    while offset < text.len() {
        if text[offset..].starts_with(b"/*") {
            depth += 1;
            offset += 2;
        } else if text[offset..].starts_with(b"*/") {
            depth -= 1;
            offset += 2;
            if depth == 0 {
                return offset;
            }
        } else {
            offset += 1;
        }
    }
    text.len()
}

/// How far it is to the quote that ends a string.
fn quoted(text: &[u8]) -> Option<usize> {
    let mut offset = 0;
    while offset < text.len() {
        match text[offset] {
            b'\\' => offset += 2,
            b'"' => return Some(offset),
            _ => offset += 1,
        }
    }
    None
}

/// The length of a character literal; none for a lifetime.
fn character(text: &[u8]) -> Option<usize> {
    let first = text.get(1)?;
    if *first == b'\\' {
        let end = text.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(end + 4);
    }
    let width = match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (text.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_not_code() {
        let cases = [
            ("a // b {\nc", "a       \nc"),
            ("a /* { /* } */ { */ b", "a                   b"),
            ("f(\"{ \\\" }\") }", "f(\"      \") }"),
            ("r#\"{ \" }\"# }", "r#\"     \"# }"),
            ("br\"{\" }", "br\" \" }"),
            ("'{' '\\'' '\\u{1}' 'ü' &'a str", "                      &'a str"),
            ("r#fn", "r#fn"),
        ];
        for (text, expected) in cases {
            let source = Source::new("a.rs", text);
            assert_eq!(source.code.trim_end(), expected.trim_end(), "{text}");
            assert_eq!(source.code.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn literals_are_kept_with_their_place() {
        let source = Source::new("a.rs", "x\n\"one\" br#\"two\"#");
        let texts: Vec<_> =
            source.literals.iter().map(|each| (source.line(each.start), each.text.as_str())).collect();
        assert_eq!(texts, [(2, "one"), (2, "two")]);
    }

    #[test]
    fn what_is_for_tests_is_known() {
        let text = "fn a() { here }\n#[cfg(test)]\n#[path = \"x\"]\nmod t { fn b() { there } }\nfn c() { here }\n\
                    #[cfg(not(test))]\nfn d() { here }\n#[cfg(test)]\nmod more;\n";
        let source = Source::new("crates/a/src/lib.rs", text);
        assert!(
            source
                .occurrences("here")
                .filter(|at| !source.code[..*at].ends_with('t'))
                .all(|at| !source.is_test(at))
        );
        assert!(source.occurrences("there").all(|at| source.is_test(at)));
        assert_eq!(source.test_modules(), ["more"]);
        assert!(Source::new("crates/a/tests/it/main.rs", "here").is_test(0));
        assert!(Source::new("crates/a/src/x.rs", "#![cfg(test)]\nhere").is_test(15));
    }

    #[test]
    fn an_attribute_reaches_to_the_end_of_its_item() {
        let cases = [
            ("#[x] let a = match b { c => 1 }.f(); rest", " rest"),
            ("#[x]\n#[y]\npub fn a() { b; } rest", " rest"),
            ("#[x] const A: u8 = { 1 }; rest", " rest"),
            ("{ #[x] a.b() } rest", " rest"),
            ("#[x] a.b(|| { c; }); rest", " rest"),
        ];
        for (code, expected) in cases {
            let found = regions(code, |attribute| attribute == "#[x]");
            assert_eq!(
                found.iter().map(|region| &code[region.end..]).collect::<Vec<_>>(),
                [expected],
                "{code}"
            );
        }
    }
}
