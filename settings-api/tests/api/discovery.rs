//! The routes by which clients find their zones and check their token.

use serde_json::json;

use crate::fixtures::{ACCOUNT, EMAIL, OTHER_ZONE, ZONE, client};
use crate::program::Program;

#[tokio::test]
async fn a_token_is_verified() {
    let program = Program::start();
    let url = program.url_of("/client/v4/user/tokens/verify");
    let answer = program.get_at(&url).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let result = &answer.body["result"];
    assert_eq!(result["status"], "active");
    let list = program.token_command("list", &[]);
    let list = String::from_utf8(list.stdout).expect("text");
    assert!(list.contains(result["id"].as_str().expect("an id")));
    let expected = json!([{ "code": 10000, "message": "This API Token is valid and active" }]);
    assert_eq!(answer.body["messages"], expected);
    let by_key = client()
        .get(&url)
        .header("X-Auth-Email", EMAIL)
        .header("X-Auth-Key", &program.key);
    assert_eq!(program.send(by_key).await.status, 200);
    let wrong = program.send(client().get(&url).bearer_auth("wrong")).await;
    assert_eq!((wrong.status, wrong.code()), (403, 10000));
}

#[tokio::test]
async fn a_token_finds_its_zones_and_no_others() {
    let program = Program::start();
    let zones = program.url_of("/client/v4/zones");
    let ids = |body: &serde_json::Value| -> Vec<String> {
        let zones = body["result"].as_array().expect("zones").iter();
        zones
            .map(|zone| zone["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    for (query, expected) in [
        ("", &[ZONE, OTHER_ZONE][..]),
        ("?name=Example.com", &[ZONE]),
        ("?name=equal:example.org&status=active", &[OTHER_ZONE]),
        ("?name=example.net", &[]),
        (&format!("?account.id={ACCOUNT}"), &[ZONE, OTHER_ZONE]),
        ("?account.id=other", &[]),
        ("?per_page=1&page=2", &[OTHER_ZONE]),
        ("?page=3", &[]),
    ] {
        let answer = program.get_at(&format!("{zones}{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let mut expected = expected.to_vec();
        let mut found = ids(&answer.body);
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    let page = program.get_at(&format!("{zones}?per_page=1")).await.body;
    let info = json!({
        "count": 1, "page": 1, "per_page": 1, "total_count": 2, "total_pages": 2
    });
    assert_eq!(page["result_info"], info);
    for query in ["?per_page=51", "?per_page=0", "?page=x"] {
        let answer = program.get_at(&format!("{zones}{query}")).await;
        assert_eq!((answer.status, answer.code()), (400, 12130), "{query}");
    }

    let one = program.get_at(&format!("{zones}/{ZONE}")).await;
    assert_eq!(one.body["result"]["name"], "example.com");
    assert_eq!(one.body["result"]["account"]["id"], ACCOUNT);
    let limited = program.create_token(&["--zone", OTHER_ZONE, "--permission", "read"]);
    let listed = program
        .send(client().get(&zones).bearer_auth(&limited))
        .await;
    assert_eq!(ids(&listed.body), [OTHER_ZONE]);
    for (zone, status) in [(ZONE, 403), (OTHER_ZONE, 200), ("unknown", 403)] {
        let url = format!("{zones}/{zone}");
        let answer = program.send(client().get(url).bearer_auth(&limited)).await;
        assert_eq!(answer.status, status, "{zone}: {answer:?}");
    }
    assert_eq!(
        program.get_at(&format!("{zones}/unknown")).await.status,
        404
    );
}
