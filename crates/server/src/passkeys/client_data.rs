//! What a browser says about the page that asked (Web Authentication Level 3, 5.8.1), and the rules for it.

use serde::Deserialize;

use super::{fault::Fault, response::Base64Url};

/// What was asked, and where it may be answered.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `webauthn.create` or `webauthn.get`.
    pub kind: &'a str,
    /// The random bytes of the question.
    pub challenge: &'a [u8],
    /// The pages that may answer it, exactly as browsers write them.
    pub origins: &'a [String],
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: Base64Url,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<serde::de::IgnoredAny>,
}

fn read(json: &[u8]) -> Result<ClientData, Fault> {
    // A list would be read as the members in order.
    if json.first() != Some(&b'{') {
        return Err(Fault::ClientData);
    }
    serde_json::from_slice(json).map_err(|_| Fault::ClientData)
}

/// The challenge that an answer names, before anything is known of it.
///
/// # Errors
/// [`Fault::ClientData`].
pub fn challenge(json: &[u8]) -> Result<Vec<u8>, Fault> {
    read(json).map(|data| data.challenge.0)
}

/// Checks what a browser says. No page of ours is to be framed, so an answer out of a frame is not one to a question of
/// ours.
///
/// # Errors
/// The [`Fault`] that is first found.
pub fn check(json: &[u8], asked: &Asked<'_>) -> Result<(), Fault> {
    let data = read(json)?;
    if data.kind != asked.kind {
        return Err(Fault::Type);
    }
    // No secret: whoever answers has it from us.
    if data.challenge.0 != asked.challenge {
        return Err(Fault::Challenge);
    }
    if !asked.origins.contains(&data.origin) {
        return Err(Fault::Origin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(Fault::CrossOrigin);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn checked(json: &str) -> Result<(), Fault> {
        let origins = ["https://auth.example".to_owned(), "https://shop.example".to_owned()];
        check(json.as_bytes(), &Asked { kind: "webauthn.get", challenge: &[0xfb, 1, 2], origins: &origins })
    }

    #[test]
    fn p17_type_challenge_origin_and_frames_are_matched_exactly() {
        let good = json!({"type": "webauthn.get", "challenge": "-wEC", "origin": "https://auth.example", "crossOrigin": false});
        let with = |member: &str, value: serde_json::Value| {
            let mut data = good.clone();
            data[member] = value;
            checked(&data.to_string())
        };
        assert_eq!(checked(&good.to_string()), Ok(()));
        assert_eq!(with("more", json!({"deep": [1, 2]})), Ok(()), "members to come are ignored");
        assert_eq!(with("origin", json!("https://shop.example")), Ok(()));
        for (member, value, fault) in [
            ("type", json!("webauthn.create"), Fault::Type),
            ("type", json!("webauthn.get "), Fault::Type),
            ("type", json!("payment.get"), Fault::Type),
            ("challenge", json!("-wED"), Fault::Challenge),
            ("challenge", json!(""), Fault::Challenge),
            ("challenge", json!("-wECAA"), Fault::Challenge),
            ("challenge", json!("+wEC"), Fault::ClientData),
            ("challenge", json!("-wEC="), Fault::ClientData),
            ("origin", json!("https://auth.example/"), Fault::Origin),
            ("origin", json!("https://auth.example:443"), Fault::Origin),
            ("origin", json!("https://AUTH.example"), Fault::Origin),
            ("origin", json!("http://auth.example"), Fault::Origin),
            ("origin", json!("https://auth.example.evil.example"), Fault::Origin),
            ("origin", json!("https://sub.auth.example"), Fault::Origin),
            ("origin", json!("null"), Fault::Origin),
            ("origin", json!(null), Fault::ClientData),
            ("crossOrigin", json!(true), Fault::CrossOrigin),
            ("crossOrigin", json!("false"), Fault::ClientData),
            ("topOrigin", json!("https://auth.example"), Fault::CrossOrigin),
        ] {
            assert_eq!(with(member, value.clone()), Err(fault), "{member} {value}");
        }
        for json in [
            "",
            "{}",
            "[\"webauthn.get\",\"-wEC\",\"https://auth.example\",false,null]",
            "{\"type\":\"webauthn.get\",\"type\":\"webauthn.get\",\"challenge\":\"-wEC\",\"origin\":\"https://auth.example\"}",
            "\u{feff}{\"type\":\"webauthn.get\",\"challenge\":\"-wEC\",\"origin\":\"https://auth.example\"}",
            "{\"type\":\"webauthn.get\",\"challenge\":\"-wEC\",\"origin\":\"https://auth.example\"} x",
        ] {
            assert_eq!(checked(json), Err(Fault::ClientData), "{json}");
        }
        assert_eq!(
            checked("{\"type\":\"webauthn.get\",\"challenge\":\"-wEC\",\"origin\":\"https://auth.example\"}"),
            Ok(())
        );
    }

    proptest! {
        #[test]
        fn p17_no_other_text_is_taken(json in "\\PC{0,200}") {
            prop_assert!(checked(&json).is_err());
        }
    }
}
