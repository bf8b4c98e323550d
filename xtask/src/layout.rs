//! The OCI image layout: a folder with `oci-layout`, `index.json`, and blobs named by digest.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use oci_spec::image::{
    ANNOTATION_REF_NAME, Descriptor, Digest, ImageIndex, ImageIndexBuilder, MediaType,
    OciLayoutBuilder, SCHEMA_VERSION,
};

use crate::image::{Image, canonical_json, sha256};

/// Writes a layout with one image that it names `tag`; replaces an existing layout.
pub(crate) fn write(folder: &Path, image: &Image, tag: &str) -> Result<()> {
    let layout = OciLayoutBuilder::default()
        .image_layout_version("1.0.0")
        .build()?;
    let mut descriptor = image.descriptor.clone();
    descriptor.set_annotations(Some(HashMap::from([(
        ANNOTATION_REF_NAME.to_owned(),
        tag.to_owned(),
    )])));
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests([descriptor])
        .build()?;

    if folder.exists() {
        ensure!(
            folder.join("oci-layout").is_file(),
            "{} is not an OCI layout and is not overwritten: remove it, or name another folder",
            folder.display()
        );
        fs::remove_dir_all(folder)?;
    }
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| blobs.display().to_string())?;
    for blob in &image.blobs {
        fs::write(blobs.join(sha256(blob)?.digest()), blob)?;
    }
    fs::write(folder.join("index.json"), canonical_json(&index)?)?;
    fs::write(folder.join("oci-layout"), canonical_json(&layout)?)?;
    Ok(())
}

/// A layout with exactly one image.
pub(crate) struct Layout {
    folder: PathBuf,
    /// The manifest's entry in the index.
    pub(crate) manifest: Descriptor,
}

impl Layout {
    /// Opens a layout. Blobs are checked when they are read.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("index.json");
        let index = ImageIndex::from_file(&path).with_context(|| path.display().to_string())?;
        let [manifest] = index.manifests().as_slice() else {
            let count = index.manifests().len();
            anyhow::bail!("{}: it must name one manifest, not {count}", path.display());
        };
        Ok(Self {
            folder: folder.to_owned(),
            manifest: manifest.clone(),
        })
    }

    /// Reads a blob and checks that its bytes have that digest.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Vec<u8>> {
        let path = self
            .folder
            .join("blobs")
            .join(digest.algorithm().to_string())
            .join(digest.digest());
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let actual = Digest::from(sha256(&bytes)?);
        ensure!(
            actual == *digest,
            "{}: its digest is {actual}",
            path.display()
        );
        Ok(bytes)
    }
}
