//! A browser without a window: keeps cookies, follows no redirect, fills forms.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::redirect::Policy;

use crate::fixtures::base;
use crate::program::Program;

/// The option that starts the console on a free port.
pub(crate) const CONSOLE: [&str; 2] = ["--console", "127.0.0.1:0"];

/// Runs the program with its console.
pub(crate) fn program() -> Program {
    Program::with(base(), &CONSOLE)
}

/// A browser.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    console: SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
    /// The headers that it sends besides.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Page {
    /// The value of a header; empty without one.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }

    /// The secret of the page's forms.
    pub(crate) fn form_secret(&self) -> &str {
        self.after("name=\"form_secret\" value=\"")
    }

    /// The attribute's value that follows a text.
    pub(crate) fn after(&self, start: &str) -> &str {
        let rest = self.text.split(start).nth(1);
        let rest = rest.unwrap_or_else(|| panic!("no {start} in {}", self.text));
        rest.split('"').next().expect("a part")
    }
}

impl Visitor {
    /// Opens a browser.
    pub(crate) fn new(program: &Program) -> Visitor {
        Visitor {
            console: program.console(),
            cookies: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// Opens a browser and signs in.
    pub(crate) async fn signed_in(program: &Program, token: &str) -> Visitor {
        let mut visitor = Visitor::new(program);
        let page = visitor.sign_in(token).await;
        assert_eq!(
            (page.status, page.header("location")),
            (303, "/"),
            "{page:?}"
        );
        visitor
    }

    /// Sends the sign-in form.
    pub(crate) async fn sign_in(&mut self, token: &str) -> Page {
        let secret = self.get("/sign-in").await.form_secret().to_owned();
        self.post("/sign-in", &[("form_secret", &secret), ("token", token)])
            .await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = browser().get(self.url(path));
        self.send(request).await
    }

    /// Sends a form with just these fields.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.post_body(path, body).await
    }

    pub(crate) async fn post_body(&mut self, path: &str, body: String) -> Page {
        let request = browser()
            .post(self.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.send(request).await
    }

    /// Sends a form of a page, with the page's secret.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let secret = self.get("/explain").await.form_secret().to_owned();
        let fields = [&[("form_secret", secret.as_str())], fields].concat();
        self.post(path, &fields).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.console)
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        let mut request = request.header("cookie", cookies);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.into(), value.into()),
            };
        }
        let text = response.text().await.expect("text");
        Page {
            status,
            headers,
            text,
        }
    }
}

fn browser() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(Policy::none());
    builder.pool_max_idle_per_host(0).build().expect("a client")
}
