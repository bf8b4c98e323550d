//! Completions and the manual page.

use super::program::ccf;

#[test]
fn completions_know_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let run = ccf(["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        for word in ["explain", "revocations", "bootstrap"] {
            assert!(run.stdout.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(ccf(["completions", "tcsh"]).code, 2);
}

#[test]
fn the_manual_page_has_every_command() {
    let page = ccf(["man"]).stdout;
    assert!(page.contains(".TH ccf 1"), "{page}");
    for example in [
        "ccf check envoy.yaml",
        "ccf fields client.pem",
        "Exit codes: 0 fine",
    ] {
        assert!(page.contains(example), "{example}");
    }
}
