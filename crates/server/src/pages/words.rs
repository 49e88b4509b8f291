//! The texts of pages as their templates say them: `say("account.emails")`, `say("account.left", count=3)`.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, State, Value,
    value::{Kwargs, Object, from_args},
};

use super::voice::Voice;
use crate::texts::{Argument, Key};

/// What is said where there is no such text: `say("scope." ~ scope, or=scope)`.
const OTHERWISE: &str = "or";

/// What templates call as `say`.
pub(super) struct Say(pub(super) Voice);

impl fmt::Debug for Say {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Say")
    }
}

impl Object for Say {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (name, places): (&str, Kwargs) = from_args(args)?;
        let mut given = Vec::new();
        for place in places.args() {
            let value = places.get::<Value>(place)?;
            let number = u64::try_from(value.clone()).ok().filter(|_| value.is_integer());
            given.push((place, number, value.to_string()));
        }
        if let Some((.., other)) = given.iter().find(|(place, ..)| *place == OTHERWISE)
            && Key::of_name(name).is_none()
        {
            return Ok(Value::from(other.clone()));
        }
        let argument = |number: Option<u64>, words| number.map_or(Argument::Words(words), Argument::Number);
        let given: Vec<_> =
            given.iter().map(|(place, number, words)| (*place, argument(*number, words.as_str()))).collect();
        Ok(Value::from(self.0.say_named(name, &given)))
    }
}
