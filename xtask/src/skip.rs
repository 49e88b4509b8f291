//! What a run may leave out, because somebody asked for it or because only root can have it; always told in the
//! summary. The names are those that the tests know in `COUNTERSIGN_TEST_SKIP`.

use crate::{options::Options, servers::Engine};

/// The variable by which tests learn what is left out.
pub(crate) const VARIABLE: &str = "COUNTERSIGN_TEST_SKIP";

/// Something that a run may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    /// A database engine.
    Engine(Engine),
    /// The tests with a real Postfix.
    Postfix,
    /// The tests with a real browser.
    Browser,
}

impl Skip {
    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::Engine(Engine::Postgres), Self::Engine(Engine::Mariadb), Self::Postfix, Self::Browser];

    /// As it is called on the command line, in the summary and in `COUNTERSIGN_TEST_SKIP`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Engine(engine) => engine.name(),
            Self::Postfix => "postfix",
            Self::Browser => "browser",
        }
    }
}

/// What is left out of a run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped(Vec<(Skip, &'static str)>);

impl Skipped {
    /// What the caller asked to leave out, and what cannot be had without being root.
    pub(crate) fn new(options: &Options, is_root: bool) -> Self {
        let mut skipped: Vec<_> = options.skipped.iter().map(|skip| (*skip, "left out by --skip")).collect();
        if !is_root && !options.skipped.contains(&Skip::Postfix) {
            skipped.push((Skip::Postfix, "only root can start Postfix: run as root to test with it"));
        }
        Self(skipped)
    }

    /// Whether this is left out.
    pub(crate) fn contains(&self, skip: Skip) -> bool {
        self.0.iter().any(|(left_out, _)| *left_out == skip)
    }

    /// The engines that are not left out.
    pub(crate) fn engines(&self) -> Vec<Engine> {
        Engine::ALL.into_iter().filter(|engine| !self.contains(Skip::Engine(*engine))).collect()
    }

    /// Each with its reason.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(skip, reason)| (skip.name(), *reason))
    }

    /// The variable by which the tests learn of it, together with what it held `already`.
    pub(crate) fn variable(&self, already: Option<String>) -> Option<(&'static str, String)> {
        let names = self.reasons().map(|(name, _)| name.to_owned());
        let names: Vec<String> = already.into_iter().chain(names).collect();
        (!names.is_empty()).then(|| (VARIABLE, names.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postfix_is_for_root_and_everything_left_out_is_told() {
        let options = |skipped: &[Skip]| Options { steps: vec![], skipped: skipped.to_vec(), install: true };
        let variable = |skipped: &[Skip], is_root| {
            Skipped::new(&options(skipped), is_root).variable(None).map(|(_, names)| names)
        };
        assert_eq!(variable(&[], true), None);
        assert_eq!(variable(&[], false).unwrap(), "postfix");
        assert_eq!(variable(&[Skip::Postfix, Skip::Browser], false).unwrap(), "postfix,browser");
        let skipped = Skipped::new(&options(&[Skip::Engine(Engine::Postgres)]), true);
        assert_eq!(skipped.engines(), [Engine::Mariadb]);
        assert_eq!(skipped.reasons().collect::<Vec<_>>(), [("postgres", "left out by --skip")]);
    }
}
