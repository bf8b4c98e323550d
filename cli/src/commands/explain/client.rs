//! The client that the command line describes.

use anyhow::Result;
use client_cert_forwarder::explain::{Client, ClientCertificate};

use crate::arguments::Explain;
use crate::commands::presented;

/// Reads the client's certificates.
///
/// # Errors
/// When a file can't be read.
pub(super) fn client(command: &Explain) -> Result<Client> {
    Ok(Client {
        host: command.host.clone(),
        server_name: command.sni.clone(),
        headers: command.headers.clone(),
        certificate: certificate(command)?,
    })
}

fn certificate(command: &Explain) -> Result<Option<ClientCertificate>> {
    let Some(input) = &command.cert else {
        return Ok(None);
    };
    let presented::Presented { leaf, mut chain } = presented::read(input)?;
    if let Some(input) = &command.chain {
        chain.extend(presented::read_all(input)?);
    }
    Ok(Some(ClientCertificate {
        leaf,
        chain,
        is_verified: !command.unverified,
    }))
}
