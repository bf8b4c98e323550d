//! The frame of every page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::problem::Problem;
use super::visitor::Visitor;

/// The sections of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Hostnames and their settings.
    Hostnames,
    /// The Envoys.
    Fleet,
    /// Revoked certificates and CRLs.
    Certificates,
    /// Changes.
    Audit,
    /// The filter's decision.
    Explain,
}

impl Section {
    /// All of them, in the order of the navigation.
    const ALL: [Self; 5] = [
        Self::Hostnames,
        Self::Fleet,
        Self::Certificates,
        Self::Audit,
        Self::Explain,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Hostnames => "Hostnames",
            Self::Fleet => "Fleet",
            Self::Certificates => "Certificates",
            Self::Audit => "Audit",
            Self::Explain => "Explain",
        }
    }

    /// Returns the path of the section's page.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Hostnames => "/hostnames",
            Self::Fleet => "/fleet",
            Self::Certificates => "/certificates",
            Self::Audit => "/audit",
            Self::Explain => "/explain",
        }
    }
}

/// Everything around the content of a page.
pub(super) struct Frame {
    /// The navigation.
    pub(super) links: Vec<NavigationLink>,
    /// The token's name.
    pub(super) token: String,
    /// The secret that each form carries.
    pub(super) form_secret: String,
    /// What the previous request has to say.
    pub(super) notice: Option<String>,
}

/// A link of the navigation.
pub(super) struct NavigationLink {
    /// Its text.
    pub(super) name: &'static str,
    /// Its target.
    pub(super) path: &'static str,
    /// Whether it leads to this page.
    pub(super) is_current: bool,
}

impl Frame {
    /// Builds the frame of a page in a section.
    pub(super) fn new(visitor: &Visitor, section: Section) -> Self {
        let link = |it: Section| NavigationLink {
            name: it.name(),
            path: it.path(),
            is_current: it == section,
        };
        Self {
            links: Section::ALL.map(link).into(),
            token: visitor.token.name.clone(),
            form_secret: visitor.form_secret.as_str().to_owned(),
            notice: visitor.notice.clone(),
        }
    }
}

/// Renders a page.
///
/// # Errors
/// A fault of this program.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| Problem::internal(&error))?;
    Ok((status, Html(html)).into_response())
}
