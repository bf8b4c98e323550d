//! The filter chain around a filter, and its TLS context.

use std::rc::Rc;

use crate::configurations::WasmFilter;
use crate::document::Node;

/// The filter chain that a filter stands in.
pub(super) struct Chain<'a> {
    node: &'a Rc<Node>,
    path: String,
}

impl<'a> Chain<'a> {
    pub(super) fn of(filter: &'a WasmFilter) -> Option<Self> {
        let (node, path) = filter.trail.nearest("filters")?;
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
