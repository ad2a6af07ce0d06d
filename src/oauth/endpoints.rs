//! Where the authorization server's endpoints are: beside each token endpoint, and where clients look for metadata.

use http::Method;

/// Where metadata is found (RFC 8414 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// What a path does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Token,
    Introspection,
    Revocation,
    Metadata,
}

impl Endpoint {
    /// The methods it takes.
    pub(crate) fn methods(self) -> &'static [Method] {
        match self {
            Self::Metadata => &[Method::GET, Method::HEAD, Method::OPTIONS],
            _ => &[Method::POST, Method::OPTIONS],
        }
    }

    /// What it is called in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "the token endpoint",
            Self::Introspection => "the introspection endpoint",
            Self::Revocation => "the revocation endpoint",
            Self::Metadata => "metadata",
        }
    }

    /// Whether there are secrets in what it takes or answers.
    pub(crate) fn tells_secrets(self) -> bool {
        self != Self::Metadata
    }
}

/// An endpoint, and the issuer that it speaks for.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    path: String,
    pub(crate) endpoint: Endpoint,
    /// What the issuer's identifier has after the origin.
    pub(crate) issuer_path: String,
    /// Which token endpoint it belongs to.
    site: usize,
}

/// One token endpoint with what is served beside it.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) token: String,
    pub(super) introspection: Option<String>,
    pub(super) revocation: Option<String>,
}

/// The endpoints that a contract leads to.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    sites: Vec<Site>,
    served: Vec<Served>,
}

impl Endpoints {
    /// The endpoints beside these token endpoints. What the contract declares itself is left to it.
    pub(crate) fn new(token_paths: &[String], is_declared: impl Fn(&str) -> bool) -> Self {
        let mut endpoints = Self::default();
        for token in token_paths {
            endpoints.add(token, &is_declared);
        }
        endpoints
    }

    fn add(&mut self, token: &str, is_declared: &impl Fn(&str) -> bool) {
        let folder = token.trim_end_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder);
        let site = self.sites.len();
        // The first one's issuer is the origin alone, which is where clients look that know no more than it.
        let issuer_path = if site == 0 { "" } else { folder };
        let mut serve = |path: String, endpoint: Endpoint, issuer_path: &str| {
            let is_new = !is_declared(&path) && !self.served.iter().any(|known| known.path == path);
            if is_new {
                self.served.push(Served { path: path.clone(), endpoint, issuer_path: issuer_path.to_owned(), site });
            }
            let is_there = |known: &Served| known.path == path && known.endpoint == endpoint;
            self.served.iter().any(is_there).then_some(path)
        };
        serve(token.to_owned(), Endpoint::Token, issuer_path);
        let introspection = serve(format!("{folder}/introspect"), Endpoint::Introspection, issuer_path);
        let revocation = serve(format!("{folder}/revoke"), Endpoint::Revocation, issuer_path);
        if site == 0 {
            serve(WELL_KNOWN.to_owned(), Endpoint::Metadata, "");
        }
        serve(format!("{WELL_KNOWN}{folder}"), Endpoint::Metadata, folder);
        self.sites.push(Site { token: token.to_owned(), introspection, revocation });
    }

    /// What is served at a path.
    pub(crate) fn at(&self, path: &str) -> Option<&Served> {
        self.served.iter().find(|served| served.path == path)
    }

    /// The token endpoint that is announced.
    pub(crate) fn token_path(&self) -> &str {
        self.sites.first().map_or("", |site| &site.token)
    }

    pub(super) fn site_of(&self, served: &Served) -> Option<&Site> {
        self.sites.get(served.site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_beside_the_token_endpoint_unless_the_contract_has_them() {
        let paths = ["/oauth/token".to_owned(), "/b/c/token".to_owned(), "/token".to_owned()];
        let endpoints = Endpoints::new(&paths, |path| path == "/oauth/revoke");
        let at = |path: &str| endpoints.at(path).map(|served| (served.endpoint, served.issuer_path.as_str()));
        for (path, expected) in [
            ("/oauth/token", Some((Endpoint::Token, ""))),
            ("/oauth/introspect", Some((Endpoint::Introspection, ""))),
            ("/oauth/revoke", None),
            ("/b/c/revoke", Some((Endpoint::Revocation, "/b/c"))),
            ("/introspect", Some((Endpoint::Introspection, ""))),
            (WELL_KNOWN, Some((Endpoint::Metadata, ""))),
            ("/.well-known/oauth-authorization-server/oauth", Some((Endpoint::Metadata, "/oauth"))),
            ("/.well-known/oauth-authorization-server/b/c", Some((Endpoint::Metadata, "/b/c"))),
            ("/.well-known/oauth-authorization-server/b", None),
        ] {
            assert_eq!(at(path), expected, "{path}");
        }
        assert_eq!(endpoints.token_path(), "/oauth/token");
        let site = endpoints.site_of(endpoints.at("/oauth/token").unwrap()).unwrap();
        assert_eq!((site.introspection.as_deref(), site.revocation.as_deref()), (Some("/oauth/introspect"), None));
    }
}
