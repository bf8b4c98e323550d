use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    ARTIFACT_CONFIG, ARTIFACT_MODULE, DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER, OCI_MANIFEST,
    accept,
};
use crate::facts::Facts;
use crate::image::{self, WASM_HEADER, sha256};
use crate::layout::{self, Layout};

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[test]
fn what_make_image_writes_is_accepted_with_its_digest_pinned() {
    let facts = Facts {
        version: "1.2.3".to_owned(),
        license: "Apache-2.0".to_owned(),
        description: "A filter".to_owned(),
        source: None,
        revision: "0".repeat(40),
        created: "2026-01-02T03:04:05Z".to_owned(),
    };
    let image = image::build(WASM_HEADER, &facts).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("image");
    for _ in 0..2 {
        layout::write(&folder, &image, "1.2.3").unwrap();
    }
    let layout = Layout::open(&folder).unwrap();
    assert_eq!(
        accept(&layout, Some(image.digest.digest())).unwrap(),
        WASM_HEADER
    );
}

#[test]
fn the_three_forms_that_gateways_know_are_accepted() {
    let archive = archive("plugin.wasm", WASM_HEADER);
    let in_a_folder = archive_of("./wasm/plugin.wasm");
    for (form, layout) in [
        ("OCI", Build::image(OCI_MANIFEST, &[(OCI_LAYER, &archive)])),
        (
            "OCI with other layers before",
            Build::image(
                OCI_MANIFEST,
                &[(OCI_LAYER, &archive_of("x")), (OCI_LAYER, &archive)],
            ),
        ),
        (
            "OCI with the module in a folder",
            Build::image(OCI_MANIFEST, &[(OCI_LAYER, &in_a_folder)]),
        ),
        (
            "Docker",
            Build::image(DOCKER_MANIFEST, &[(DOCKER_LAYER, &archive)]),
        ),
        (
            "artifact",
            Build::image(
                OCI_MANIFEST,
                &[(ARTIFACT_CONFIG, b"{}"), (ARTIFACT_MODULE, WASM_HEADER)],
            ),
        ),
    ] {
        let module = layout
            .accept(None)
            .unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(module, WASM_HEADER, "{form}");
    }
}

#[test]
fn what_a_gateway_would_refuse_is_refused_with_the_reason() {
    let good = archive_of("plugin.wasm");
    let not_wasm = archive("plugin.wasm", b"\x7fELF\x02\x01\x01\0");
    for (layout, reason) in [
        (
            Build::image(
                OCI_MANIFEST,
                &[(OCI_LAYER, &good), (OCI_LAYER, &archive_of("x"))],
            ),
            "the last layer has no plugin.wasm",
        ),
        (
            Build::image(OCI_MANIFEST, &[(OCI_LAYER, &archive_of("filter.wasm"))]),
            "the last layer has no plugin.wasm",
        ),
        (
            Build::image(OCI_MANIFEST, &[(OCI_LAYER, &not_wasm)]),
            "not a wasm binary",
        ),
        (Build::image(OCI_MANIFEST, &[]), "the image has no layers"),
        (
            Build::image(OCI_MANIFEST, &[(OCI_LAYER, b"not gzip")]),
            "the last layer is not gzip",
        ),
        (
            Build::image(OCI_MANIFEST, &[(DOCKER_LAYER, &good)]),
            "not application/vnd.oci.image.layer.v1.tar+gzip",
        ),
        (
            Build::image(DOCKER_MANIFEST, &[(OCI_LAYER, &good)]),
            "not application/vnd.docker.image.rootfs.diff.tar.gzip",
        ),
        (
            Build::image(OCI_MANIFEST, &[(ARTIFACT_MODULE, WASM_HEADER)]),
            "an artifact has 2 layers, this one has 1",
        ),
        (
            Build::image(
                OCI_MANIFEST,
                &[(ARTIFACT_MODULE, WASM_HEADER), ("x/y", b"")],
            ),
            "no layer has the type application/vnd.module.wasm.config.v1+json",
        ),
        (
            Build::image(OCI_INDEX, &[(OCI_LAYER, &good)]),
            "pin a single-platform manifest, not an index",
        ),
    ] {
        let error = layout.accept(None).unwrap_err();
        assert!(error.contains(reason), "wanted {reason:?}: {error}");
    }
}

#[test]
fn a_digest_that_is_not_the_pinned_one_is_refused() {
    let layout = Build::image(OCI_MANIFEST, &[(OCI_LAYER, &archive_of("plugin.wasm"))]);
    let error = layout.accept(Some(&"0".repeat(64))).unwrap_err();
    assert!(error.contains("not the pinned 0000"), "{error}");
}

#[test]
fn a_blob_that_was_changed_is_refused() {
    let layer = archive_of("plugin.wasm");
    let layout = Build::image(OCI_MANIFEST, &[(OCI_LAYER, &layer)]);
    let path = layout.blobs().join(sha256(&layer).unwrap().digest());
    fs::write(
        path,
        archive("plugin.wasm", &[WASM_HEADER, b"more"].concat()),
    )
    .unwrap();
    let error = layout.accept(None).unwrap_err();
    assert!(error.contains("its digest is sha256:"), "{error}");
}

/// A layout on disk, valid or not.
struct Build(TempDir);

impl Build {
    /// An image with these layers and a matching configuration.
    fn image(media_type: &str, layers: &[(&str, &[u8])]) -> Self {
        let build = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(build.blobs()).unwrap();
        let diff_ids: Vec<_> = layers.iter().map(|(_, layer)| diff_id(layer)).collect();
        let configuration = json!({
            "architecture": "wasm", "os": "wasip1",
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let layers: Vec<_> = layers
            .iter()
            .map(|(media_type, layer)| build.blob(media_type, layer))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": build.blob(OCI_CONFIG, configuration.to_string().as_bytes()),
            "layers": layers,
        });
        let manifest = build.blob(media_type, manifest.to_string().as_bytes());
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(build.0.path().join("index.json"), index.to_string()).unwrap();
        build
    }

    /// Adds a blob and returns its descriptor.
    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes).unwrap();
        fs::write(self.blobs().join(digest.digest()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() })
    }

    fn blobs(&self) -> std::path::PathBuf {
        self.0.path().join("blobs/sha256")
    }

    fn accept(&self, pinned: Option<&str>) -> Result<Vec<u8>, String> {
        let layout = Layout::open(self.0.path()).unwrap();
        accept(&layout, pinned).map_err(|error| format!("{error:#}"))
    }
}

/// The digest of a layer's unpacked archive; that of no bytes if it is not gzip.
fn diff_id(layer: &[u8]) -> String {
    let mut archive = Vec::new();
    let _ = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(layer), &mut archive);
    format!("sha256:{}", sha256(&archive).unwrap())
}

fn archive_of(name: &str) -> Vec<u8> {
    archive(name, WASM_HEADER)
}

fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(u64::try_from(content.len()).unwrap());
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    archive
        .append_data(&mut header, Path::new(name), content)
        .unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}
