//! The texts of all languages: those that come with the program and, before them, an operator's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::{
    Argument, Key, Locale, Problem, Texts,
    entries::{Kind, entries},
};

/// The name of an operator's files.
pub const FILE: &str = "texts.ftl";
/// The name that they had while they were lines of `key = text`.
pub const FORMER_FILE: &str = "texts.txt";
/// Longest file, in bytes.
const LONGEST_FILE: u64 = 256 * 1024;

/// A language that comes with the program.
#[derive(Debug)]
struct Language {
    locale: Locale,
    /// Of mails and first pages, of the account's, of operators'.
    source: [&'static str; 3],
    /// Read when somebody is first spoken to in it: a server holds the languages of its people and no other.
    texts: OnceLock<Texts>,
}

macro_rules! language {
    ($locale:ident, $tag:literal) => {
        Language {
            locale: Locale::$locale,
            source: [
                include_str!(concat!($tag, ".ftl")),
                include_str!(concat!("account/", $tag, ".ftl")),
                include_str!(concat!("admin/", $tag, ".ftl")),
            ],
            texts: OnceLock::new(),
        }
    };
}

static BUILT_IN: [Language; 5] = [
    language!(ENGLISH, "en"),
    language!(GERMAN, "de"),
    language!(FRENCH, "fr"),
    language!(SPANISH, "es"),
    language!(JAPANESE, "ja"),
];
/// The language that has all texts.
pub(super) static ENGLISH: &[&str] = &BUILT_IN[0].source;

impl Language {
    fn of_tag(tag: &str) -> Option<&'static Self> {
        BUILT_IN.iter().find(|language| language.locale.tag() == tag)
    }

    fn texts(&self) -> &Texts {
        #[expect(clippy::expect_used, reason = "what was built in is read by tests")]
        self.texts.get_or_init(|| Texts::parse(&self.source.concat(), &self.locale).expect("texts that read"))
    }
}

/// An operator's texts by their language's tag.
type Languages = BTreeMap<String, Texts>;

/// The texts that there are: those that come with the program, and an operator's.
#[derive(Debug, Default)]
pub struct Catalog {
    /// For every app.
    own: Languages,
    /// For one app each, by its name.
    of_apps: BTreeMap<String, Languages>,
}

/// What is wrong with files of texts, a line for each thing.
#[derive(Debug, thiserror::Error)]
pub struct TextProblems(Vec<String>);

impl fmt::Display for TextProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

/// A built-in language as a file to begin with: every line is a comment, and every text stands by itself, so that any of
/// them can be let in. The nearest language that is built in, English for others.
#[must_use]
pub fn template(locale: &Locale) -> String {
    let source = locale.widening().find_map(Language::of_tag).map_or(ENGLISH, |language| &language.source);
    let mut template = String::new();
    for entry in source.iter().flat_map(|part| entries(part)) {
        match entry.kind {
            Kind::Comment => template.push_str(entry.source),
            Kind::Message if !entry.says_something() => {}
            Kind::Message => push_commented(&mut template, entry.source),
            Kind::Attribute => {
                let message = entry.message.unwrap_or_default();
                push_commented(&mut template, &format!("{message} =\n    .{}", entry.source));
            }
        }
    }
    template
}

fn push_commented(template: &mut String, source: &str) {
    for line in source.lines() {
        template.push_str(if line.is_empty() { "" } else { "# " });
        template.push_str(line);
        template.push('\n');
    }
}

/// The texts for one person: those of the operator for their app and language first, then what stands in for them.
#[derive(Debug)]
pub struct Wording<'a>(Vec<Layer<'a>>);

#[derive(Debug)]
enum Layer<'a> {
    Own(&'a Texts),
    BuiltIn(&'static Language),
}

impl Wording<'_> {
    /// A text with its places filled; a place that nobody fills stays empty.
    #[must_use]
    pub fn say(&self, key: Key, arguments: &[(&str, Argument<'_>)]) -> String {
        let of_layer = |layer: &Layer<'_>| match layer {
            Layer::Own(texts) => texts.say(key, arguments),
            Layer::BuiltIn(language) => language.texts().say(key, arguments),
        };
        self.0.iter().find_map(of_layer).unwrap_or_default()
    }
}

impl Catalog {
    /// The texts that come with the program and an operator's, from files by their names below a folder:
    /// `<locale>/texts.ftl` for every app, `<app>/<locale>/texts.ftl` for one. A language that is not built in is added.
    ///
    /// # Errors
    /// [`TextProblems`]: everything that is wrong in any of them.
    pub fn with(files: &[(String, PathBuf)]) -> Result<Self, TextProblems> {
        let (mut catalog, mut problems) = (Self::default(), Vec::new());
        for (name, path) in files {
            match read(name, path) {
                Ok((None, locale, texts)) => {
                    catalog.own.insert(locale, texts);
                }
                Ok((Some(app), locale, texts)) => {
                    catalog.of_apps.entry(app).or_default().insert(locale, texts);
                }
                Err(TextProblems(found)) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(catalog) } else { Err(TextProblems(problems)) }
    }

    /// Whether an app can speak a language, exactly: `de-CH` only where it has texts of its own.
    #[must_use]
    pub fn knows(&self, app: &str, tag: &str) -> bool {
        self.layers(app, tag).next().is_some()
    }

    /// The language of an app's that fits somebody best; see [`Locale::negotiate`].
    #[must_use]
    pub fn negotiate(&self, app: &str, wanted: &str) -> Locale {
        Locale::negotiate(wanted, |tag| self.knows(app, tag))
    }

    /// All languages that any app can speak, once each.
    #[must_use]
    pub fn locales(&self) -> Vec<Locale> {
        let own = [&self.own].into_iter().chain(self.of_apps.values()).flat_map(Languages::keys);
        let built_in = BUILT_IN.iter().map(|language| language.locale.tag());
        let tags: BTreeSet<&str> = own.map(String::as_str).chain(built_in).collect();
        tags.into_iter().filter_map(Locale::parse).collect()
    }

    /// The texts for somebody. What is missing in their language is said in the wider one, at last in English; in
    /// each, the app's own come before those of every app, and these before the built-in ones.
    #[must_use]
    pub fn wording(&self, app: &str, locale: &Locale) -> Wording<'_> {
        let tags = locale.widening().chain(["en"]);
        Wording(tags.flat_map(|tag| self.layers(app, tag)).collect())
    }

    /// The texts of a language, the most particular first.
    fn layers(&self, app: &str, tag: &str) -> impl Iterator<Item = Layer<'_>> + use<'_> {
        let of_app = self.of_apps.get(app).and_then(|languages| languages.get(tag));
        let own = of_app.into_iter().chain(self.own.get(tag)).map(Layer::Own);
        own.chain(Language::of_tag(tag).map(Layer::BuiltIn))
    }
}

/// What to do with a file of the former name.
const FORMER: &str =
    "texts are files of Fluent now, named texts.ftl. What was `sign_in.subject = {app}: Your code` is
sign_in =
    .subject = { $app }: Your code
and the former file is removed";

/// The app, the locale's tag and the texts of a file.
fn read(name: &str, path: &Path) -> Result<(Option<String>, String, Texts), TextProblems> {
    let one = |why: String| TextProblems(vec![format!("{name}: {why}")]);
    if name.ends_with(FORMER_FILE) {
        return Err(one(FORMER.to_owned()));
    }
    let folders: Vec<&str> = name.trim_end_matches(FILE).trim_end_matches('/').split('/').collect();
    let (app, tag) = match folders.as_slice() {
        [tag] => (None, *tag),
        [app, tag] => (Some((*app).to_owned()), *tag),
        _ => (None, ""),
    };
    let locale = match Locale::parse(tag) {
        Some(locale) if locale.tag() == tag => locale,
        Some(locale) => return Err(one(format!("the folder of this language is named {}", locale.tag()))),
        None => return Err(one(format!("it belongs in the folder of a language, such as de/{FILE}"))),
    };
    let length = fs::metadata(path).map_err(|error| one(error.to_string()))?.len();
    if length > LONGEST_FILE {
        return Err(one(format!("longer than {LONGEST_FILE} bytes")));
    }
    let source = fs::read_to_string(path).map_err(|error| one(error.to_string()))?;
    let texts = Texts::parse(&source, &locale).map_err(|problems| in_file(name, problems))?;
    Ok((app, tag.to_owned(), texts))
}

fn in_file(name: &str, problems: Vec<Problem>) -> TextProblems {
    TextProblems(problems.into_iter().map(|(line, error)| format!("{name}, line {line}: {error}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Key;

    fn catalog(files: &[(&str, &str)]) -> Result<Catalog, TextProblems> {
        let folder = tempfile::tempdir().unwrap();
        let write = |(index, (name, source)): (usize, &(&str, &str))| {
            let path = folder.path().join(index.to_string());
            fs::write(&path, source).unwrap();
            ((*name).to_owned(), path)
        };
        Catalog::with(&files.iter().enumerate().map(write).collect::<Vec<_>>())
    }

    #[test]
    fn every_language_has_every_text_with_the_same_places() {
        assert_eq!(Catalog::default().locales().len(), Locale::BUILT_IN.len());
        let english = Language::of_tag("en").unwrap().texts();
        for language in &BUILT_IN {
            let texts = language.texts();
            assert_eq!(texts.texts.len(), Key::all().count(), "{:?}", language.locale);
            for key in Key::all() {
                let places = |texts: &Texts| {
                    let text = texts.find(key).unwrap_or_else(|| panic!("{key:?} in {:?}", language.locale));
                    text.places().into_iter().collect::<BTreeSet<_>>()
                };
                assert_eq!(places(texts), places(english), "{key:?} in {:?}", language.locale);
            }
        }
    }

    #[test]
    fn numbers_choose_by_all_that_a_language_tells_apart() {
        let expected =
            [("en", "[one] [other]"), ("fr", "[one] [many] [other]"), ("es", "[one] [many] [other]")];
        for language in &BUILT_IN {
            let tag = language.locale.tag();
            let of_tag = expected.iter().find(|(known, _)| *known == tag);
            let expected = of_tag.map_or(if tag == "ja" { "" } else { "[one] [other]" }, |(_, found)| found);
            let source = language.source.concat();
            let choices: Vec<&str> =
                source.split("->\n").skip(1).map(|rest| rest.split_once("\n    }").unwrap().0).collect();
            assert_eq!(choices.is_empty(), tag == "ja", "there is no plural in Japanese");
            for choice in choices {
                let variants =
                    choice.lines().map(|line| line.trim_start_matches([' ', '*']).split(' ').next());
                let variants: Vec<&str> = variants.map(Option::unwrap).collect();
                assert_eq!(variants.join(" "), expected, "{tag}: {choice}");
            }
        }
    }

    #[test]
    fn a_template_says_nothing_until_a_text_is_let_in() {
        let locale = Locale::parse("de-AT").unwrap();
        let template = template(&locale);
        assert!(
            template.lines().all(|line| line.is_empty() || line.starts_with("# ") || line.starts_with("## "))
        );
        assert_eq!(Texts::parse(&template, &locale).unwrap().texts.len(), 0);
        let let_in: String =
            template.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
        assert_eq!(Texts::parse(&let_in, &locale).unwrap().texts.len(), Key::all().count());
        let button = "# sign_in =\n#     .button = Anmelden\n";
        let let_in = template.replace(button, "sign_in =\n    .button = Los\n");
        assert_ne!(let_in, template);
        assert_eq!(Texts::parse(&let_in, &locale).unwrap().texts.len(), 1);
    }

    #[test]
    fn the_most_particular_text_is_said_and_what_is_missing_stands_in() {
        let catalog = catalog(&[
            ("de/texts.ftl", "keep = de"),
            ("de-CH/texts.ftl", "sign_in =\n    .button = de-CH"),
            ("it/texts.ftl", "sign_in =\n    .button = it"),
            ("en/texts.ftl", "confirm =\n    .button = own en"),
            ("shop/de/texts.ftl", "keep = shop de { $app }"),
            ("shop/nl/texts.ftl", "keep = shop nl"),
        ])
        .unwrap();
        let cases = [
            ("forum", "de", Key::Keep, "de"),
            ("forum", "de-CH", Key::Keep, "de"),
            ("forum", "de-CH", Key::SignInButton, "de-CH"),
            ("forum", "de", Key::SignInButton, "Anmelden"),
            ("shop", "de-CH", Key::Keep, "shop de My Shop"),
            ("forum", "it", Key::SignInButton, "it"),
            ("forum", "it", Key::ConfirmButton, "own en"),
            ("forum", "it", Key::SignInCode, "Enter this code to sign in:"),
            ("shop", "nl", Key::Keep, "shop nl"),
            ("forum", "nl", Key::SignInButton, "Sign in"),
        ];
        for (app, tag, key, expected) in cases {
            let wording = catalog.wording(app, &Locale::parse(tag).unwrap());
            assert_eq!(wording.say(key, &[("app", "My Shop".into())]), expected, "{app} {tag} {key:?}");
        }
        for (app, wanted, expected) in [
            ("shop", "nl", "nl"),
            ("forum", "nl", "en"),
            ("forum", "it-IT", "it"),
            ("forum", "de-CH-1996", "de-CH"),
        ] {
            assert_eq!(catalog.negotiate(app, wanted).tag(), expected, "{app} {wanted}");
        }
        assert_eq!(catalog.locales().len(), 8);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let problems = catalog(&[
            ("texts.ftl", "keep = x"),
            ("shop/texts.ftl", "keep = x"),
            ("pt-br/texts.ftl", "keep = x"),
            ("shop/de/texts.ftl", "kepp = x\nkeep = {"),
            ("fr/texts.ftl", "keep = good"),
            ("it/texts.txt", "keep = x"),
        ]);
        assert_eq!(
            problems.unwrap_err().to_string(),
            "texts.ftl: it belongs in the folder of a language, such as de/texts.ftl\n\
             shop/texts.ftl: it belongs in the folder of a language, such as de/texts.ftl\n\
             pt-br/texts.ftl: the folder of this language is named pt-BR\n\
             shop/de/texts.ftl, line 1: there is no text `kepp`: did you mean `keep`?\n\
             shop/de/texts.ftl, line 2: `keep`: a brace has no partner, or no `$name` stands in it\n\
             it/texts.txt: texts are files of Fluent now, named texts.ftl. What was `sign_in.subject = {app}: Your code` is\n\
             sign_in =\n    .subject = { $app }: Your code\n\
             and the former file is removed"
        );
        assert!(Catalog::with(&[("de/texts.ftl".to_owned(), PathBuf::from("/nonexistent"))]).is_err());
        let long = format!("keep = x\n{}", "#\n".repeat(140_000));
        assert!(
            catalog(&[("de/texts.ftl", &long)]).unwrap_err().to_string().contains("longer than 262144 bytes")
        );
    }
}
