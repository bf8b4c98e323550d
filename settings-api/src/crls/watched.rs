//! The CRLs in force, and which files they come from.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use client_cert_crl::{Crl, revoked_certificates};
use client_cert_forwarder::config::schema::RevokedCertificate;

use super::reading;
use super::status::{CrlStatus, ListStatus};
use crate::error::Error;
use crate::file_stamp::FileStamp;
use crate::model::crl_source::CrlSource;

/// How often a file that can't be used is read again: a list may become valid as time passes.
const RETRY: Duration = Duration::from_secs(10);

/// All CRLs of a base configuration: of each file the last good ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crls {
    files: Vec<WatchedFile>,
    revoked: Arc<Vec<RevokedCertificate>>,
}

#[derive(Clone, Debug)]
struct WatchedFile {
    source: CrlSource,
    /// Of the CRLs and of the CA certificates, when they were read.
    stamps: [FileStamp; 2],
    read: Instant,
    lists: Arc<Vec<Crl>>,
    /// Why the latest content can't be used, or why the lists in force are not current.
    error: Option<String>,
}

impl Crls {
    /// Reads the CRLs of a base configuration. A file that was read `before` keeps its last good
    /// lists where its content can't be used now; any other must be good, for nothing may be
    /// published without a list that was asked for.
    ///
    /// # Errors
    /// The first file that can't be used, with its JSON path.
    pub(crate) fn load(
        sources: &[CrlSource],
        before: &Self,
        now: SystemTime,
    ) -> Result<Self, Error> {
        let mut files = Vec::new();
        for (number, source) in sources.iter().enumerate() {
            let known = before.files.iter().find(|file| file.source == *source);
            let file = match known {
                Some(file) => file.again(now),
                None => WatchedFile::read(source, now)
                    .map_err(|error| Error(format!("crls[{number}]: {error}")))?,
            };
            files.push(file);
        }
        Ok(Self::of(files))
    }

    /// Looks at the files and at the clock; none if nothing has changed.
    pub(crate) fn refreshed(&self, is_forced: bool, now: SystemTime) -> Option<Self> {
        let files = self.files.iter();
        let files: Vec<_> = files.map(|file| file.refreshed(is_forced, now)).collect();
        if files.iter().all(Option::is_none) {
            return None;
        }
        let files = files.into_iter().zip(&self.files);
        let files = files.map(|(new, old)| new.unwrap_or_else(|| old.clone()));
        Some(Self::of(files.collect()))
    }

    /// Keeps the lists of `before`, since these can't be published.
    pub(crate) fn refused(mut self, before: &Self, reason: &Error) -> Self {
        for (new, old) in self.files.iter_mut().zip(&before.files) {
            if !Arc::ptr_eq(&new.lists, &old.lists) {
                new.lists = Arc::clone(&old.lists);
                new.error = Some(reason.to_string());
            }
        }
        self.revoked = Arc::clone(&before.revoked);
        self
    }

    /// Returns the entries of all lists.
    pub(crate) fn revoked_certificates(&self) -> &[RevokedCertificate] {
        &self.revoked
    }

    /// Lists what is known of each file.
    pub(crate) fn statuses(&self) -> Vec<CrlStatus> {
        self.files.iter().map(WatchedFile::status).collect()
    }

    fn of(files: Vec<WatchedFile>) -> Self {
        let lists = files.iter().flat_map(|file| file.lists.iter());
        let revoked = revoked_certificates(lists).into_iter();
        let revoked = revoked.map(|entry| RevokedCertificate::Serial {
            issuer_dn: entry.issuer_dn.to_owned(),
            serial: entry.serial.to_owned(),
        });
        Self {
            revoked: Arc::new(revoked.collect()),
            files,
        }
    }
}

impl WatchedFile {
    fn read(source: &CrlSource, now: SystemTime) -> Result<Self, String> {
        // The stamps come first: a change while the file is read is seen the next time.
        let stamps = stamps(source);
        let lists = reading::read(source, now)?;
        let file = Self {
            source: source.clone(),
            stamps,
            read: Instant::now(),
            lists: Arc::new(lists),
            error: None,
        };
        file.log_success();
        Ok(file)
    }

    fn refreshed(&self, is_forced: bool, now: SystemTime) -> Option<Self> {
        let is_due = self.error.is_some() && self.read.elapsed() >= RETRY;
        if is_forced || is_due || stamps(&self.source) != self.stamps {
            return Some(self.again(now));
        }
        let expired = self
            .lists
            .iter()
            .find_map(|list| list.check_dates(now).err());
        let expired = expired.filter(|_| self.error.is_none())?;
        Some(self.failed(self.stamps, expired.to_string()))
    }

    /// Reads the file again.
    fn again(&self, now: SystemTime) -> Self {
        let stamps = stamps(&self.source);
        let read = Self::read(&self.source, now);
        read.unwrap_or_else(|error| self.failed(stamps, error))
    }

    fn failed(&self, stamps: [FileStamp; 2], error: String) -> Self {
        if self.error.as_ref() != Some(&error) {
            let file = self.source.name();
            tracing::error!(
                file,
                error,
                "the CRL can't be used, the last good one stays"
            );
        }
        Self {
            stamps,
            read: Instant::now(),
            error: Some(error),
            ..self.clone()
        }
    }

    fn log_success(&self) {
        let file = self.source.name();
        for list in &*self.lists {
            tracing::info!(
                file,
                issuer_dn = list.issuer_dn(),
                entries = list.serials().len(),
                next_update = list.next_update().map(|time| time.to_string()),
                "CRL read"
            );
            if !list.scope().covers_client_certificates() {
                tracing::warn!(
                    file,
                    issuer_dn = list.issuer_dn(),
                    "the CRL does not cover all client certificates: name the CA's other CRLs too"
                );
            }
        }
    }

    fn status(&self) -> CrlStatus {
        CrlStatus {
            file: self.source.name(),
            valid: self.error.is_none(),
            lists: self.lists.iter().map(ListStatus::new).collect(),
            error: self.error.clone(),
        }
    }
}

fn stamps(source: &CrlSource) -> [FileStamp; 2] {
    [source.file(), source.ca()].map(|path| FileStamp::of(&path))
}
