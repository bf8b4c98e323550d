//! The same jobs as the filter's, done the slow and obvious way, with nothing of its code or its
//! libraries.

pub mod encoding;
pub mod header_map;
pub mod header_names;
pub mod hostname;
pub mod json;
pub mod xfcc;
