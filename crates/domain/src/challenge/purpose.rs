//! What a challenge is for. It knows no challenge.

/// What the proof is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Purpose {
    /// An access token.
    #[default]
    SignIn,
    /// A proof that the address is the person's, good for nothing else.
    ConfirmAddress,

    /// An access token as for [`SignIn`](Self::SignIn), and for somebody new the password that they wished.
    Register,
    /// A new password, and nothing else.
    ResetPassword,
}

impl Purpose {
    /// The name under which it travels and is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::ConfirmAddress => "confirm_address",
            Self::Register => "register",
            Self::ResetPassword => "reset_password",
        }
    }

    /// The purpose that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::SignIn, Self::ConfirmAddress, Self::Register, Self::ResetPassword];
        all.into_iter().find(|purpose| purpose.name() == name)
    }
}
