//! A full disk below an SQLite database: changes are refused, nothing is lost, and it heals.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::fixtures::{base, forward};
use crate::program::Program;

/// Arguments of `unshare`: a file system of its own, with a shell in it.
const NAMESPACE: [&str; 6] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
];

fn may_have_namespaces() -> bool {
    let mount = "mount -t tmpfs none /mnt";
    let output = Command::new(NAMESPACE[0])
        .args(&NAMESPACE[1..])
        .arg(mount)
        .output();
    output.is_ok_and(|output| output.status.success())
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

fn many(count: usize) -> Value {
    let hostnames = (0..count).map(|number| forward(&format!("h{number}.example.com")));
    Value::Array(hostnames.collect())
}

#[tokio::test]
async fn on_a_full_disk_changes_are_refused_and_nothing_is_lost() {
    if !may_have_namespaces() {
        println!("not run: this user may not have mount namespaces");
        return;
    }
    let mut program = Program::stopped(base(), &[]);
    fs::create_dir(program.path("disk")).expect("a folder");
    program.database = "disk/settings.db".into();
    let mount = "mount -t tmpfs -o size=2m none disk && exec \"$0\" \"$@\"";
    program.launch_by(&[&NAMESPACE[..], &[mount]].concat());
    program.run();
    assert_eq!(program.put(many(3)).await.status, 202);

    // The disk as the program sees it.
    let root = PathBuf::from(format!("/proc/{}/root", program.pid()));
    let folder = program.path("disk");
    let disk = root.join(folder.strip_prefix("/").expect("an absolute path"));
    fill(&disk.join("filler"));
    let answer = program.put(many(3000)).await;
    assert_eq!((answer.status, answer.code()), (503, 10002), "{answer:?}");
    assert!(
        answer
            .message()
            .contains("disk of the settings store is full"),
        "{answer:?}"
    );
    assert!(program.log().contains("database or disk is full"));
    assert_eq!(program.get().await.hostnames().len(), 3);
    assert_eq!(program.metric("settings_api_store_reachable").await, 0);

    fs::remove_file(disk.join("filler")).expect("removed");
    let answer = program.put(json!([forward("healed.example.com")])).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(program.metric("settings_api_store_reachable").await, 1);
    // What is on the disk is what was answered 202. Nothing writes while it is copied.
    for suffix in ["", "-wal"] {
        let copy = program.path(&format!("copy.db{suffix}"));
        fs::copy(disk.join(format!("settings.db{suffix}")), copy).expect("copied");
    }
    let copy = Command::new(env!("CARGO_BIN_EXE_settings-api"))
        .args(["backup", "--database"])
        .arg(program.path("copy.db"))
        .arg(program.path("backup.db"))
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&copy.stdout);
    assert!(text.contains("4 hostnames, 2 audit records"), "{copy:?}");
}
