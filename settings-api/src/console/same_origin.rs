//! Whether a request comes from the console's own pages.

use axum::http::{HeaderMap, Uri, header};

/// Tells whether the browser sent the request from a page of the same origin, as far as the request
/// says: `Sec-Fetch-Site` (Fetch Metadata §2.4) and `Origin` (RFC 6454 §7). Clients that send
/// neither must still know the form's secret.
pub(super) fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let is_same_site = headers
        .get_all("sec-fetch-site")
        .iter()
        .all(|site| site == "same-origin");
    let own = uri.authority().map(|authority| authority.as_str());
    let own = own.or_else(|| headers.get(header::HOST)?.to_str().ok());
    let is_own = |origin: &str| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some_and(|host| own.is_some_and(|own| host.eq_ignore_ascii_case(own)))
    };
    let has_own_origin = headers
        .get_all(header::ORIGIN)
        .iter()
        .all(|origin| origin.to_str().is_ok_and(is_own));
    is_same_site && has_own_origin
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};

    use super::is_same_origin;

    #[test]
    fn only_the_consoles_own_pages_count() {
        for (headers, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("origin", "https://console.example:8788")], true),
            (&[("origin", "http://console.example:80")], false),
            (&[("origin", "http://evil.example")], false),
            (
                &[("origin", "http://console.example:8788.evil.example")],
                false,
            ),
            (&[("origin", "null")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
        ] {
            let mut map = HeaderMap::new();
            map.append("host", HeaderValue::from_static("console.example:8788"));
            for (name, value) in headers {
                let name = HeaderName::from_static(name);
                map.append(name, HeaderValue::from_static(value));
            }
            let uri = Uri::from_static("/hostnames");
            assert_eq!(is_same_origin(&map, &uri), expected, "{headers:?}");
        }
    }
}
