//! Whether a licence expression can be satisfied with the licences that `deny.toml` allows.
//!
//! SPDX with `AND`, `OR`, brackets, `WITH`, and the old `/` for `OR`.

/// Licences named in the `allow` list of `deny.toml`.
///
/// # Errors
/// When there is no such list.
pub(crate) fn allowed(deny: &str) -> anyhow::Result<Vec<String>> {
    let section = deny.split("\n[").find(|section| section.starts_with("licenses]"));
    let list = section
        .and_then(|section| section.split_once("allow = ["))
        .and_then(|(_, list)| list.split_once("\n]"));
    let Some((list, _)) = list else { anyhow::bail!("deny.toml has no [licenses] with a list `allow`") };
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    Ok(lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect())
}

/// Whether the allowed licences are enough for an expression.
pub(crate) fn is_satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed };
    let answer = reader.any();
    answer && reader.words.is_empty()
}

/// What is left to read of an expression.
struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        Some(word)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.first() == Some(&word);
        if is_next {
            self.words = &self.words[1..];
        }
        is_next
    }

    /// Alternatives: one must do. All are read, also after the first that does.
    fn any(&mut self) -> bool {
        let mut answer = self.all();
        while self.take("OR") {
            answer |= self.all();
        }
        answer
    }

    fn all(&mut self) -> bool {
        let mut answer = self.one();
        while self.take("AND") {
            answer &= self.one();
        }
        answer
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let answer = self.any();
            return self.take(")") && answer;
        }
        let Some(licence) = self.next() else { return false };
        let name = match self.take("WITH") {
            true => format!("{licence} WITH {}", self.next().unwrap_or_default()),
            false => licence.to_owned(),
        };
        self.allowed.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_evaluated() {
        let allowed = ["MIT", "Apache-2.0", "ISC"].map(str::to_owned);
        let cases = [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0/MIT", true),
            ("MIT AND GPL-3.0", false),
            ("ISC AND (GPL-3.0 OR Apache-2.0)", true),
            ("ISC AND (GPL-3.0 OR MPL-2.0)", false),
            ("(MIT OR GPL-3.0) AND GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
            ("Apache-2.0 WITH LLVM-exception", false),
            ("GPL-3.0", false),
            ("", false),
            ("(MIT", false),
            ("MIT ISC", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn the_list_is_read() {
        let deny =
            "[bans]\nallow = [\n \"wrong\",\n]\n[licenses]\nallow = [\n  \"MIT\",\n  \"ISC\", # \"why\"\n]\n";
        assert_eq!(allowed(deny).unwrap(), ["MIT", "ISC"]);
        assert!(allowed("[licenses]\n").is_err());
    }
}
