//! Listener, sign-in, session.

use super::visitor::{CONSOLE, Visitor, program};
use crate::fixtures::{base, client};
use crate::program::{PATIENCE, Program};

const SESSION: &str = "settings-console-session";

#[test]
fn without_the_option_there_is_no_console() {
    let program = Program::start();
    let log = program.log();
    let serving = log.lines().find(|line| line.contains("\"serving\""));
    assert!(!serving.expect("a line").contains("console"), "{log}");
}

#[tokio::test]
async fn a_token_signs_in_and_out() {
    let program = program();
    let mut visitor = Visitor::new(&program);
    let page = visitor.get("/hostnames").await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in"));
    let page = visitor.sign_in("not a token").await;
    assert_eq!(page.status, 403, "{page:?}");
    assert!(page.text.contains("This token is not known"), "{page:?}");
    assert!(!visitor.cookies.contains_key(SESSION));

    let page = visitor.sign_in(&program.token).await;
    assert_eq!(page.status, 303, "{page:?}");
    let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().collect();
    let session = cookies.iter().find_map(|cookie| {
        let cookie = cookie.to_str().ok()?;
        cookie.starts_with(SESSION).then_some(cookie)
    });
    let attributes = session
        .and_then(|cookie| cookie.split_once(';'))
        .expect("a cookie")
        .1;
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Strict");
    assert_eq!(visitor.get("/hostnames").await.status, 200);

    let left_behind = visitor.clone();
    let page = visitor.submit("/sign-out", &[]).await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in"));
    for mut visitor in [visitor, left_behind] {
        let page = visitor.get("/hostnames").await;
        assert_eq!(page.header("location"), "/sign-in");
    }
}

#[tokio::test]
async fn an_email_key_does_not_sign_in() {
    let program = program();
    let page = Visitor::new(&program).sign_in(&program.key).await;
    assert_eq!(page.status, 403, "{page:?}");
}

#[tokio::test]
async fn the_session_of_a_revoked_token_ends_at_once() {
    let program = program();
    let token = program.create_token(&["--zone", "*", "--permission", "write"]);
    let mut visitor = Visitor::signed_in(&program, &token).await;
    assert_eq!(visitor.get("/fleet").await.status, 200);
    let list = program.token_command("list", &[]);
    let list = String::from_utf8(list.stdout).expect("text");
    let newest = list.lines().last().expect("a token");
    let id = newest.split_whitespace().next().expect("an id");
    let revoked = program.token_command("revoke", &[id]);
    assert!(revoked.status.success(), "{revoked:?}");
    let page = visitor.get("/fleet").await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in"));
}

#[tokio::test]
async fn sign_ins_are_limited_per_address_whether_they_succeed_or_not() {
    let program = program();
    let mut visitor = Visitor::new(&program);
    let mut statuses = Vec::new();
    for number in 0..11 {
        statuses.push(visitor.sign_in(&format!("guess-{number}")).await.status);
    }
    assert_eq!(statuses[..10], [403; 10]);
    assert_eq!(statuses[10], 429);
    let page = visitor.sign_in(&program.token).await;
    assert_eq!(page.status, 429, "the right token, too late: {page:?}");
    let seconds = page.header("retry-after").parse::<u64>().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn the_console_speaks_tls_with_cookies_for_tls_alone() {
    let mut program = Program::stopped(base(), &CONSOLE);
    let pki = support::pki();
    program.write("console.crt", pki.server.chain_pem());
    program.write("console.key", pki.server.key_pem());
    program.add_options(&["--console-tls-certificate", "console.crt"]);
    program.add_options(&["--console-tls-key", "console.key"]);
    program.run();
    let plain = format!("http://{}/sign-in", program.console());
    assert!(client().get(plain).send().await.is_err());
    let output = std::process::Command::new("curl")
        .args(["-sik", "--max-time", &PATIENCE.as_secs().to_string()])
        .arg(format!("https://{}/sign-in", program.console()))
        .output()
        .expect("curl runs");
    let answer = String::from_utf8_lossy(&output.stdout).to_ascii_lowercase();
    assert!(
        answer.contains("set-cookie: __host-settings-console-sign-in="),
        "{answer}"
    );
    assert!(
        answer.contains("httponly; samesite=strict; secure"),
        "{answer}"
    );
}

#[test]
fn the_documented_options_are_those_of_the_program() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_settings-api"))
        .args(["serve", "--help"])
        .output()
        .expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let page = support::wasm::repository().join("docs/console.md");
    let page = std::fs::read_to_string(page).expect("docs/console.md");
    let words =
        page.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)));
    let is_option = |word: &&str| word.starts_with("--") || word.starts_with("SETTINGS_API_");
    let options: Vec<_> = words.filter(is_option).collect();
    assert!(options.len() > 6, "{options:?}");
    for option in options.iter().filter(|option| option.len() > 4) {
        assert!(help.contains(option), "{option} is not in --help");
    }
}
