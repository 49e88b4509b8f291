//! What can be wrong with a text, in words for whoever wrote it.

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No text begins here.
    #[error("expected `name = text`")]
    Line,
    /// An attribute without its message.
    #[error("`.{0}` belongs to no message: the line `name =` is missing above it")]
    Alone(String),
    /// A name as it was written before texts were files of Fluent.
    #[error(
        "`{message}.{attribute}` is written on two lines: `{message} =` and, below it, `    .{attribute} = text`"
    )]
    Dotted {
        /// What stands before the dot.
        message: String,
        /// What stands after it.
        attribute: String,
    },
    /// The key is not known.
    #[error("there is no text `{0}`{hint}", hint = .1.map_or(String::new(), |near| format!(": did you mean `{near}`?")))]
    Key(String, Option<&'static str>),
    /// A term.
    #[error("`{0}` is a term: there are none here, write its words where they are said")]
    Term(String),
    /// The key is there twice.
    #[error("`{0}` is there a second time")]
    Repeated(&'static str),
    /// Nothing stands after `=`.
    #[error("`{0}` says nothing")]
    Empty(String),
    /// It is not Fluent, in the parser's words.
    #[error("`{0}`: {1}")]
    Syntax(&'static str, String),
    /// More opening braces and parentheses than are read.
    #[error("`{0}` has more than {most} braces and parentheses", most = super::reader::MOST_OPENINGS)]
    Crowded(&'static str),
    /// A reference to what is not in the text itself.
    #[error("`{key}` holds {what}, which texts here cannot: this one can hold {known}")]
    Reference {
        /// The text.
        key: &'static str,
        /// What is referred to.
        what: String,
        /// What it may hold.
        known: String,
    },
    /// A place that nobody fills.
    #[error("`{key}`: nothing is put in `{{ ${place} }}`: this text can hold {known}")]
    Place {
        /// The text.
        key: &'static str,
        /// The place.
        place: String,
        /// The places that there are.
        known: String,
    },
    /// A choice by what is no number.
    #[error("`{0}`: words are chosen by a number, such as `{{ $count ->`, and by nothing else")]
    Selector(&'static str),
    /// A variant for numbers that there are not.
    #[error("`{key}`: `[{variant}]` is never said: a variant is for a whole number or one of {known}")]
    Variant {
        /// The text.
        key: &'static str,
        /// What stands in brackets.
        variant: String,
        /// The categories of the language.
        known: String,
    },
    /// Two variants for the same numbers.
    #[error("`{key}`: `[{variant}]` is there a second time")]
    RepeatedVariant {
        /// The text.
        key: &'static str,
        /// What stands in brackets.
        variant: String,
    },
    /// A text without the one thing that it is there to say; a variant for a single number says that one itself.
    #[error("`{0}` must hold `{{ ${1} }}`, in each of its variants")]
    Missing(&'static str, &'static str),
    /// A line end.
    #[error("`{0}` is longer than one line")]
    Lines(&'static str),
    /// A character that moves what is around it, or that nobody sees.
    #[error("`{0}` has a control character")]
    Control(&'static str),
    /// More than 500 characters.
    #[error("`{0}` is longer than {longest} characters", longest = super::reader::LONGEST)]
    TooLong(&'static str),
}
