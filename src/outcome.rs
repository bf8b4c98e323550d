//! How the filter's work on a request ended, as metrics and `explain` name it (contract §4.9).

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The origin was sent the certificate and answered.
    Forwarded,
    /// A request that carried the certificate was never processed by the origin's application.
    Undelivered,
    /// The certificate was not verified, so it was not sent.
    Unverified,
    /// The encoded certificate exceeds the limit: only its hash was sent.
    TooLarge,
    /// A certificate was presented, but no source yields it.
    SourceMissing,
    /// The client presented no certificate.
    NoCertificate,
    /// Answered 403 because the setting requires a verified certificate, or 400 because the
    /// hostname does not tell whether one is required.
    Denied,
    /// Answered 421: the connection was opened for another hostname.
    Misdirected,
    /// A managed header that the client made was removed.
    SpoofStripped,
    /// Answered 400: the client sent a managed header.
    SpoofRejected,
}

impl Outcome {
    /// Returns the value of the `outcome` label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Undelivered => "undelivered",
            Self::Unverified => "unverified",
            Self::TooLarge => "too_large",
            Self::SourceMissing => "source_missing",
            Self::NoCertificate => "no_certificate",
            Self::Denied => "denied",
            Self::Misdirected => "misdirected",
            Self::SpoofStripped => "spoof_stripped",
            Self::SpoofRejected => "spoof_rejected",
        }
    }
}
