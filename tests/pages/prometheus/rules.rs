//! The rules by themselves.

use std::process::Command;

use super::{example, installed};

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    let Some(promtool) = installed("promtool") else {
        return;
    };
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules_test.yml"],
    ] {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(example(""))
            .output()
            .expect("promtool runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(output.status.success(), "{arguments:?}: {text}");
        assert!(text.contains("SUCCESS"), "{arguments:?}: {text}");
    }
}
