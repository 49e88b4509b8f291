//! From a letter to subject, text and HTML: built-in templates and texts, or an operator's own, all read and tried
//! before they are used. Knows no MIME and no servers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};

use super::{
    blocks::{Block, Draft, Kind, one_line},
    letter::{Letter, Purpose},
};
use crate::{
    pages::own::{self, Logo, OwnError, OwnPages},
    texts::{Catalog, catalog},
};

mod sample;

/// A letter in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, on one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// Templates or texts that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("{} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// A template is not understood, or names something that is not there.
    #[error("the mail template {name} cannot be used: {reason}")]
    Broken {
        /// The template's path below the folder.
        name: String,
        /// What minijinja says, with the line.
        reason: String,
    },
    /// Files of texts cannot be used.
    #[error(transparent)]
    Texts(#[from] catalog::TextProblems),
    /// Pages or logos cannot be used.
    #[error(transparent)]
    Pages(#[from] OwnError),
}

/// The names of the two templates, and of an operator's texts.
const TEXT: &str = "mail.txt";
const HTML: &str = "mail.html";
const TEXT_FILES: [&str; 2] = [catalog::FILE, catalog::FORMER_FILE];
/// The prefix of the built-in ones; no folder can have this name.
const BUILT_IN: &str = "<built in>/";

/// Prints letters.
#[derive(Debug)]
pub struct Renderer {
    templates: Environment<'static>,
    catalog: Catalog,
    /// Whether an operator has templates: without them there is nothing to look for.
    overridden: bool,
    pages: OwnPages,
}

impl Renderer {
    /// The templates and texts that come with the program.
    ///
    /// # Errors
    /// [`TemplateError`] if they were damaged before the program was built.
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::of(Catalog::default())
    }

    fn of(catalog: Catalog) -> Result<Self, TemplateError> {
        let templates = environment().map_err(|error| broken(BUILT_IN, &error))?;
        let mut renderer = Self { templates, catalog, overridden: false, pages: OwnPages::default() };
        renderer.add(&format!("{BUILT_IN}{TEXT}"), include_str!("../templates/mail/mail.txt"))?;
        renderer.add(&format!("{BUILT_IN}{HTML}"), include_str!("../templates/mail/mail.html"))?;
        Ok(renderer)
    }

    /// The built-in templates and texts, and an operator's. `mail.txt` and `mail.html` are looked for, each by itself,
    /// in `<folder>/<app>/<locale>/`, `<folder>/<app>/`, `<folder>/<locale>/`, `<folder>/`; pages and logos as
    /// [`OwnPages::load`] says; texts as
    /// [`Catalog::with`] says. Every template is compiled here and printed with sample letters of every purpose and
    /// language, so that none fails later.
    ///
    /// # Errors
    /// [`TemplateError`] if the folder cannot be read, or a template or a text cannot be used.
    pub fn load(folder: &Path) -> Result<Self, TemplateError> {
        let (pages, files): (Vec<_>, Vec<_>) =
            files(folder)?.into_iter().partition(|(name, _)| own::is_one(name));
        let (texts, templates): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(name, _)| TEXT_FILES.iter().any(|file| name.ends_with(file)));
        let mut renderer = Self::of(Catalog::with(&texts)?)?;
        renderer.pages = OwnPages::load(&pages)?;
        for (name, path) in templates {
            let source = fs::read_to_string(&path).map_err(|error| TemplateError::Unreadable(path, error))?;
            renderer.add(&name, &source)?;
            renderer.try_out(&name)?;
            renderer.overridden = true;
        }
        Ok(renderer)
    }

    /// Prints a letter. If an operator's template fails all the same, the built-in one is used.
    ///
    /// # Errors
    /// [`TemplateError::Broken`] if even the built-in template fails, which tests rule out.
    pub fn render(&self, letter: &Letter) -> Result<Rendered, TemplateError> {
        let wording = self.catalog.wording(&letter.app_name, &letter.locale);
        let draft = Draft::new(letter, &wording);
        let subject = draft.subject();
        let values = values(letter, &subject, draft.blocks());
        let text = self.print(letter, TEXT, &values)?;
        let html = self.print(letter, HTML, &values)?;
        Ok(Rendered { subject, text, html })
    }

    /// The texts, for pages.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// An operator's own pages.
    #[must_use]
    pub const fn pages(&self) -> Option<&Environment<'static>> {
        self.pages.templates()
    }

    /// The logo of an app.
    #[must_use]
    pub fn logo(&self, app: &str) -> Option<&Logo> {
        self.pages.logo(app)
    }

    fn print(&self, letter: &Letter, kind: &str, values: &Value) -> Result<String, TemplateError> {
        let own = self.find(letter, kind).and_then(|name| self.print_named(&name, values).ok());
        own.map_or_else(|| self.print_named(&format!("{BUILT_IN}{kind}"), values), Ok)
    }

    fn print_named(&self, name: &str, values: &Value) -> Result<String, TemplateError> {
        let printed = self.templates.get_template(name).and_then(|template| template.render(values.clone()));
        printed.map_err(|error| broken(name, &error))
    }

    /// The operator's template for a letter, the most particular first.
    fn find(&self, letter: &Letter, kind: &str) -> Option<String> {
        if !self.overridden {
            return None;
        }
        let app = &letter.app_name;
        let of_app = letter.locale.widening().map(|tag| format!("{app}/{tag}/{kind}"));
        let of_all = letter.locale.widening().map(|tag| format!("{tag}/{kind}"));
        of_app
            .chain([format!("{app}/{kind}")])
            .chain(of_all)
            .chain([kind.to_owned()])
            .find(|name| self.templates.get_template(name).is_ok())
    }

    fn add(&mut self, name: &str, source: &str) -> Result<(), TemplateError> {
        let added = self.templates.add_template_owned(name.to_owned(), source.to_owned());
        added.map_err(|error| broken(name, &error))
    }

    /// Prints a template with every kind of letter that there can be.
    fn try_out(&self, name: &str) -> Result<(), TemplateError> {
        for letter in sample::all(&self.catalog.locales()) {
            let wording = self.catalog.wording(&letter.app_name, &letter.locale);
            let draft = Draft::new(&letter, &wording);
            let values = values(&letter, &draft.subject(), draft.blocks());
            self.print_named(name, &values)?;
        }
        Ok(())
    }
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // A misspelt name is found when the program starts, not by the person who gets half a mail.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    Ok(environment)
}

/// What templates can name.
fn values(letter: &Letter, subject: &str, blocks: Vec<Block>) -> Value {
    // The line below the subject in a list of mails: what to do, and never the code itself.
    let preheader = blocks.iter().find(|block| block.kind == Kind::Paragraph);
    let preheader = preheader.map_or(String::new(), |block| match &letter.content {
        Some(_) => String::new(),
        None => block.text.clone(),
    });
    context! {
        lang => letter.locale.tag(),
        dir => letter.locale.direction(),
        purpose => match letter.purpose {
            Purpose::SignIn => "sign-in",
            Purpose::ConfirmAddress => "confirm-address",
            Purpose::ResetPassword => "reset-password",
            Purpose::Tell(_) => "notice",
        },
        title => one_line(&letter.app_title),
        app => &letter.app_name,
        subject => subject,
        preheader => preheader,
        code => letter.code.as_ref().map(|code| code.expose().as_str()),
        link => letter.link.as_ref().map(|link| link.expose().as_str()),
        minutes => letter.minutes,
        requested_from => letter.requested_from.as_deref().map(one_line),
        blocks => blocks.into_iter().map(Value::from).collect::<Value>(),
    }
}

fn broken(name: &str, error: &minijinja::Error) -> TemplateError {
    let line = error.line().map_or(String::new(), |line| format!(", line {line}"));
    TemplateError::Broken { name: name.to_owned(), reason: format!("{error}{line}") }
}

/// An operator's templates and texts: names below the folder, and paths, in order.
///
/// # Errors
/// [`TemplateError::Unreadable`] when a folder is not readable.
pub fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, TemplateError> {
    let mut found = below(folder, "", 2)?;
    found.sort_unstable();
    Ok(found)
}

fn below(folder: &Path, prefix: &str, depth: u8) -> Result<Vec<(String, PathBuf)>, TemplateError> {
    let unreadable = |error| TemplateError::Unreadable(folder.to_owned(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() && depth > 0 && !name.starts_with('.') {
            found.extend(below(&path, &format!("{prefix}{name}/"), depth - 1)?);
        } else if [TEXT, HTML].contains(&name)
            || TEXT_FILES.contains(&name)
            || own::is_one(&format!("{prefix}{name}"))
        {
            found.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
