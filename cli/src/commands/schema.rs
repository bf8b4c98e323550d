//! `ccf schema`.

use anyhow::Result;
use client_cert_forwarder::config::json_schema::plugin_config;

use crate::output::{Exit, print_json};

pub(super) fn run() -> Result<Exit> {
    print_json(plugin_config().as_value())?;
    Ok(Exit::Fine)
}
