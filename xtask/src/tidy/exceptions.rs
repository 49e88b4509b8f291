//! What is tolerated, each with its reason. The table may only shrink: what is no longer needed must go.

use super::{Finding, Rule};

/// One tolerated breach of a rule in one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    /// The rule.
    pub(crate) rule: Rule,
    /// The file.
    pub(crate) path: &'static str,
    /// How much of it: the number of findings, or the sum of their sizes for rules on sizes. Exactly.
    pub(crate) amount: usize,
    /// Why it is right, or what must happen before it can go.
    pub(crate) reason: &'static str,
}

/// All of them.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Takes away what is tolerated, and adds what the table itself gets wrong.
pub(crate) fn apply(findings: &[Finding], exceptions: &[Exception]) -> Vec<Finding> {
    let matches = |exception: &Exception, finding: &Finding| {
        exception.rule == finding.rule && exception.path == finding.path
    };
    let amount = |exception: &Exception| -> usize {
        findings.iter().filter(|finding| matches(exception, finding)).map(|finding| finding.size).sum()
    };
    let table = "xtask/src/tidy/exceptions.rs";
    let wrong: Vec<Finding> = exceptions
        .iter()
        .filter(|exception| amount(exception) < exception.amount || exception.reason.is_empty())
        .map(|exception| {
            let Exception { rule, path, .. } = exception;
            let advice =
                format!("{rule:?} in {path} needs {} now, and a reason: lower it", amount(exception));
            Finding::new(Rule::Exception, table, 1, advice)
        })
        .collect();
    let is_tolerated = |finding: &Finding| {
        exceptions
            .iter()
            .any(|exception| matches(exception, finding) && amount(exception) <= exception.amount)
    };
    let kept: Vec<Finding> = findings.iter().filter(|finding| !is_tolerated(finding)).cloned().collect();
    [kept, wrong].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_exact() {
        let exception = |amount, reason| Exception { rule: Rule::FileLines, path: "a.rs", amount, reason };
        let finding = Finding::sized(Rule::FileLines, "a.rs", 1, 450, "split it".to_owned());
        let rules = |findings: &[Finding], exceptions: &[Exception]| -> Vec<Rule> {
            apply(findings, exceptions).iter().map(|each| each.rule).collect()
        };
        let found = [finding];
        assert_eq!(rules(&found, &[]), [Rule::FileLines]);
        assert_eq!(rules(&found, &[exception(450, "why")]), []);
        assert_eq!(rules(&found, &[exception(449, "why")]), [Rule::FileLines], "it has grown");
        assert_eq!(rules(&found, &[exception(451, "why")]), [Rule::Exception], "it has shrunk");
        assert_eq!(rules(&found, &[exception(450, "")]), [Rule::Exception], "no reason");
        assert_eq!(rules(&[], &[exception(450, "why")]), [Rule::Exception], "it is gone");
    }
}
