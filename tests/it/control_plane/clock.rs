//! Time under control: what follows the server's clock, or an application's own.

use super::Control;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

const NOW: &str = "2030-01-02T03:04:05Z";

#[test]
fn the_clock_is_told_set_advanced_and_released() {
    let control = Control::new();
    let real = control.get("/_mock/api/clock");
    assert_eq!((real["frozen"].as_bool(), real["real"].as_bool()), (Some(false), Some(true)));
    let put = |body: Value| control.send(Method::PUT, "/_mock/api/clock", Some(&body));
    let frozen = json!({ "now": NOW, "frozen": true, "real": false });
    assert_eq!(put(json!({ "now": NOW, "frozen": true })).2, frozen);
    assert_eq!(control.get("/_mock/api/clock"), frozen);
    assert_eq!(put(json!({ "frozen": true })).2, frozen);
    let advance =
        |seconds: Value| control.post("/_mock/api/clock/advance", &json!({ "seconds": seconds }))["now"].clone();
    assert_eq!(advance(json!(3600)), "2030-01-02T04:04:05Z");
    assert_eq!(advance(json!(-3600)), NOW);
    assert_eq!(advance(json!(0.25)), "2030-01-02T03:04:05.25Z");
    assert_eq!(
        control.mock.clock().now().duration_since(UNIX_EPOCH).unwrap(),
        Duration::from_millis(1_893_553_445_250)
    );
    let running = put(json!({ "frozen": false })).2;
    assert_eq!((running["frozen"].as_bool(), running["real"].as_bool()), (Some(false), Some(false)));
    assert!(running["now"].as_str().unwrap().starts_with("2030-01-02T03:0"), "{running}");
    assert_eq!(control.send(Method::DELETE, "/_mock/api/clock", None).0, StatusCode::NO_CONTENT);
    assert_eq!(control.get("/_mock/api/clock")["real"], true);
    for body in [json!({}), json!({ "now": "noon" }), json!({ "now": "2030-01-02" }), json!({ "frozen": 1 })] {
        assert_eq!(put(body.clone()).0, StatusCode::BAD_REQUEST, "{body}");
    }
    for body in [json!({}), json!({ "seconds": "1" }), json!({ "seconds": 1e300 })] {
        let (status, ..) = control.send(Method::POST, "/_mock/api/clock/advance", Some(&body));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    // As far as the calendar goes, and no further.
    advance(json!(i64::MAX));
    assert_eq!(control.get("/_mock/api/clock")["now"].as_str().unwrap().split('-').next(), Some("9999"));
}

#[test]
fn an_application_may_have_a_clock_of_its_own() {
    let control = Control::new();
    let of = |name: &str| format!("/_mock/api/clock?application={name}");
    let own = |name: &str| control.get(&of(name))["own"].as_bool().unwrap();
    control.send(Method::PUT, "/_mock/api/clock", Some(&json!({ "now": NOW, "frozen": true })));
    assert!(!own("staging"));
    control.post("/_mock/api/clock/advance?application=staging", &json!({ "seconds": 60 }));
    assert_eq!((control.get(&of("staging"))["now"].as_str(), own("staging")), (Some("2030-01-02T03:05:05Z"), true));
    assert_eq!((control.get(&of("development"))["now"].as_str(), own("development")), (Some(NOW), false));
    assert_eq!(control.get("/_mock/api/clock")["now"], NOW);
    let date = |name: &str| {
        let app = control.mock.application(name);
        control.ask(&app, Method::GET, "/v1/application", None).1["date"].to_str().unwrap().to_owned()
    };
    assert_eq!(date("staging"), "Wed, 02 Jan 2030 03:05:05 GMT");
    assert_eq!(date("development"), "Wed, 02 Jan 2030 03:04:05 GMT");
    control.send(Method::DELETE, &of("staging"), None);
    assert!(!own("staging"));
    assert_eq!(date("staging"), "Wed, 02 Jan 2030 03:04:05 GMT");
    for (method, body) in [(Method::GET, None), (Method::DELETE, None), (Method::PUT, Some(json!({ "frozen": true })))]
    {
        assert_eq!(control.send(method, &of("nobody"), body.as_ref()).0, StatusCode::NOT_FOUND);
    }
}

#[test]
fn a_token_expires_by_the_clock_as_a_client_sees_it() {
    let control = Control::new();
    let app = control.mock.application("development");
    app.clock().freeze();
    app.clock().set(NOW);
    let form =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", app.client_id(), app.client_secret());
    let issue = Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded").body(form);
    let issued: Value = serde_json::from_slice(control.mock.handle(issue.unwrap()).body()).unwrap();
    let ask = || {
        let bearer = format!("Bearer {}", issued["access_token"].as_str().unwrap());
        control.mock.handle(Request::get("/v1/application").header("authorization", bearer).body("").unwrap())
    };
    let lifetime = Duration::from_secs(issued["expires_in"].as_u64().unwrap());
    assert_eq!(ask().status(), StatusCode::OK);
    app.clock().advance(lifetime - Duration::from_secs(1));
    assert_eq!(ask().status(), StatusCode::OK);
    app.clock().advance(Duration::from_secs(1));
    assert_eq!(ask().status(), StatusCode::UNAUTHORIZED);
    // The server's clock was never touched, nor anybody else's tokens.
    assert_eq!(control.get("/_mock/api/clock")["real"], true);
}

#[test]
fn created_times_journal_and_applications_follow_the_clock() {
    let control = Control::shop();
    control.mock.clock().freeze();
    control.mock.clock().set(NOW);
    let app = control.mock.application("default");
    let (_, _, group) = control.ask(&app, Method::POST, "/api/groups", Some(&json!({ "name": "g" })));
    assert_eq!(group["created_time"], "2030-01-02T03:04:05.000Z");
    assert_eq!(control.get("/_mock/api/exchanges/1")["time"], NOW);
    assert_eq!(control.post("/_mock/api/applications", &json!({}))["created_time"], NOW);
    assert_eq!(control.post("/_mock/api/snapshots", &json!({}))["created_time"], NOW);
    control.mock.clock().advance(Duration::from_secs(1));
    let (_, _, group) = control.ask(&app, Method::POST, "/api/groups", Some(&json!({ "name": "h" })));
    assert_eq!(group["created_time"], "2030-01-02T03:04:06.000Z");
}

#[test]
fn no_advance_is_lost_among_many() {
    let control = Control::new();
    let app = control.mock.application("development");
    for clock in [control.mock.clock(), app.clock()] {
        clock.freeze();
        let before = clock.now();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100).for_each(|_| clock.advance(Duration::from_secs(1))));
            }
        });
        assert_eq!(clock.now().duration_since(before).unwrap(), Duration::from_secs(800));
    }
}
