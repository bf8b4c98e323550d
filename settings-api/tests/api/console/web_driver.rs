//! The commands of W3C WebDriver that the tests use. Of the crates that speak it one makes
//! serde_json keep the order of keys in every test build, so that the tests would run another
//! program than is shipped, and the other brings a licence that `deny.toml` doesn't allow.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// The key of an element's id (WebDriver §12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session of a browser.
#[derive(Clone)]
pub(crate) struct WebDriver {
    client: Client,
    session: String,
}

/// An element of the page, by its id.
pub(crate) struct Element(String);

impl WebDriver {
    /// Starts a browser.
    pub(crate) async fn start(driver: &str, options: Value) -> WebDriver {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60));
        let mut starting = WebDriver {
            client: client.build().expect("a client"),
            session: format!("{driver}/session"),
        };
        let capabilities = json!({ "goog:chromeOptions": options });
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = starting.post("", body).await.expect("a browser");
        let id = started["sessionId"].as_str().expect("an id");
        starting.session = format!("{driver}/session/{id}");
        starting
    }

    /// Ends the browser.
    pub(crate) async fn quit(self) {
        let ended = self.send(Method::DELETE, "", None).await;
        ended.expect("the browser ends");
    }

    pub(crate) async fn open(&self, url: &str) {
        let opened = self.post("/url", json!({ "url": url })).await;
        opened.expect("a page");
    }

    /// Finds the elements that a selector matches.
    pub(crate) async fn find_all(&self, css: &str) -> Vec<Element> {
        let body = json!({ "using": "css selector", "value": css });
        let found = self.post("/elements", body).await.expect("elements");
        let found = found.as_array().expect("elements").iter();
        let ids = found.map(|element| element[ELEMENT].as_str().expect("an id").to_owned());
        ids.map(Element).collect()
    }

    /// Reads what an element shows.
    ///
    /// # Errors
    /// When it is on the page no more.
    pub(crate) async fn text(&self, element: &Element) -> Result<String, String> {
        let path = format!("/element/{}/text", element.0);
        let text = self.send(Method::GET, &path, None).await?;
        Ok(text.as_str().expect("text").to_owned())
    }

    pub(crate) async fn click(&self, element: &Element) {
        let path = format!("/element/{}/click", element.0);
        self.post(&path, json!({})).await.expect("clicked");
    }

    /// Types into an element.
    pub(crate) async fn type_into(&self, element: &Element, text: &str) {
        let path = format!("/element/{}/value", element.0);
        let typed = self.post(&path, json!({ "text": text })).await;
        typed.expect("typed");
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let keys = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let actions = json!([{ "type": "key", "id": "keys", "actions": keys.collect::<Vec<_>>() }]);
        let pressed = self.post("/actions", json!({ "actions": actions })).await;
        pressed.expect("pressed");
    }

    /// Evaluates the body of a function, in which a promise is waited for.
    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.post("/execute/sync", body).await.expect("a value")
    }

    /// Sends a command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        let done = self.post("/goog/cdp/execute", body).await;
        done.expect("a command that Chromium knows");
    }

    /// Takes a picture of the window: PNG in base64.
    pub(crate) async fn screenshot(&self) -> String {
        let picture = self.send(Method::GET, "/screenshot", None).await;
        picture
            .expect("a picture")
            .as_str()
            .expect("base64")
            .to_owned()
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer of chromedriver");
        let is_success = response.status().is_success();
        let mut answer: Value = response.json().await.expect("JSON");
        match is_success {
            true => Ok(answer["value"].take()),
            false => Err(answer["value"]["message"].to_string()),
        }
    }
}
