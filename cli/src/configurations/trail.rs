//! The way from a document's top to a node, for the questions about its surroundings.

use std::rc::Rc;

use crate::document::{Node, Value};

/// The nodes above one, the top first, and the steps between them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    steps: Vec<(Rc<Node>, String)>,
}

impl Trail {
    /// Returns the nearest node above with this key, and its path.
    pub(crate) fn nearest(&self, key: &str) -> Option<(&Rc<Node>, String)> {
        self.nearest_that(|node| node.get(key).is_some())
    }

    /// Returns the nearest node above that `is_it`, and its path.
    pub(crate) fn nearest_that(
        &self,
        is_it: impl Fn(&Node) -> bool,
    ) -> Option<(&Rc<Node>, String)> {
        let index = self.steps.iter().rposition(|(node, _)| is_it(node))?;
        let (node, _) = self.steps.get(index)?;
        Some((node, self.path_to(index)))
    }

    /// Returns the document.
    pub(crate) fn top(&self) -> Option<&Rc<Node>> {
        self.steps.first().map(|(node, _)| node)
    }

    /// Returns the whole path.
    pub(crate) fn path(&self) -> String {
        self.path_to(self.steps.len())
    }

    /// Whether the way goes through `node`.
    pub(crate) fn passes(&self, node: &Rc<Node>) -> bool {
        self.steps.iter().any(|(above, _)| Rc::ptr_eq(above, node))
    }

    /// Returns the way one step further, to a child of `node`.
    pub(super) fn below(&self, node: &Rc<Node>, step: &str) -> Self {
        let mut below = self.clone();
        below.steps.push((Rc::clone(node), step.to_owned()));
        below
    }

    fn path_to(&self, depth: usize) -> String {
        let steps = self.steps.iter().take(depth);
        let path: String = steps.map(|(_, step)| step.as_str()).collect();
        path.trim_start_matches('.').to_owned()
    }
}

/// Calls `visit` with every node of the document and its trail, from the top down, until it says
/// that the nodes below need no visit.
pub(crate) fn walk(document: &Rc<Node>, visit: &mut dyn FnMut(&Rc<Node>, &Trail) -> bool) {
    descend(document, &mut Trail::default(), visit);
}

fn descend(node: &Rc<Node>, trail: &mut Trail, visit: &mut dyn FnMut(&Rc<Node>, &Trail) -> bool) {
    if !visit(node, trail) {
        return;
    }
    let mut below = |step: String, child: &Rc<Node>| {
        trail.steps.push((Rc::clone(node), step));
        descend(child, trail, visit);
        trail.steps.pop();
    };
    match &node.value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                below(format!("[{index}]"), item);
            }
        }
        Value::Object(members) => {
            for member in members {
                below(format!(".{}", member.key), &member.value);
            }
        }
        _ => {}
    }
}
