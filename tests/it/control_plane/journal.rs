//! The journal as data.

use super::Control;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

#[test]
fn the_journal_is_filtered_and_cleared() {
    let control = Control::new();
    let app = control.mock.application("development");
    let ask = |path: &str, token: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        control.mock.handle(request.body("").unwrap())
    };
    ask("/v1/application", &app.token());
    ask("/v1/application", "nonsense");
    ask("/nowhere", "nonsense");
    let count =
        |query: &str| control.get(&format!("/_mock/api/exchanges{query}"))["exchanges"].as_array().unwrap().len();
    assert_eq!(count(""), 3);
    assert_eq!(count("?application=development"), 1);
    assert_eq!(count("?operation=retrieveApplication"), 2);
    assert_eq!(count("?operation=GET%20/v1/application"), 2);
    assert_eq!(count("?status=4XX"), 2);
    assert_eq!(count("?status=404"), 1);
    assert_eq!(count("?violations=true"), 2);
    assert_eq!(count("?after=1"), 2);
    let page = control.get("/_mock/api/exchanges?limit=2");
    assert_eq!(page["next"], 2);
    let newest = control.get("/_mock/api/exchanges?order=newest&view=summary&limit=2");
    assert_eq!((&newest["exchanges"][0]["id"], &newest["next"]), (&json!(3), &json!(2)));
    assert_eq!(newest["exchanges"][0]["target"], "/nowhere");
    let rest = control.get("/_mock/api/exchanges?order=newest&view=summary&before=2");
    assert_eq!((&rest["exchanges"][0]["id"], &rest["next"]), (&json!(1), &json!(null)));
    assert_eq!(rest["exchanges"].as_array().unwrap().len(), 1);
    let exchange = control.get("/_mock/api/exchanges/2");
    assert_eq!((exchange["response"]["status"].as_u64(), exchange["verdict"].as_str()), (Some(401), Some("violation")));
    let verdict = control.get("/_mock/api/verdict");
    let counts = ["verdict", "exchanges", "violations", "drift", "unknown_paths"].map(|name| &verdict[name]);
    assert_eq!(json!(counts), json!(["fail", 3, 2, 0, 1]));
    let (status, headers, _) = control.send(Method::GET, "/_mock/exchanges/2", None);
    assert_eq!(status, StatusCode::OK);
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(control.send(Method::DELETE, "/_mock/api/exchanges", None).0, StatusCode::NO_CONTENT);
    assert_eq!(count(""), 0);
    assert_eq!(control.send(Method::GET, "/_mock/api/exchanges/2", None).0, StatusCode::NOT_FOUND);
    for query in ["?status=abc", "?limit=0", "?limit=x", "?violations=maybe"] {
        assert_eq!(
            control.send(Method::GET, &format!("/_mock/api/exchanges{query}"), None).0,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

#[test]
fn exchanges_tell_what_they_changed_and_mask_secrets() {
    let control = Control::shop();
    let app = control.mock.application("default");
    let group = json!({ "name": "one", "password": "s3cret" });
    let (status, _, made) = control.ask(&app, Method::POST, "/api/groups", Some(&group));
    assert_eq!((status, made["password"].as_str()), (StatusCode::CREATED, Some("s3cret")));
    control.ask(&app, Method::DELETE, "/api/groups/1", None);
    control.ask(&app, Method::DELETE, "/api/settings", None);
    let exchanges = control.get("/_mock/api/exchanges")["exchanges"].clone();
    let changes = |index: usize| exchanges[index]["changes"].clone();
    assert_eq!(changes(0)[0]["path"], "/groups/1");
    assert_eq!(changes(0)[0]["after"]["name"], "one");
    assert_eq!(changes(0)[0]["after"]["password"], "***");
    assert_eq!((changes(0)[0].get("before"), exchanges[0]["changes_truncated"].as_bool()), (None, Some(false)));
    assert_eq!(changes(1)[0]["before"]["name"], "one");
    assert_eq!(changes(1)[0].get("after"), None);
    // Only an example stood for it; now it is known not to exist.
    assert_eq!(changes(2), json!([{ "path": "/settings", "pointers": [] }]));
}

#[test]
fn changes_are_kept_up_to_a_bound() {
    let control = Control::shop();
    let app = control.mock.application("default");
    let notes: Vec<_> = (1..=400).map(|id| json!({ "id": id.to_string(), "text": "x".repeat(4_000) })).collect();
    app.set_resource("/notes", json!(notes));
    assert_eq!(control.ask(&app, Method::DELETE, "/api/notes", None).0, StatusCode::NO_CONTENT);
    let exchange = control.get("/_mock/api/exchanges/1");
    let kept = exchange["changes"].as_array().unwrap().len();
    assert!((200..400).contains(&kept), "{kept}");
    assert_eq!(exchange["changes_truncated"], true);
}

#[test]
fn an_application_is_found_by_any_of_its_client_ids() {
    let control = Control::new();
    let app = control.mock.application("staging");
    let path = format!("/_mock/api/applications/{}/credentials", app.client_id());
    control.post(&path, &json!({ "client_id": "second" }));
    control.ask(&app, Method::GET, "/v1/application", None);
    for name in ["staging", app.client_id(), "second"] {
        let found = control.get(&format!("/_mock/api/exchanges?application={name}"));
        assert_eq!(found["exchanges"].as_array().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn recorded_exchanges_are_imported_whole_or_not_at_all() {
    let control = Control::new();
    let har = |entries: Value| json!({ "log": { "version": "1.2", "entries": entries } });
    let entry = |path: &str| {
        json!({
            "startedDateTime": "2020-02-03T04:05:06Z",
            "request": { "method": "GET", "url": format!("https://api.example{path}"), "headers": [{ "name": "authorization", "value": "Bearer abc" }] },
            "response": { "status": 404 },
        })
    };
    let import = |har: &Value| control.send(Method::POST, "/_mock/api/exchanges", Some(har));
    let aborted = json!({ "request": { "method": "GET", "url": "/" }, "response": { "status": 0 } });
    let (status, _, told) = import(&har(json!([entry("/v1/nothing"), aborted, entry("/oauth/token")])));
    assert_eq!((status, told), (StatusCode::OK, json!({ "judged": 2, "passed_over": 1 })));
    let verdict = control.get("/_mock/api/verdict");
    assert_eq!((&verdict["exchanges"], &verdict["violations"]), (&json!(2), &json!(1)));
    let first = control.get("/_mock/api/exchanges/1");
    assert_eq!((&first["time"], &first["violations"][0]["code"]), (&json!("2020-02-03T04:05:06Z"), &json!("CK0101")));

    let (status, _, problem) = import(&har(json!([entry("/v1/nothing"), { "request": {} }])));
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/log/entries/1")));
    for bad in [json!({}), json!({ "log": {} }), har(json!([1]))] {
        assert_eq!(import(&bad).0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(control.get("/_mock/api/verdict")["exchanges"], 2, "nothing of these");
}
