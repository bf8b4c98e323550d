//! `ccf` on a terminal. `script` of util-linux provides one.

use std::process::{Command, Stdio};

use super::program::repository;

/// What `ccf fields` writes to a terminal with these variables; nothing without `script`.
fn on_a_terminal(variables: &[(&str, &str)]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_ccf");
    let command = format!("{program} fields src/certificate/testdata/rfc9440.pem");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(repository())
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        // Some CI systems show colours without a terminal.
        .env_remove("CI")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

#[test]
fn a_terminal_has_colours_unless_a_variable_forbids_them() {
    let Some(text) = on_a_terminal(&[]) else {
        println!("SKIPPED: no script of util-linux here");
        return;
    };
    assert!(text.contains('\x1b'), "{text}");
    for variable in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let text = on_a_terminal(&[variable]).unwrap();
        assert!(text.contains("certSerial"), "{text}");
        assert!(!text.contains('\x1b'), "{variable:?}: {text:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_ends_it_without_a_word() {
    use std::os::unix::process::ExitStatusExt;

    // A shell in the background may have told its children to ignore interrupts.
    let mut child = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_ccf")])
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for standard input, which stays open.
    let stdin = child.stdin.take();
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.signal(), Some(2), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}
