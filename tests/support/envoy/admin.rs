//! Envoy's admin interface.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Envoy;

impl Envoy {
    /// The body that the admin interface gives for that path.
    pub async fn admin(&self, path: &str) -> String {
        admin_request(self.admin, Method::GET, path)
            .await
            .unwrap_or_else(|error| panic!("admin interface, {path}: {error}"))
    }

    /// The same with POST, for paths that change something.
    pub async fn admin_post(&self, path: &str) -> String {
        admin_request(self.admin, Method::POST, path)
            .await
            .unwrap_or_else(|error| panic!("admin interface, {path}: {error}"))
    }

    /// Where the admin interface is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }
}

pub(super) async fn admin_request(
    admin: SocketAddr,
    method: Method,
    path: &str,
) -> Result<String, String> {
    let stream = TcpStream::connect(admin)
        .await
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "admin")
        .body(Empty::new())
        .expect("a request");
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}
