//! The OCI image, in the *compat* form of the wasm image specification: one layer, a tar.gz with
//! `plugin.wasm`. Registries, scanners and mirrors handle it like any image, and both Istio and
//! Envoy Gateway load it.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Result, ensure};
use flate2::{Compression, GzBuilder};
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, HistoryBuilder, ImageConfigurationBuilder,
    ImageManifestBuilder, MediaType, Os, PlatformBuilder, RootFsBuilder, SCHEMA_VERSION,
    Sha256Digest,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::facts::Facts;

/// The file that the gateways look for in the layer.
pub(crate) const MODULE_NAME: &str = "plugin.wasm";

/// First 8 bytes of every wasm module: magic number and version 1 of the binary format.
pub(crate) const WASM_HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// An image: its manifest and the blobs that the manifest names.
pub(crate) struct Image {
    /// The manifest's digest, which users pin.
    pub(crate) digest: Sha256Digest,
    /// The manifest's entry in an index.
    pub(crate) descriptor: Descriptor,
    /// Manifest, configuration and layer.
    pub(crate) blobs: Vec<Vec<u8>>,
}

/// Builds the image of a module. The same module and facts give the same bytes.
pub(crate) fn build(module: &[u8], facts: &Facts) -> Result<Image> {
    ensure!(
        module.starts_with(WASM_HEADER),
        "the module is not a wasm binary"
    );
    let archive = archive(module)?;
    let layer = compress(&archive)?;
    // Values of GOARCH and GOOS, as the image specification requires. They have no wasm without an
    // operating system, which the module is; wasip1 is the closest.
    let (architecture, os) = (Arch::Wasm, Os::Other("wasip1".to_owned()));
    let annotations: HashMap<_, _> = facts.annotations().into_iter().collect();

    let configuration = ImageConfigurationBuilder::default()
        .created(&facts.created)
        .architecture(architecture.clone())
        .os(os.clone())
        .config(
            ConfigBuilder::default()
                .labels(annotations.clone())
                .build()?,
        )
        .rootfs(
            RootFsBuilder::default()
                .typ("layers")
                .diff_ids([format!("sha256:{}", sha256(&archive)?)])
                .build()?,
        )
        .history([HistoryBuilder::default()
            .created(&facts.created)
            .created_by(format!("COPY {MODULE_NAME} /"))
            .build()?])
        .build()?;
    let configuration = canonical_json(&configuration)?;

    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(MediaType::ImageConfig, &configuration)?)
        .layers([descriptor(MediaType::ImageLayerGzip, &layer)?])
        .annotations(annotations)
        .build()?;
    let manifest = canonical_json(&manifest)?;

    let mut descriptor = descriptor(MediaType::ImageManifest, &manifest)?;
    descriptor.set_platform(Some(
        PlatformBuilder::default()
            .architecture(architecture)
            .os(os)
            .build()?,
    ));
    Ok(Image {
        digest: sha256(&manifest)?,
        descriptor,
        blobs: vec![manifest, configuration, layer],
    })
}

pub(crate) fn sha256(bytes: &[u8]) -> Result<Sha256Digest> {
    Ok(Sha256Digest::from_str(&hex::encode(Sha256::digest(bytes)))?)
}

/// Serialises to JSON with sorted keys: the annotations of `oci-spec` are hash maps.
pub(crate) fn canonical_json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(serde_json::to_vec(&value)?)
}

/// Builds a tar file with the module alone, owned by root, without a date.
fn archive(module: &[u8]) -> Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(u64::try_from(module.len())?);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, MODULE_NAME, module)?;
    Ok(archive.into_inner()?)
}

/// Compresses to a gzip file without name and date.
fn compress(archive: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().read(archive, Compression::best());
    let mut layer = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut layer)?;
    Ok(layer)
}

fn descriptor(media_type: MediaType, bytes: &[u8]) -> Result<Descriptor> {
    Ok(Descriptor::new(
        media_type,
        u64::try_from(bytes.len())?,
        sha256(bytes)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::{Image, WASM_HEADER, build};
    use crate::facts::Facts;

    fn facts() -> Facts {
        Facts {
            version: "1.2.3".to_owned(),
            license: "Apache-2.0".to_owned(),
            description: "A filter".to_owned(),
            source: Some("https://git.example.com/filter".to_owned()),
            revision: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            created: "2026-01-02T03:04:05Z".to_owned(),
        }
    }

    fn image() -> Image {
        build(WASM_HEADER, &facts()).unwrap()
    }

    fn json(blob: &[u8]) -> serde_json::Value {
        serde_json::from_slice(blob).unwrap()
    }

    #[test]
    fn the_same_module_and_facts_give_the_same_image() {
        // Hash maps, the usual cause of a difference, iterate in another order each time.
        for _ in 0..20 {
            assert_eq!(image().blobs, image().blobs);
        }
    }

    #[test]
    fn another_module_or_revision_gives_another_digest() {
        let other_module = build(&[WASM_HEADER, b"\0\x02\x01x"].concat(), &facts()).unwrap();
        let other_revision = Facts {
            revision: "f".repeat(40),
            ..facts()
        };
        let other_revision = build(WASM_HEADER, &other_revision).unwrap();
        assert_ne!(image().digest, other_module.digest);
        assert_ne!(image().digest, other_revision.digest);
    }

    #[test]
    fn manifest_and_configuration_carry_the_same_facts() {
        let image = image();
        let [manifest, configuration, _] = image.blobs.as_slice() else {
            panic!("{} blobs", image.blobs.len());
        };
        let (manifest, configuration) = (json(manifest), json(configuration));
        assert_eq!(
            manifest["annotations"],
            serde_json::json!({
                "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
                "org.opencontainers.image.description": "A filter",
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.revision": "0123456789abcdef0123456789abcdef01234567",
                "org.opencontainers.image.source": "https://git.example.com/filter",
                "org.opencontainers.image.title": "client-cert-forwarder",
                "org.opencontainers.image.version": "1.2.3",
            })
        );
        assert_eq!(manifest["annotations"], configuration["config"]["Labels"]);
        assert_eq!(configuration["architecture"], "wasm");
        assert_eq!(configuration["os"], "wasip1");
    }

    #[test]
    fn bytes_that_are_not_wasm_make_no_image() {
        assert!(build(b"\x7fELF", &facts()).is_err());
    }
}
