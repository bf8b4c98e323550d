//! The filter chain around a filter, and its TLS context.

use std::rc::Rc;

use crate::configurations::Trail;
use crate::document::Node;

const MANAGER: &str = ".http_connection_manager.v3.HttpConnectionManager";

/// The filter chain that a filter stands in.
pub(super) struct Chain<'a> {
    node: &'a Rc<Node>,
    path: String,
}

impl<'a> Chain<'a> {
    pub(super) fn of(trail: &'a Trail) -> Option<Self> {
        let has_manager = |node: &Node| {
            let filters = node
                .get("filters")
                .map_or(&[][..], |filters| filters.items());
            let configs = filters
                .iter()
                .filter_map(|filter| filter.get("typed_config"));
            configs.into_iter().any(|config| config.is_message(MANAGER))
        };
        let (node, path) = trail.nearest_that(has_manager)?;
        Some(Self { node, path })
    }

    /// Returns the chain's `DownstreamTlsContext` and its path; `None` on plain text.
    pub(super) fn tls_context(&self) -> Option<(&'a Node, String)> {
        let typed_config = self.node.at(&["transport_socket", "typed_config"])?;
        let path = format!("{}.transport_socket.typed_config", self.path);
        if typed_config.is_message(".DownstreamTlsContext") {
            return Some((typed_config, path));
        }
        let inner = typed_config.at(&["downstream_tls_context"])?;
        Some((inner, format!("{path}.downstream_tls_context")))
    }
}
