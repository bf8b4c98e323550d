//! `ccf explain`.

mod client;
mod render;

use anyhow::Result;
use client_cert_forwarder::authority;
use client_cert_forwarder::config::Config;
use client_cert_forwarder::explain::{Explained, Scenario};

use crate::arguments::{Explain, Format};
use crate::check::{Level, check, render as render_findings};
use crate::configurations::{self, only_text};
use crate::output::{Exit, print, print_json};

pub(super) fn run(command: &Explain, format: Format) -> Result<Exit> {
    let contents = configurations::read(&command.file)?;
    let mut findings = check(&command.file, &contents);
    findings.retain(|finding| finding.level == Level::Error);
    let text = only_text(&command.file, &contents)?;
    let config = match text
        .as_deref()
        .map(|text| Config::from_json(text.as_bytes()))
    {
        Some(Ok(config)) => config,
        _ => {
            match format {
                Format::Json => print_json(&findings)?,
                Format::Text => print(&render_findings(&findings))?,
            }
            return Ok(Exit::Findings);
        }
    };
    let explained = Explained::new(&config, &Scenario::new(client::client(command)?, &config));
    match format {
        Format::Json => print_json(&explained)?,
        Format::Text => {
            let hostname = authority::hostname(command.host.as_bytes());
            print(&render::render(
                &explained,
                &String::from_utf8_lossy(&hostname),
            ))?;
        }
    }
    Ok(Exit::Fine)
}
