//! The origin over HTTP/1.1 and HTTP/2, by hyper.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Channel, Full, combinators::BoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, task::JoinSet};

use super::{answer::Action, state::State};
use crate::message::Headers;

pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            server.http1().max_headers(2000).max_buf_size(1 << 20);
            server.http2().max_header_list_size(1 << 20);
            let service = service_fn(move |request| respond(request, Arc::clone(&state)));
            // An error here is a connection that a test has broken on purpose.
            let _ = server
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    mut request: hyper::Request<Incoming>,
    state: Arc<State>,
) -> io::Result<hyper::Response<Body>> {
    let upgraded = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    let answer = state.next_answer(head.uri.path());
    let index = state.record(&head);

    if answer.action == Action::ResetEarly {
        return Err(io::Error::other("reset as the test asked for"));
    }
    let mut received = Bytes::new();
    if answer.action == Action::BeforeBody {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            state.wait_for_release().await;
            let _ = body.collect().await;
        });
    } else {
        let collected = body.collect().await.map_err(io::Error::other)?;
        let trailers = collected.trailers().map(Headers::from).unwrap_or_default();
        received = collected.to_bytes();
        let mut requests = state.requests.lock().expect("no poison");
        requests[index].body = received.clone();
        requests[index].trailers = trailers;
    }
    tokio::time::sleep(answer.delay).await;

    if answer.is_given() {
        state.note_answer(index);
    }

    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.action {
        _ if !answer.is_given() => return Err(io::Error::other("reset as the test asked for")),
        Action::Echo if head.uri.path() == "/headers" => {
            full(Bytes::from(json(&Headers::from(&head.headers))))
        }
        Action::Echo if answer.trailers.is_empty() => full(received),
        Action::Echo => full(received)
            .with_trailers(async { Some(Ok(answer.trailers)) })
            .boxed(),
        Action::Upgrade => {
            tokio::spawn(echo(upgraded));
            full(Bytes::new())
        }
        Action::BeforeBody => full(Bytes::from_static(b"answered before the body")),
        Action::OpenEnded => until_released(state),
        Action::CutShort => broken(),
        action => panic!("{action:?} is for another origin"),
    };
    response.body(body).map_err(io::Error::other)
}

/// The headers as a JSON object; values of one name are joined, as RFC 9110 §5.3 allows.
fn json(headers: &Headers) -> String {
    let mut members = serde_json::Map::new();
    for (name, value) in &headers.0 {
        let value = String::from_utf8_lossy(value);
        let joined = match members.get(name).and_then(|earlier| earlier.as_str()) {
            Some(earlier) => format!("{earlier}, {value}"),
            None => value.into_owned(),
        };
        members.insert(name.clone(), joined.into());
    }
    format!("{:#}\n", serde_json::Value::Object(members))
}

type Body = BoxBody<Bytes, io::Error>;

fn full(body: Bytes) -> Body {
    Full::new(body)
        .map_err(|never: Infallible| match never {})
        .boxed()
}

async fn echo(upgraded: hyper::upgrade::OnUpgrade) -> io::Result<()> {
    let stream = TokioIo::new(upgraded.await.map_err(io::Error::other)?);
    let (mut reader, mut writer) = tokio::io::split(stream);
    tokio::io::copy(&mut reader, &mut writer).await.map(drop)
}

fn until_released(state: Arc<State>) -> Body {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        if sender
            .send_data(Bytes::from_static(b"started"))
            .await
            .is_ok()
        {
            state.wait_for_release().await;
        }
    });
    body.boxed()
}

fn broken() -> Body {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        let _ = sender.send_data(Bytes::from_static(b"started")).await;
        // Time for the first part to leave, so that the response has started when it breaks.
        tokio::time::sleep(Duration::from_millis(50)).await;
        sender.abort(io::Error::other("cut short as the test asked for"));
    });
    body.boxed()
}

#[cfg(test)]
mod tests {
    use super::{Headers, json};

    #[test]
    fn headers_are_one_json_object_whatever_they_contain() {
        let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
        let headers = Headers(vec![
            header("a", b"1"),
            header("b", b"\"\xff"),
            header("a", b"2"),
        ]);
        let value: serde_json::Value = serde_json::from_str(&json(&headers)).unwrap();
        assert_eq!(value, serde_json::json!({ "a": "1, 2", "b": "\"\u{fffd}" }));
    }
}
