use chatkitty_mock::MockServer;

#[test]
fn quick() {
    let mock = MockServer::start();
    mock.allow_violations();
    let app = mock.application("development");
    let token = app.token();
    let send = |method: &str, path: &str, body: &str| {
        let r = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("host", "localhost")
            .body(body.to_owned())
            .unwrap();
        let r = mock.handle(r);
        println!("--- {method} {path} → {} {:?}\n{}", r.status(), r.headers(), String::from_utf8_lossy(r.body()));
    };
    send("GET", "/v1/application", "");
    send("GET", "/v1/application/settings", "");
    send("PUT", "/v1/application/settings", r#"{"guestUsers":"DISABLED","userCreatedChannels":"DISABLED","x":1}"#);
    send("GET", "/v1/application/settings", "");
    send("PUT", "/v1/application/settings", r#"{"guestUsers":"disabled"}"#);
    send("PUT", "/v1/application/settings", "{");
    send("PATCH", "/v1/application/settings", "{");
    send("GET", "/v1/aplication", "");
    send("HEAD", "/v1/application", "");
    send("GET", "/_mock/api/applications", "");
    send("GET", "/_mock/exchanges/5", "");
    send("GET", "/_mock/api/exchanges?x=1", "");
    send("POST", "/oauth/token", "");
    println!("{}", mock.report().render(false));
}
