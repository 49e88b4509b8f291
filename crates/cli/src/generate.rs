//! `countersign generate`: what was generated from the code, and what is made from its own command line and texts.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use countersign_server::texts::{Locale, catalog};

/// Print what is generated from the code.
#[derive(Debug, Args)]
pub struct Generate {
    /// Which.
    what: What,
    /// The language of `texts`.
    #[arg(long, default_value = "en", value_name = "TAG")]
    locale: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The document of the interface (OpenAPI 3.1).
    Openapi,
    /// The completions of a shell.
    Completions,
    /// The manual page.
    Manual,
    /// The JSON Schema of the configuration.
    Schema,
    /// A commented example of the configuration.
    Example,
    /// The sentences of mails and pages in a language, as a file to begin with.
    Texts,
}

impl Generate {
    /// Prints it.
    ///
    /// # Errors
    /// When it cannot be made or printed.
    pub fn run(self) -> anyhow::Result<()> {
        let mut command = <crate::Arguments as clap::CommandFactory>::command();
        let mut out = std::io::stdout().lock();
        match self.what {
            What::Openapi => write!(out, "{}", countersign_server::openapi::GENERATED)?,
            What::Completions => {
                clap_complete::generate(clap_complete::Shell::Bash, &mut command, "countersign", &mut out);
            }
            What::Manual => clap_mangen::Man::new(command).render(&mut out)?,
            What::Schema => write!(out, "{}", countersign_server::config::SCHEMA)?,
            What::Texts => {
                let locale =
                    Locale::parse(&self.locale).context("--locale: expected a tag such as de or pt-BR")?;
                write!(out, "{}", catalog::template(&locale))?;
            }
            What::Example => write!(out, "{}", countersign_server::config::EXAMPLE)?,
        }
        Ok(())
    }
}
