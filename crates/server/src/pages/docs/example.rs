//! A call with curl that can be pasted into a shell, and what comes back.

use std::fmt::Write as _;

use serde_json::Value;

/// What follows the server's address: path, key and body. What the reader must put in is a variable of the shell:
/// `$ID` for `{id}`, `$SECRET_KEY` for the scheme `secret_key`.
pub(super) fn call(path: &str, scheme: Option<&str>, media_type: &str, body: &Value) -> String {
    let mut call = String::new();
    for piece in path.split_inclusive(['{', '}']) {
        match piece.strip_suffix('}') {
            Some(name) => call.extend(["$", &name.to_uppercase()]),
            None => call.push_str(piece.trim_end_matches('{')),
        }
    }
    call.push('"');
    if let Some(scheme) = scheme {
        let _ = write!(call, " \\\n  -H \"Authorization: Bearer ${}\"", scheme.to_uppercase());
    }
    if media_type == "application/json" {
        let _ = write!(call, " \\\n  -H 'Content-Type: {media_type}' \\\n  -d '{body}'");
    } else {
        for (name, value) in body.as_object().into_iter().flatten() {
            let _ = write!(call, " \\\n  -d '{name}={}'", value.as_str().unwrap_or_default());
        }
    }
    call
}

/// The example of an answer, a member a line; empty when there is none.
pub(super) fn answer(schema: &Value) -> String {
    let example = &schema["examples"][0];
    if example.is_null() { String::new() } else { format!("{example:#}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn can_be_pasted() {
        let cases = [
            (call("/keys", None, "", &Value::Null), "/keys\""),
            (
                call(
                    "/v1/challenges/{id}/verify",
                    Some("secret_key"),
                    "application/json",
                    &json!({"code": "1"}),
                ),
                "/v1/challenges/$ID/verify\" \\\n  -H \"Authorization: Bearer $SECRET_KEY\" \\\n  \
                 -H 'Content-Type: application/json' \\\n  -d '{\"code\":\"1\"}'",
            ),
            (
                call("/oauth2/revoke", None, "application/x-www-form-urlencoded", &json!({"token": "e"})),
                "/oauth2/revoke\" \\\n  -d 'token=e'",
            ),
        ];
        for (printed, expected) in cases {
            assert_eq!(printed, expected);
        }
    }
}
