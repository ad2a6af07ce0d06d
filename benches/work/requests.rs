//! The work that is measured, said once for every benchmark: requests of a client of the bundled contract.

/// One kind of request, and the status that answers it.
pub(crate) struct Work<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    /// Empty: the request has none.
    pub(crate) body: &'static str,
    pub(crate) status: u16,
}

/// Route, token, state.
pub(crate) const GET: Work<'static> = Work { method: "GET", path: "/v1/application", body: "", status: 200 };

/// The same with a body that is checked, and a state that is written.
pub(crate) const PUT: Work<'static> = Work {
    method: "PUT",
    path: "/v1/application/settings",
    body: r#"{"guestUsers":"DISABLED","userCreatedChannels":"ENABLED"}"#,
    status: 200,
};

/// A body with three violations: a value of another type, which is none of the allowed ones either, and one that is none.
pub(crate) const REFUSED: Work<'static> = Work {
    method: "PUT",
    path: "/v1/application/settings",
    body: r#"{"guestUsers":1,"userCreatedChannels":"SOMETIMES"}"#,
    status: 400,
};

impl Work<'_> {
    /// The request, as [`chatkitty_mock::MockServer::handle`] takes it.
    pub(crate) fn request(&self, token: &str) -> http::Request<&'static str> {
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(self.path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {token}"));
        if !self.body.is_empty() {
            request = request.header("content-type", "application/json").header("content-length", self.body.len());
        }
        request.body(self.body).expect("the parts are well-formed")
    }
}
