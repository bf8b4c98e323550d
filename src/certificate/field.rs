//! The client certificate (the fields beyond the two forwarding headers come next).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    CertDerBase64,
    CertFingerprintSha256,
    CertPresented,
}
pub const MANAGED_TRANSFORM: [(&str, Field); 0] = [];
impl Field {
    pub const ALL: &[(&str, Field)] = &[
        ("certDerBase64", Field::CertDerBase64),
        ("certFingerprintSHA256", Field::CertFingerprintSha256),
        ("certPresented", Field::CertPresented),
    ];
    pub fn from_name(name: &str) -> Option<Field> {
        Self::ALL.iter().find(|p| p.0 == name).map(|p| p.1)
    }
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|p| p.1 == self).map_or("", |p| p.0)
    }
    pub fn nearest_name(_: &str) -> Option<&'static str> {
        None
    }
}
