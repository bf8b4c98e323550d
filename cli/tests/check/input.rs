//! Several files, standard input, exit codes, and the text for people.

use crate::program::{ccf, ccf_with, file};

#[test]
fn several_files_are_checked_and_the_findings_name_theirs() {
    let (_one, bad) = file("bad.json", "{\"settings\": 1}");
    let run = ccf(["check", "envoy/envoy.yaml", &bad, "envoy/fast-path.yaml"]);
    assert_eq!(run.code, 1);
    let expected =
        format!("{bad}:1: error: settings: expected an array, not 1\n1 error, 0 warnings\n");
    assert_eq!(run.stdout, expected);
}

#[test]
fn standard_input_is_a_file_too() {
    let run = ccf_with(&["check", "-"], "settings: []\nverify_by: listener\n", &[]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.starts_with(
            "<stdin>:2: error: verify_by: unknown key \"verify_by\", did you mean \"verified_by\"?"
        ),
        "{}",
        run.stdout
    );
    let fine = ccf_with(&["check", "-"], "{\"settings\": []}", &[]);
    assert_eq!((fine.code, fine.stdout.as_str()), (0, "fine: <stdin>\n"));
}

#[test]
fn a_file_that_can_not_be_read_does_not_hide_the_findings_of_others() {
    let run = ccf_with(&["check", "/nowhere.json", "-"], "{\"settings\": 1}", &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.starts_with("ccf: /nowhere.json: No such file"),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.contains("<stdin>:1: error: settings"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_file_without_this_filter_exits_with_2() {
    for text in [
        "apiVersion: v1\nkind: Service\n",
        "static_resources: { listeners: [] }\n",
    ] {
        let run = ccf_with(&["check", "-"], text, &[]);
        assert_eq!(run.code, 2);
        assert!(
            run.stderr.contains("holds no plugin configuration"),
            "{}",
            run.stderr
        );
    }
}
