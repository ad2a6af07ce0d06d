//! Reports, coverage, the journal as HAR, and expectations.

use super::Control;
use chatkitty_mock::Format;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const SETTINGS: &str = "/v1/application/settings";

fn used() -> Control {
    let control = Control::new();
    let app = control.mock.application("development");
    control.ask(&app, Method::GET, SETTINGS, None);
    control.ask(&app, Method::PUT, SETTINGS, Some(&json!({ "guestUsers": "off", "userCreatedChannels": "ENABLED" })));
    control.ask(&control.mock.application("staging"), Method::GET, SETTINGS, None);
    control
}

#[test]
fn a_report_is_served_in_every_format_by_its_media_type() {
    let control = used();
    for format in Format::ALL {
        let reply = control.reply(Method::GET, &format!("/_mock/api/report?format={format}"), &[], String::new());
        assert_eq!(reply.status(), StatusCode::OK, "{format}");
        assert_eq!(reply.headers()["content-type"], format.media_type(), "{format}");
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        assert!(text.contains("CK0203"), "{format}: {text}");
    }
    let (status, _, problem) = control.send(Method::GET, "/_mock/api/report?format=pdf", None);
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::BAD_REQUEST, Some("CK0203")));
}

#[test]
fn a_report_in_json_is_the_verdict_and_more() {
    let control = used();
    let report = control.get("/_mock/api/report");
    let verdict = control.get("/_mock/api/verdict");
    for (name, value) in verdict.as_object().unwrap() {
        assert_eq!(report[name], *value, "{name}");
    }
    let broken = &report["broken"][0];
    assert_eq!(broken["request"]["method"], "PUT");
    let line = broken["curl"].as_str().unwrap();
    assert!(line.starts_with("curl -i -X PUT \"$CHATKITTY_BASE_URL/v1/application/settings\""), "{line}");
    assert_eq!(report["coverage"], control.get("/_mock/api/coverage"));
}

#[test]
fn reports_and_coverage_of_one_application_leave_the_others_out() {
    let control = used();
    let exchanges = |query: &str| control.get(&format!("/_mock/api/report{query}"))["exchanges"].clone();
    assert_eq!((exchanges(""), exchanges("?application=staging")), (json!(3), json!(1)));
    let calls = |query: &str| {
        let coverage = control.get(&format!("/_mock/api/coverage{query}"));
        let all = coverage["operations"].as_array().unwrap().iter();
        all.map(|operation| operation["calls"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((calls(""), calls("?application=staging")), (3, 1));
    for path in ["/_mock/api/report?application=nobody", "/_mock/api/coverage?application=nobody"] {
        assert_eq!(control.send(Method::GET, path, None).0, StatusCode::NOT_FOUND);
    }
}

#[test]
fn the_journal_is_exported_with_the_filters_of_the_list() {
    let control = used();
    let entries = |query: &str| {
        let har = control.get(&format!("/_mock/api/exchanges.har{query}"));
        har["log"]["entries"].as_array().unwrap().clone()
    };
    assert_eq!(entries("").len(), 3);
    assert_eq!(entries("?application=staging").len(), 1);
    assert_eq!(entries("?violations=true")[0]["response"]["status"], 400);
    assert_eq!(entries("?after=2").len(), 1);
    let reply = control.reply(Method::GET, "/_mock/api/exchanges.har", &[], String::new());
    assert_eq!(reply.headers()["content-disposition"], "attachment; filename=\"exchanges.har\"");
}

#[test]
fn expectations_are_put_counted_and_part_of_the_verdict() {
    let control = Control::new();
    let list = json!({ "expectations": [
        { "name": "saved", "operation": "updateApplicationSettings", "body": { "guestUsers": "DISABLED" }, "times": 1 },
        { "operation": "GET /v1/application/settings", "after": "saved" },
    ] });
    let (status, _, put) = control.send(Method::PUT, "/_mock/api/expectations", Some(&list));
    assert_eq!((status, put["expectations"][0]["met"].as_bool()), (StatusCode::OK, Some(false)));
    let app = control.mock.application("development");
    control.ask(&app, Method::GET, SETTINGS, None);
    control.ask(
        &app,
        Method::PUT,
        SETTINGS,
        Some(&json!({ "guestUsers": "DISABLED", "userCreatedChannels": "ENABLED" })),
    );
    let outcomes = control.get("/_mock/api/expectations")["expectations"].clone();
    assert_eq!((outcomes[0]["met"].clone(), outcomes[1]["met"].clone()), (json!(true), json!(false)));
    assert_eq!(outcomes[1]["nearest"]["differences"], json!(["order: expected after `saved`, which had not come"]));
    assert_eq!(control.get("/_mock/api/verdict")["verdict"], "fail");
    control.ask(&app, Method::GET, SETTINGS, None);
    assert_eq!(control.get("/_mock/api/verdict")["verdict"], "pass");
}

#[test]
fn what_can_never_come_is_no_expectation() {
    let control = Control::new();
    let cases = [
        (
            json!([{ "operation": "updateAplicationSettings" }]),
            "/expectations/0/operation",
            Some("did you mean `updateApplicationSettings`?"),
        ),
        (json!([{ "operation": "getNothing" }]), "/expectations/0/operation", None),
        (json!([{ "name": "a" }, { "after": "b" }]), "/expectations/1/after", None),
        (json!([{ "at_least": 2, "at_most": 1 }]), "/expectations/0/at_most", None),
    ];
    for (list, pointer, help) in cases {
        let (status, _, problem) =
            control.send(Method::PUT, "/_mock/api/expectations", Some(&json!({ "expectations": list })));
        let error = &problem["errors"][0];
        assert_eq!((status, error["code"].as_str()), (StatusCode::BAD_REQUEST, Some("CK1003")), "{list}");
        assert_eq!((error["pointer"].as_str(), error["help"].as_str()), (Some(pointer), help), "{list}");
    }
    for body in [json!({}), json!({ "expectations": 1 }), json!({ "expectations": [{ "tims": 1 }] })] {
        let (status, _, _) = control.send(Method::PUT, "/_mock/api/expectations", Some(&body));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(control.get("/_mock/api/expectations"), json!({ "expectations": Value::Array(Vec::new()) }));
}
