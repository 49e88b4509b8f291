//! Every way that a sign-in can take, step by step, for operators who ask what their policy means. It decides nothing.

use super::{Holdings, Judgement, Policy, Verdict};
use crate::assurance::{Level, Method, Methods};

/// A place that a sign-in can come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was proven, in this order.
    pub proven: Vec<Method>,
    /// What follows.
    pub judgement: Judgement,
}

impl Policy {
    /// Every way on from `proven` for somebody who has `held` and a mailbox, each step before those that follow from
    /// it. A link is left out where a code is offered: they are worth the same.
    #[must_use]
    pub fn walk(&self, proven: Methods, held: Holdings, asked: Level) -> Vec<Step> {
        let mut steps = Vec::new();
        self.follow(proven.iter().collect(), (held, asked), &mut steps);
        steps
    }

    fn follow(&self, proven: Vec<Method>, (held, asked): (Holdings, Level), steps: &mut Vec<Step>) {
        let judgement = self.explain(proven.iter().copied().fold(Methods::NONE, Methods::with), held, asked);
        let next = match &judgement.verdict {
            Verdict::More(methods) => methods.clone(),
            Verdict::Enough | Verdict::Enrol(_) => Vec::new(),
        };
        steps.push(Step { proven: proven.clone(), judgement });
        let is_possible = |method: Method| match method {
            Method::Code => true,
            Method::Link => !next.contains(&Method::Code),
            method => held.methods.has(method),
        };
        for method in next.iter().copied().filter(|method| is_possible(*method)) {
            let mut proven = proven.clone();
            proven.push(method);
            self.follow(proven, (held, asked), steps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(policy: Policy, proven: &[Method], held: &[Method]) -> Vec<(String, bool)> {
        let set = |of: &[Method]| of.iter().copied().fold(Methods::NONE, Methods::with);
        let steps =
            policy.walk(set(proven), Holdings { methods: set(held), is_trusted: false }, Level::Mailbox);
        let name = |step: &Step| step.proven.iter().map(|method| method.name()).collect::<Vec<_>>().join(" ");
        steps.iter().map(|step| (name(step), step.judgement.verdict == Verdict::Enough)).collect()
    }

    #[test]
    fn every_way_is_walked_and_none_that_nobody_can_go() {
        use Method::{Link, Passkey, Password, Totp};
        let any = Policy::default();
        let two = Policy { least: Level::Aal2, ..any };
        let of =
            |all: &[(&str, bool)]| all.iter().map(|(name, is)| ((*name).to_owned(), *is)).collect::<Vec<_>>();
        assert_eq!(ways(any, &[], &[]), of(&[("", false), ("code", true)]));
        assert_eq!(
            ways(two, &[], &[Password, Totp]),
            of(&[
                ("", false),
                ("password", false),
                ("password totp", true),
                ("code", false),
                ("code totp", false),
                ("code totp password", true),
            ])
        );
        assert_eq!(
            ways(two, &[Password], &[Password, Totp]),
            of(&[("password", false), ("password totp", true)])
        );
        let by_link = Policy { start: Methods::from(Link).with(Passkey), ..any };
        assert_eq!(ways(by_link, &[], &[Password]), of(&[("", false), ("link", true)]));
    }

    #[test]
    fn who_has_everything_has_few_ways() {
        let all: Vec<_> = Method::ALL.into_iter().collect();
        for least in Level::ALL {
            let steps = ways(Policy { least, ..Policy::default() }, &[], &all);
            assert!(steps.len() < 40, "{}", steps.len());
        }
    }
}
