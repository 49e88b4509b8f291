//! What may be wrong with an authenticator's answer: for tests, events and whoever writes a page. It says nothing about
//! any person.

use countersign_domain::refusal::Refusal;

/// Why an answer is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The JSON around it is not that of Web Authentication Level 3.
    #[error("expected the JSON of a PublicKeyCredential")]
    Form,
    /// The client data do not read.
    #[error("the client data do not read")]
    ClientData,
    /// It is the answer to another kind of question.
    #[error("it answers another kind of question")]
    Type,
    /// It is the answer to another question.
    #[error("it answers another question")]
    Challenge,
    /// It was given on a page of somebody else.
    #[error("the page has another origin")]
    Origin,
    /// It was given in a frame of another site's page.
    #[error("the page is framed by another site")]
    CrossOrigin,
    /// The authenticator data do not read.
    #[error("the authenticator data do not read")]
    AuthenticatorData,
    /// The authenticator was asked for somebody else.
    #[error("the authenticator was asked for another RP ID")]
    RpId,
    /// Nobody touched the authenticator.
    #[error("nobody was present")]
    NotPresent,
    /// The authenticator did not know the person, and had to.
    #[error("the person was not verified")]
    NotVerified,
    /// What it says about copies contradicts itself, or what it said before.
    #[error("the backup state is impossible")]
    BackupState,
    /// The attestation object does not read.
    #[error("the attestation object does not read")]
    Attestation,
    /// The key is of no kind that was asked for, or no good key.
    #[error("the public key is of no kind that was asked for")]
    Key,
    /// The question was answered, is too old, or was asked elsewhere.
    #[error("the question is over: ask for another one")]
    Over,
    /// The id is not that of the credential.
    #[error("the credential has another id")]
    CredentialId,
    /// The credential is there already.
    #[error("the credential is registered already")]
    Taken,
    /// The user handle is another person's, or missing where nothing else says who it is.
    #[error("the user handle does not fit")]
    UserHandle,
    /// The key did not make the signature.
    #[error("the signature is not the key's")]
    Signature,
    /// The authenticator has signed less often than before: there may be two of it.
    #[error("the signature counter fell: there may be a copy of the authenticator")]
    Counter,
}

/// What a caller is told: that the question is over, or that the answer was not accepted, and no more.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Over => Self::CeremonyOver,
            _ => Self::InvalidPasskey,
        }
    }
}
