//! Two apps of different realms never share an audience.

use super::{super::declared, load, problems};

#[test]
fn p32_two_apps_of_different_realms_never_share_an_audience() {
    let file = |realm: &str, audience: &str| {
        format!(
            "[[realms]]\nname = \"staff\"\n[[apps]]\nname = \"a\"\n[[apps]]\nname = \"b\"\nrealm = \"{realm}\"\n\
             audience = \"{audience}\""
        )
    };
    for (realm, audience, is_told) in
        [("staff", "a", true), ("default", "a", false), ("staff", "b", false), ("staff", "c", false)]
    {
        let text = file(realm, audience);
        let told = problems(&text).into_iter().find(|problem| problem.contains("audience"));
        assert_eq!(told.is_some(), is_told, "{told:?}");
        assert!(told.is_none_or(|told| told.contains("the app a of the realm default has this audience")));
        assert_eq!(declared(&load(&text, &[]).unwrap().config.apps).is_err(), is_told, "{text}");
    }
}
