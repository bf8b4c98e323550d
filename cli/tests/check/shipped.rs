//! Every file that the repository ships is fine.

use std::fs;
use std::path::{Path, PathBuf};

use super::findings;
use crate::program::repository;

/// A file of Docker's, and the schema.
const NO_CONFIGURATIONS: [&str; 2] = ["docker-compose.yaml", "plugin-config.schema.json"];

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_text = name.ends_with(".yaml") || name.ends_with(".json");
        if path.is_dir() {
            collect(&path, files);
        } else if is_text && !NO_CONFIGURATIONS.contains(&name) {
            files.push(path);
        }
    }
}

#[test]
fn every_shipped_configuration_is_fine() {
    let mut files = vec![repository().join("settings-api/base.example.json")];
    collect(&repository().join("envoy"), &mut files);
    assert!(files.len() >= 20, "{files:?}");
    for path in files {
        let found = findings(path.to_str().unwrap());
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
    }
}
