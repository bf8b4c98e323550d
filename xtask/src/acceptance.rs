//! The rules by which Istio (`pkg/wasm`) and Envoy Gateway (`internal/wasm`) extract a module from
//! an image. Both follow the wasm image specification:
//! <https://github.com/solo-io/wasm/tree/master/spec>.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::read::GzDecoder;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};

use crate::image::{MODULE_NAME, WASM_HEADER, sha256};
use crate::layout::Layout;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ARTIFACT_MODULE: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
const ARTIFACT_CONFIG: &str = "application/vnd.module.wasm.config.v1+json";

/// Most bytes that Envoy Gateway reads of an archive.
const MAX_ARCHIVE_BYTES: u64 = 256 * 1024 * 1024;

/// Returns the module that both gateways would load; `sha256` is the digest that they pin.
pub(crate) fn accept(layout: &Layout, sha256: Option<&str>) -> Result<Vec<u8>> {
    let digest = layout.manifest.digest();
    if let Some(pinned) = sha256 {
        ensure!(
            digest.digest() == pinned,
            "the manifest's digest is {}, which is not the pinned {pinned}",
            digest.digest()
        );
    }
    let media_type = layout.manifest.media_type().to_string();
    ensure!(
        [OCI_MANIFEST, DOCKER_MANIFEST].contains(&media_type.as_str()),
        "the digest names a {media_type}: pin a single-platform manifest, not an index"
    );
    let manifest = ImageManifest::from_reader(layout.blob(digest)?.as_slice())
        .context("the manifest does not follow the image specification")?;
    let module = if media_type == DOCKER_MANIFEST {
        standard_image(layout, &manifest, DOCKER_LAYER)?
    } else {
        match standard_image(layout, &manifest, OCI_LAYER) {
            Ok(module) => module,
            Err(not_standard) => artifact(layout, &manifest).map_err(|not_artifact| {
                anyhow!("not as an image: {not_standard:#}; not as an artifact: {not_artifact:#}")
            })?,
        }
    };
    ensure!(
        module.starts_with(WASM_HEADER),
        "{MODULE_NAME} is not a wasm binary"
    );
    Ok(module)
}

/// Extracts the module from an image whose last layer is an archive with it.
fn standard_image(layout: &Layout, manifest: &ImageManifest, media_type: &str) -> Result<Vec<u8>> {
    let layer = manifest
        .layers()
        .last()
        .context("the image has no layers")?;
    check_media_type(layer, media_type)?;
    let blob = layout.blob(layer.digest())?;
    check_diff_id(layout, manifest, &blob)?;
    let mut archive = tar::Archive::new(GzDecoder::new(blob.as_slice()).take(MAX_ARCHIVE_BYTES));
    for entry in archive.entries()? {
        let mut entry = entry.context("the layer is not a tar.gz")?;
        if entry.path()?.file_name() == Path::new(MODULE_NAME).file_name() {
            let mut module = Vec::new();
            entry.read_to_end(&mut module)?;
            return Ok(module);
        }
    }
    bail!("the last layer has no {MODULE_NAME}");
}

/// Extracts the module from an artifact of exactly two layers: the raw module and its
/// configuration.
fn artifact(layout: &Layout, manifest: &ImageManifest) -> Result<Vec<u8>> {
    let layers = manifest.layers();
    ensure!(
        layers.len() == 2,
        "an artifact has 2 layers, this one has {}",
        layers.len()
    );
    let layer = |media_type: &str| {
        layers
            .iter()
            .find(|layer| layer.media_type().to_string() == media_type)
            .with_context(|| format!("no layer has the type {media_type}"))
    };
    layer(ARTIFACT_CONFIG)?;
    layout.blob(layer(ARTIFACT_MODULE)?.digest())
}

fn check_media_type(layer: &Descriptor, expected: &str) -> Result<()> {
    let media_type = layer.media_type().to_string();
    ensure!(
        media_type == expected,
        "the last layer is {media_type}, not {expected}"
    );
    Ok(())
}

/// Checks the configuration's digests of the layers. The gateways ignore them; registry scanners
/// and container engines do not.
fn check_diff_id(layout: &Layout, manifest: &ImageManifest, last_layer: &[u8]) -> Result<()> {
    let bytes = layout.blob(manifest.config().digest())?;
    let configuration = ImageConfiguration::from_reader(bytes.as_slice())
        .context("the configuration does not follow the image specification")?;
    let diff_ids = configuration.rootfs().diff_ids();
    ensure!(
        diff_ids.len() == manifest.layers().len(),
        "the configuration has {} diff_ids for {} layers",
        diff_ids.len(),
        manifest.layers().len()
    );
    let mut archive = Vec::new();
    GzDecoder::new(last_layer)
        .take(MAX_ARCHIVE_BYTES)
        .read_to_end(&mut archive)
        .context("the last layer is not gzip")?;
    let actual = format!("sha256:{}", sha256(&archive)?);
    ensure!(
        diff_ids.last() == Some(&actual),
        "the last diff_id is not the archive's digest {actual}"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
