//! The dashboard: what its pages promise, asked for without a browser, and its stories told to a real one.
//! `DASHBOARD_SCREENSHOTS=FOLDER` keeps the stories' pictures.

use chatkitty_mock::MockServer;
use http::{Method, Request, StatusCode};

/// A page asked for as a browser does.
fn visit(mock: &MockServer, method: Method, path: &str, fields: &[(&str, &str)], body: &str) -> http::Response<String> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:2428");
    for (name, value) in [("accept", "text/html,*/*;q=0.8")].iter().chain(fields) {
        request = request.header(*name, *value);
    }
    let reply = mock.handle(request.body(body.to_owned()).unwrap());
    reply.map(|body| String::from_utf8(body.to_vec()).unwrap())
}

fn get(mock: &MockServer, path: &str) -> http::Response<String> {
    visit(mock, Method::GET, path, &[], "")
}

fn post(mock: &MockServer, path: &str, form: &str) -> http::Response<String> {
    visit(mock, Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], form)
}

fn server() -> (MockServer, String) {
    let mock = MockServer::start();
    mock.allow_violations();
    let id = mock.application("development").client_id().to_owned();
    mock.handle(Request::get("/v1/nowhere").body("").unwrap());
    (mock, id)
}

fn pages(id: &str) -> Vec<String> {
    let mut pages: Vec<String> =
        ["", "traffic", "contract", "state", "state?application=development", "reports", "exchanges/1", "login"]
            .map(|page| format!("/_mock/{page}"))
            .into();
    pages.extend(
        ["", "?created=1", "/settings", "/settings?reveal=1"].map(|page| format!("/_mock/applications/{id}{page}")),
    );
    pages
}

#[test]
fn every_page_is_closed_to_other_origins_and_has_nothing_inline() {
    let (mock, id) = server();
    for page in pages(&id) {
        let reply = get(&mock, &page);
        assert_eq!(reply.status(), StatusCode::OK, "{page}");
        let field = |name: &str| reply.headers()[name].to_str().unwrap();
        assert_eq!(field("content-type"), "text/html; charset=utf-8", "{page}");
        assert_eq!((field("x-content-type-options"), field("cache-control")), ("nosniff", "no-store"), "{page}");
        let policy = field("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{page}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let html = reply.body();
        for inline in ["<style", " style=", " onclick=", " onload=", "javascript:", "<script>"] {
            assert!(!html.contains(inline), "{page} has {inline}");
        }
        assert!(!html.contains("//cdn") && !html.contains("https://"), "{page} leads elsewhere");
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
    }
}

#[test]
fn the_assets_are_small_and_kept_by_browsers() {
    use std::io::Write as _;
    let (mock, _) = server();
    let html = get(&mock, "/_mock/").into_body();
    let mut addresses: Vec<&str> = html.split('"').filter(|part| part.starts_with("/_mock/assets/")).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 5, "{addresses:?}");
    let mut total = 0;
    for address in addresses {
        let reply = get(&mock, address);
        assert_eq!(reply.headers()["cache-control"], "public, max-age=31536000, immutable");
        let etag = reply.headers()["etag"].to_str().unwrap().to_owned();
        assert!(address.contains(etag.trim_matches('"')), "{address} is named by its bytes");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(reply.body().as_bytes()).unwrap();
        total += encoder.finish().unwrap().len();
        let again = visit(&mock, Method::GET, address, &[("if-none-match", &etag)], "");
        assert_eq!((again.status(), again.body().as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    println!("the dashboard's assets are {total} bytes compressed");
    assert!(total < 60_000, "{total} bytes");
    assert_eq!(get(&mock, "/_mock/assets/dashboard.0000000000000000.css").status(), StatusCode::NOT_FOUND);
}

#[test]
fn scripts_still_get_text_where_people_get_pages() {
    let (mock, _) = server();
    for (accept, wanted) in [
        ("*/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("text/html", "text/html"),
        ("text/html;q=0.5,text/plain", "text/plain"),
    ] {
        let request = Request::get("/_mock/exchanges/1").header("accept", accept).body("").unwrap();
        let reply = mock.handle(request);
        let media = reply.headers()["content-type"].to_str().unwrap();
        assert!(media.starts_with(wanted), "{accept}: {media}");
        assert!(mock.check_control_reply(&Method::GET, "/_mock/exchanges/1", &reply).is_empty(), "{accept}");
    }
    let plain = mock.handle(Request::get("/_mock/exchanges/1").body("").unwrap());
    assert!(plain.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
}

#[test]
fn forms_of_other_sites_are_refused_and_other_methods_told() {
    let (mock, id) = server();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for forged in [("origin", "http://evil.test"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
        let reply = visit(&mock, Method::POST, "/_mock/applications", &[form[0], forged], "name=forged");
        assert_eq!(reply.status(), StatusCode::FORBIDDEN, "{forged:?}");
    }
    assert_eq!(mock.applications().len(), 3);
    let reply =
        visit(&mock, Method::POST, "/_mock/applications", &[form[0], ("origin", "http://localhost:2428")], "name=own");
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    assert_eq!(mock.applications().len(), 4);
    assert_eq!(
        visit(&mock, Method::GET, "/_mock/", &[("host", "evil.test")], "").status(),
        StatusCode::OK,
        "the first host counts"
    );
    let rebound = Request::get("/_mock/").header("host", "evil.test").body("").unwrap();
    assert_eq!(mock.handle(rebound).status(), StatusCode::FORBIDDEN);
    for (path, allow) in [
        ("/_mock/".to_owned(), "GET"),
        ("/_mock/state/reset".to_owned(), "POST"),
        (format!("/_mock/applications/{id}/settings"), "GET, POST"),
    ] {
        let reply = visit(&mock, Method::PATCH, &path, &[], "");
        assert_eq!(
            (reply.status(), reply.headers()["allow"].to_str().unwrap()),
            (StatusCode::METHOD_NOT_ALLOWED, allow),
            "{path}"
        );
    }
    assert_eq!(get(&mock, "/_mock").status(), StatusCode::PERMANENT_REDIRECT);
}

#[test]
fn the_admin_token_guards_every_page_and_form() {
    let mock = MockServer::builder().admin_token("correct horse").start().unwrap();
    let id = mock.application("development").client_id().to_owned();
    let secret = mock.application("development").client_secret().to_owned();
    for page in pages(&id).iter().filter(|page| !page.ends_with("login")) {
        let reply = get(&mock, page);
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{page}");
        assert!(reply.body().contains("Admin token") && !reply.body().contains(&secret), "{page}");
    }
    for form in
        [format!("/_mock/applications/{id}/delete"), "/_mock/state/reset".to_owned(), "/_mock/contract/try".to_owned()]
    {
        assert_eq!(post(&mock, &form, "").status(), StatusCode::UNAUTHORIZED, "{form}");
    }
    assert_eq!(mock.applications().len(), 3);
    assert_eq!(post(&mock, "/_mock/login", "token=wrong&next=/_mock/").status(), StatusCode::UNAUTHORIZED);
    for (next, leads_to) in [
        ("/_mock/traffic", "/_mock/traffic"),
        ("//evil.test", "/_mock/"),
        ("https://evil.test", "/_mock/"),
        ("/_mock/%0d%0ax", "/_mock/"),
    ] {
        let reply = post(&mock, "/_mock/login", &format!("token=correct+horse&next={next}"));
        assert_eq!((reply.status(), reply.headers()["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, leads_to));
        let cookie = reply.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("correct horse"),
            "{cookie}"
        );
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(visit(&mock, Method::GET, "/_mock/traffic", &[("cookie", pair)], "").status(), StatusCode::OK);
    }
    let forged = visit(&mock, Method::GET, "/_mock/traffic", &[("cookie", "mock_admin_token=wrong")], "");
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn nothing_that_a_form_or_an_address_says_breaks_a_page() {
    let (mock, id) = server();
    let markup = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in [
        format!("/_mock/?name={markup}"),
        format!("/_mock/traffic?application={markup}&operation={markup}"),
        format!("/_mock/traffic?status={markup}"),
        format!("/_mock/contract?find={markup}"),
        format!("/_mock/state?path={markup}&since={markup}"),
        format!("/_mock/state?application={markup}"),
        format!("/_mock/applications/{markup}"),
        format!("/_mock/exchanges/{markup}"),
        "/_mock/exchanges/18446744073709551616".to_owned(),
        "/_mock/applications/%FF%00".to_owned(),
        "/_mock/traffic?before=-1".to_owned(),
    ] {
        let reply = get(&mock, &path);
        assert!(!reply.body().contains("<script>"), "{path}");
        assert!(reply.body().contains("</main>") && reply.body().contains("<h1"), "{path} is blank");
        assert!(!reply.status().is_server_error(), "{path}: {}", reply.status());
    }
    for (path, form) in [
        ("/_mock/applications".to_owned(), "".to_owned()),
        ("/_mock/applications".to_owned(), "name=development".to_owned()),
        ("/_mock/applications".to_owned(), format!("name={}", "x".repeat(100_000))),
        (format!("/_mock/applications/{id}/settings"), "".to_owned()),
        (format!("/_mock/applications/{id}/settings"), "path=/nowhere&property=x&value=1".to_owned()),
        (format!("/_mock/applications/{id}/settings"), format!("path={markup}&json={markup}")),
        ("/_mock/state/advance".to_owned(), "seconds=1e400".to_owned()),
        ("/_mock/state/set".to_owned(), format!("now={markup}")),
        ("/_mock/state/restore".to_owned(), format!("snapshot={markup}")),
        ("/_mock/state/reset".to_owned(), "application=nobody".to_owned()),
        ("/_mock/contract/try".to_owned(), format!("method=%20&target={markup}")),
        ("/_mock/contract/try".to_owned(), format!("application={id}&method=GET&target=/_mock/api/shutdown")),
    ] {
        let reply = post(&mock, &path, &form);
        assert!(reply.status().is_client_error(), "{path} {form:.60}: {}", reply.status());
        assert!(!reply.body().contains("<script>alert"), "{path}");
        assert!(reply.body().contains("role=\"alert\""), "{path} {form:.60} says nothing");
    }
}

#[cfg(feature = "cli")]
mod in_a_browser {
    use crate::command_line::{BINARY, Server};
    use std::path::Path;
    use std::process::Command;
    use std::sync::{Mutex, PoisonError};

    /// Browsers are large, and what they are told to wait for is theirs alone.
    static BROWSER: Mutex<()> = Mutex::new(());

    /// Tells a story to a server of its own; gives what was seen.
    fn tell(story: &str, arguments: &[&str]) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
        let installed = folder.join("node_modules/playwright-core").exists();
        assert!(installed, "playwright-core is not installed; run: bash tests/run");
        let _one_at_a_time = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Server::with(&[&["-q"], arguments].concat());
        let first = &server.ready["applications"][0];
        let output = Command::new("node")
            .arg(folder.join("dashboard.mjs"))
            .arg(story)
            .env("CHATKITTY_BASE_URL", server.ready["url"].as_str().unwrap())
            .env("CHATKITTY_CLIENT_ID", first["client_id"].as_str().unwrap())
            .env("MOCK_BINARY", BINARY)
            .env("MOCK_ADMIN_TOKEN", "correct horse")
            .output()
            .unwrap();
        let saw = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{story}: {saw}\n{}", String::from_utf8_lossy(&output.stderr));
        println!("{saw}");
        saw.lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn a_newcomer_creates_an_application_and_follows_its_client() {
        let saw = tell("walk", &[]);
        assert_eq!(saw.len(), 8, "{saw:?}");
        assert!(saw.contains(&"saw a permalink to the marked line (narrow)".to_owned()));
    }

    #[test]
    fn names_of_any_kind_are_text() {
        assert_eq!(tell("names", &[]), ["saw names as text", "saw refusals as pages"]);
    }

    #[test]
    fn the_later_of_two_people_is_told() {
        assert_eq!(tell("conflict", &[]).len(), 3);
    }

    #[test]
    fn a_thousand_live_exchanges_stay_fluent() {
        assert_eq!(tell("live", &[]).len(), 3);
    }

    #[test]
    fn a_server_that_is_gone_is_told_and_found_again() {
        assert_eq!(tell("gone", &[]).len(), 1);
    }

    #[test]
    fn snapshots_reset_and_time_are_a_button_each() {
        assert_eq!(tell("state", &[]).len(), 7);
    }

    #[test]
    fn coverage_tries_and_reports_are_pages() {
        assert_eq!(tell("evidence", &[]).len(), 3);
    }

    #[test]
    fn everything_but_live_updates_works_without_scripts() {
        assert_eq!(tell("scriptless", &[]).len(), 1);
    }

    #[test]
    fn a_login_leads_where_one_wanted_to_go() {
        assert_eq!(tell("login", &["--admin-token", "correct horse"]).len(), 1);
    }

    #[test]
    fn axe_finds_nothing_on_any_page_in_either_scheme() {
        let saw = tell("pages", &[]);
        assert!(saw[0].contains("0 axe findings"), "{saw:?}");
    }
}
