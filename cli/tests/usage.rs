//! Help, exit codes and colours.

use super::program::{ccf, ccf_with};

pub(crate) const COMMANDS: &[&str] = &[
    "check",
    "completions",
    "explain",
    "fields",
    "filters",
    "man",
    "revocations",
    "schema",
];

#[test]
fn every_help_fits_80_columns_and_has_an_example() {
    for command in COMMANDS {
        let run = ccf([command, "--help"]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("Examples:"), "{}", run.stdout);
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
    }
    assert!(ccf(["--help"]).stdout.contains("Exit codes: 0 fine;"));
}

#[test]
fn the_help_of_the_program_names_every_command() {
    let help = ccf(["--help"]).stdout;
    for command in COMMANDS {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command}: {help}"
        );
    }
}

#[test]
fn a_wrong_command_line_exits_with_2_and_proposes_the_right_word() {
    let run = ccf(["feilds", "x"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("fields"), "{}", run.stderr);
    assert_eq!(ccf(["fields"]).code, 2);
    assert_eq!(ccf([]).code, 2);
}

#[test]
fn a_missing_file_exits_with_2_and_is_named() {
    let run = ccf(["fields", "/nowhere/cert.pem"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .starts_with("ccf: /nowhere/cert.pem: No such file"),
        "{}",
        run.stderr
    );
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let arguments = ["fields", "src/certificate/testdata/rfc9440.pem"];
    let colored = |more: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&arguments, more].concat();
        ccf_with(&arguments, "", variables).stdout.contains('\x1b')
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}
