//! Prints the JSON Schema of the plugin configuration; `make schema` writes it to
//! `envoy/plugin-config.schema.json`.

use std::io::{self, Write};

use client_cert_forwarder::config::json_schema::plugin_config;

fn main() -> io::Result<()> {
    let schema = serde_json::to_string_pretty(plugin_config().as_value())?;
    writeln!(io::stdout(), "{schema}")
}
