//! The console: the API's content as pages for people, rendered here.
//!
//! Each read and each change is a request to the API's own handlers with the token that signed in,
//! so the console can do nothing that the token can't do at the API.

mod access;
mod api_calls;
mod assets;
mod audit;
mod certificates;
mod cookies;
mod explain;
mod fleet;
mod form;
mod guard;
mod hostnames;
mod page;
mod paging;
mod problem;
mod routes;
mod same_origin;
mod secret;
mod security_headers;
mod sessions;
mod sign_in;
mod sign_in_limit;
mod state;
mod statuses;
mod visitor;

pub(crate) use routes::router;
pub(crate) use state::ConsoleState;
