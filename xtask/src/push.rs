//! Pushes the image to a registry, the manifest byte for byte, so that the printed digest stays
//! valid.

use std::env;
use std::net::IpAddr;

use anyhow::{Context, Result, anyhow, bail};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use oci_spec::image::ImageManifest;

use crate::layout::Layout;

/// Pushes the layout's image as `image` and returns the reference that pins it.
pub(crate) fn push(image: &str, layout: &Layout) -> Result<String> {
    let reference: Reference = image
        .parse()
        .with_context(|| format!("{image:?} does not have the form host:port/name:tag"))?;
    if reference.tag().is_none() || reference.digest().is_some() {
        bail!("{image:?} must end in a tag");
    }
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("another TLS provider is installed already"))?;
    tokio::runtime::Runtime::new()?.block_on(upload(&reference, layout))?;
    Ok(format!(
        "{}/{}@{}",
        reference.registry(),
        reference.repository(),
        layout.manifest.digest()
    ))
}

async fn upload(reference: &Reference, layout: &Layout) -> Result<()> {
    let registry = reference.resolve_registry();
    let protocol = if is_loopback(registry) {
        ClientProtocol::Http
    } else {
        ClientProtocol::Https
    };
    let client = Client::new(ClientConfig {
        protocol,
        ..ClientConfig::default()
    });
    let failed = || format!("{reference} was not pushed");
    client
        .auth(reference, &credentials(), RegistryOperation::Push)
        .await
        .with_context(failed)?;

    let bytes = layout.blob(layout.manifest.digest())?;
    let manifest = ImageManifest::from_reader(bytes.as_slice())?;
    for descriptor in manifest.layers().iter().chain([manifest.config()]) {
        let digest = descriptor.digest();
        client
            .push_blob(reference, layout.blob(digest)?, digest.as_ref())
            .await
            .with_context(failed)?;
    }
    let media_type = layout.manifest.media_type().to_string();
    client
        .push_manifest_raw(reference, bytes, media_type.parse()?)
        .await
        .with_context(failed)?;
    Ok(())
}

fn credentials() -> RegistryAuth {
    match (env::var("REGISTRY_USERNAME"), env::var("REGISTRY_PASSWORD")) {
        (Ok(user), Ok(password)) => RegistryAuth::Basic(user, password),
        _ => RegistryAuth::Anonymous,
    }
}

/// Registries on loopback are for tests and mirrors and use plain HTTP, as they do for Docker.
fn is_loopback(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_registries_on_loopback_are_reached_without_tls() {
        for (registry, expected) in [
            ("127.0.0.1:5000", true),
            ("localhost:5000", true),
            ("localhost", true),
            ("registry.example.com", false),
            ("localhost.example.com:5000", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_loopback(registry), expected, "{registry}");
        }
    }
}
