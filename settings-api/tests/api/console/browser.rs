//! Chromium without a window, driven by its own driver.

use std::io::{BufRead, BufReader, Write, stderr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::web_driver::{Element, WebDriver};
use crate::cluster;
use crate::process::Process;
use crate::program::{PATIENCE, Program};

/// One browser at a time: each needs a core.
static TURN: Mutex<()> = Mutex::const_new(());

const ARGUMENTS: [&str; 6] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-proxy-server",
];

/// A browser at a program's console.
#[derive(Clone)]
pub(crate) struct Browser {
    driver: WebDriver,
    console: String,
}

/// Runs a test in a browser that ends with it. Without Chromium, a line on stderr says so.
///
/// # Panics
/// When the test does, or Chromium is missing despite `CHROMIUM_TEST=required`.
pub(crate) async fn browse<T>(
    program: &Program,
    runs_scripts: bool,
    test: impl FnOnce(Browser) -> T,
) where
    T: Future<Output = ()> + Send + 'static,
{
    if cluster::is_wanted() {
        // The same pages, whatever the store: once is enough.
        return;
    }
    let Some((_process, port)) = start_driver() else {
        let missing = "chromium or chromedriver is missing: install both (make peers)";
        let wanted = std::env::var("CHROMIUM_TEST");
        assert_ne!(wanted.as_deref(), Ok("required"), "{missing}");
        // Past the capture of test output, which is not shown when a test passes.
        writeln!(stderr(), "test in a browser NOT RUN: {missing}").expect("a line on stderr");
        return;
    };
    let _turn = TURN.lock().await;
    let preferences = match runs_scripts {
        true => json!({}),
        false => json!({ "profile.managed_default_content_settings.javascript": 2 }),
    };
    let options = json!({ "args": ARGUMENTS, "prefs": preferences });
    let driver = WebDriver::start(&format!("http://127.0.0.1:{port}"), options).await;
    let browser = Browser {
        driver: driver.clone(),
        console: format!("http://{}", program.console()),
    };
    let outcome = tokio::spawn(test(browser)).await;
    driver.quit().await;
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Starts chromedriver on a free port.
fn start_driver() -> Option<(Process, u16)> {
    Command::new("chromium").arg("--version").output().ok()?;
    let child = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut process = Process::driver(child.ok()?);
    let output = process.child.stdout.take().expect("its output");
    let port = BufReader::new(output).lines().find_map(|line| {
        let line = line.expect("text");
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    Some((process, port.expect("chromedriver says its port")))
}

impl Browser {
    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.console);
        self.driver.open(&url).await;
    }

    /// Signs in by the form.
    pub(crate) async fn sign_in(&self, token: &str) {
        self.open("/sign-in").await;
        self.fill("#token", token).await;
        self.click("main button").await;
        self.shows("h1", "Hostnames").await;
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.driver.type_into(&element, text).await;
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.driver.click(&element).await;
    }

    /// Waits for an element.
    async fn element(&self, css: &str) -> Element {
        let start = Instant::now();
        loop {
            if let Some(element) = self.driver.find_all(css).await.into_iter().next() {
                return element;
            }
            assert!(start.elapsed() < PATIENCE, "no {css}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the elements together show a text.
    pub(crate) async fn shows(&self, css: &str, text: &str) {
        let start = Instant::now();
        loop {
            let mut shown = Vec::new();
            for element in self.driver.find_all(css).await {
                // Fails for an element that has been replaced meanwhile.
                shown.push(self.driver.text(&element).await.unwrap_or_default());
            }
            if shown.iter().any(|shown| shown.contains(text)) {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{css} shows {shown:?}, not {text}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Evaluates the body of a function.
    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.driver.evaluate(script).await
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        self.driver.press(keys).await;
    }

    /// Sets the size of the window and the colour scheme.
    pub(crate) async fn look(&self, width: u32, height: u32, scheme: &str) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        let command = "Emulation.setDeviceMetricsOverride";
        self.driver.devtools(command, size).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.driver
            .devtools("Emulation.setEmulatedMedia", media)
            .await;
    }

    /// Writes a picture of the window into the folder that the variable names, if it is set.
    pub(crate) async fn picture(&self, variable: &str, name: &str) {
        if let Ok(folder) = std::env::var(variable) {
            let picture = STANDARD.decode(self.driver.screenshot().await);
            let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            let file = repository.join(folder).join(format!("{name}.png"));
            std::fs::write(file, picture.expect("base64")).expect("a written file");
        }
    }
}
