//! The work that is measured, said once for every benchmark: requests of a client of the bundled contract.

/// One kind of request, and the status that answers it.
pub(crate) struct Work {
    /// What it is called in tables and on command lines.
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Empty: the request has none.
    pub(crate) body: &'static str,
    pub(crate) status: u16,
}

/// Route, token, state.
pub(crate) const GET: Work = Work { name: "get", method: "GET", path: "/v1/application", body: "", status: 200 };

/// The same with a body that is checked, and a state that changes.
pub(crate) const PUT: Work = Work {
    name: "put",
    method: "PUT",
    path: "/v1/application/settings",
    body: r#"{"guestUsers":"DISABLED","userCreatedChannels":"ENABLED"}"#,
    status: 200,
};

/// A body with three violations: one value of another type that is none of the allowed ones, one that is none of them.
pub(crate) const REFUSED: Work = Work {
    name: "refused",
    method: "PUT",
    path: "/v1/application/settings",
    body: r#"{"guestUsers":1,"userCreatedChannels":"SOMETIMES"}"#,
    status: 400,
};

impl Work {
    /// The request as [`chatkitty_mock::MockServer::handle`] takes it.
    pub(crate) fn request(&self, token: &str) -> http::Request<&'static str> {
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(self.path)
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {token}"));
        if !self.body.is_empty() {
            request = request.header("content-type", "application/json").header("content-length", self.body.len());
        }
        request.body(self.body).expect("the parts are well-formed")
    }
}
