//! Starts on files that a restore left incomplete: refused, or warned of.

use std::fs;

use serde_json::json;

use crate::fixtures::{base, forward};
use crate::program::Program;

#[tokio::test]
async fn a_token_file_without_its_key_file_is_refused_and_no_key_is_made() {
    let mut program = Program::start();
    program.terminate();
    fs::remove_file(program.path("tokens.json.key")).expect("the key file");
    for error in [
        program.run_to_failure(),
        program.failed_token_command("list", &[]),
        program.failed_token_command(
            "create",
            &["--name", "a", "--zone", "*", "--permission", "read"],
        ),
        program.failed_token_command("revoke", &["0123abcd"]),
    ] {
        assert!(
            error.contains("token key tokens.json.key: missing, but tokens.json holds tokens"),
            "{error}"
        );
    }
    assert!(!program.path("tokens.json.key").exists());
}

#[tokio::test]
async fn a_missing_token_file_is_warned_of_until_a_token_is_created() {
    let mut program = Program::stopped(base(), &[]);
    for name in ["tokens.json", "tokens.json.key"] {
        fs::remove_file(program.path(name)).expect("a token file");
    }
    program.run();
    assert!(
        program.log().contains("nobody can log in"),
        "{}",
        program.log()
    );
    assert!(!program.path("tokens.json.key").exists());
    assert_eq!(program.get().await.status, 403);
    program.token = program.create_token(&["--zone", "*", "--permission", "read"]);
    assert_eq!(program.get().await.status, 200);
}

#[test]
fn the_list_of_a_missing_token_file_is_an_error() {
    let program = Program::stopped(base(), &[]);
    fs::remove_file(program.path("tokens.json")).expect("the token file");
    for (command, options) in [("list", &[][..]), ("revoke", &["0123abcd"])] {
        let error = program.failed_token_command(command, options);
        assert!(
            error.contains("token file tokens.json: No such file"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_empty_or_foreign_database_is_refused_and_left_as_it_is() {
    if crate::cluster::is_wanted() {
        println!("not run: it is about SQLite files");
        return;
    }
    let mut program = Program::start();
    program.put(json!([forward("a.example.com")])).await;
    program.terminate();
    let database = program.path("settings.db");
    let content = fs::read(&database).expect("the database");
    fs::write(&database, "").expect("a written file");
    let error = program.run_to_failure();
    assert!(
        error.contains("database settings.db: is empty (0 bytes)"),
        "{error}"
    );
    assert_eq!(fs::metadata(&database).expect("the database").len(), 0);

    let foreign = rusqlite::Connection::open(program.path("foreign.db")).expect("a database");
    foreign
        .execute_batch("CREATE TABLE other (x)")
        .expect("a table");
    drop(foreign);
    fs::copy(program.path("foreign.db"), &database).expect("a copy");
    let error = program.run_to_failure();
    assert!(error.contains("was made by another program"), "{error}");

    fs::remove_file(&database).expect("the database");
    fs::write(program.path("settings.db-wal"), "left behind").expect("a written file");
    let error = program.run_to_failure();
    assert!(
        error.contains("is missing, but settings.db-wal exists"),
        "{error}"
    );

    fs::remove_file(program.path("settings.db-wal")).expect("the file");
    fs::write(&database, content).expect("a written file");
    program.run();
    assert_eq!(program.get().await.hostnames(), ["a.example.com"]);
}
