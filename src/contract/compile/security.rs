//! Security schemes and requirements.

use super::Compiler;
use crate::contract::document::Version;
use crate::contract::security::{KeyLocation, Requirement, Scheme, SchemeKind, scope_covers};
use crate::contract::servers::path_of;
use crate::diagnostic::{Diagnostic, Severity, code, did_you_mean};
use crate::source::{Focus, pointer};
use openapiv3 as oas;
use serde_json::{Value, json};

impl Compiler<'_> {
    pub(super) fn security_schemes(&mut self) {
        const SECTION: &str = "/components/securitySchemes";
        for name in self.document.keys(SECTION) {
            let Some(at) = self.enter(&pointer::join(SECTION, &name)) else {
                self.unusable_schemes.insert(name);
                continue;
            };
            // openapiv3 knows no mutualTLS, which 3.1 brought.
            if self.document.at(&at).and_then(|scheme| scheme.get("type")) == Some(&json!("mutualTLS")) {
                self.scheme(name, SchemeKind::MutualTls, None);
                continue;
            }
            match self.typed::<oas::SecurityScheme>(&at, "security scheme") {
                Some(scheme) => self.typed_scheme(name, &at, scheme),
                None => {
                    self.unusable_schemes.insert(name);
                }
            }
        }
    }

    pub(super) fn scheme(&mut self, name: String, kind: SchemeKind, scopes: Option<Vec<String>>) {
        self.schemes.push(Scheme { name, kind });
        self.scheme_scopes.push(scopes);
    }

    fn typed_scheme(&mut self, name: String, at: &str, scheme: oas::SecurityScheme) {
        match scheme {
            oas::SecurityScheme::APIKey { location, name: key, .. } => {
                let location = match location {
                    oas::APIKeyLocation::Query => KeyLocation::Query,
                    oas::APIKeyLocation::Header => KeyLocation::Header,
                    oas::APIKeyLocation::Cookie => KeyLocation::Cookie,
                };
                self.scheme(name, SchemeKind::ApiKey { location, name: key }, None);
            }
            oas::SecurityScheme::HTTP { scheme, .. } => {
                let kind = match scheme.to_ascii_lowercase().as_str() {
                    "basic" => SchemeKind::Basic,
                    "bearer" => SchemeKind::Bearer,
                    other => SchemeKind::Http(other.to_owned()),
                };
                self.scheme(name, kind, None);
            }
            oas::SecurityScheme::OpenIDConnect { .. } => self.scheme(name, SchemeKind::OpenIdConnect, None),
            oas::SecurityScheme::OAuth2 { flows, .. } => {
                let mut scopes: Vec<String> = Vec::new();
                let mut add = |flow: Vec<String>| scopes.extend(flow);
                if let Some(flow) = flows.implicit {
                    add(flow.scopes.into_keys().collect());
                }
                if let Some(flow) = flows.password {
                    add(flow.scopes.into_keys().collect());
                }
                if let Some(flow) = flows.authorization_code {
                    add(flow.scopes.into_keys().collect());
                }
                // openapiv3 does not know the flow that 3.2 brought.
                let device = self.document.at(&format!("{at}/flows/deviceAuthorization/scopes"));
                add(device.and_then(Value::as_object).into_iter().flatten().map(|(scope, _)| scope.clone()).collect());
                let issued_here = flows.client_credentials.is_some();
                if let Some(flow) = flows.client_credentials {
                    add(flow.scopes.into_keys().collect());
                    let path = path_of(&flow.token_url);
                    if !self.token_paths.contains(&path) {
                        self.token_paths.push(path);
                    }
                }
                self.scheme(name, SchemeKind::OAuth2 { issued_here }, Some(scopes));
            }
        }
    }

    pub(super) fn security(&mut self, operation: &str) -> Vec<Requirement> {
        let own = pointer::join(operation, "security");
        let at = if self.document.at(&own).is_some() { own } else { "/security".to_owned() };
        let alternatives = self.document.at(&at).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut requirements: Vec<Requirement> = Vec::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let mut requirement = Requirement::new();
            let mut usable = true;
            for (name, scopes) in alternative.as_object().into_iter().flatten() {
                let place = pointer::join(&format!("{at}/{index}"), name);
                // Since 3.2 it may also be the URI of a scheme.
                let named = name.strip_prefix("#/components/securitySchemes/").map(pointer::unescape);
                let uri = named.filter(|_| self.document.version >= Version::V32);
                let known = |wanted: &str| self.schemes.iter().position(|scheme| scheme.name == wanted);
                let Some(scheme) = known(name).or_else(|| known(&uri?)) else {
                    self.unknown_scheme(name, &place);
                    usable = false;
                    continue;
                };
                let scopes: Vec<String> =
                    scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
                self.check_scopes(scheme, &scopes, &place);
                requirement.push((scheme, scopes));
            }
            if usable {
                requirements.push(requirement);
            }
        }
        if requirements.is_empty() && !alternatives.is_empty() {
            // Nobody can satisfy it; an operation that demands the impossible must not become open.
            requirements.push(vec![(usize::MAX, Vec::new())]);
        }
        requirements
    }

    fn unknown_scheme(&mut self, name: &str, place: &str) {
        if self.unusable_schemes.contains(name) {
            return;
        }
        let known: Vec<String> = self.schemes.iter().map(|scheme| scheme.name.clone()).collect();
        let finding = Diagnostic::new(
            code::CONTRACT_SECURITY_SCHEME,
            format!("there is no security scheme `{name}`, so nobody can satisfy this"),
        )
        .in_file(self.document.location(place, Focus::Key));
        let finding = match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(close) => finding.help(format!("did you mean `{close}`?")),
            None => finding,
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn check_scopes(&mut self, scheme: usize, scopes: &[String], place: &str) {
        let Some(Some(declared)) = self.scheme_scopes.get(scheme) else { return };
        let name = self.schemes.get(scheme).map(|scheme| scheme.name.clone()).unwrap_or_default();
        let mut findings = Vec::new();
        for scope in scopes.iter().filter(|scope| !declared.contains(scope)) {
            let finding = match declared.iter().find(|known| scope_covers(known, scope)) {
                Some(cover) => Diagnostic::new(
                    code::CONTRACT_SCOPE,
                    format!("the scheme `{name}` does not declare the scope `{scope}`; its `{cover}` covers it"),
                )
                .severity(Severity::Note),
                None => Diagnostic::new(
                    code::CONTRACT_SCOPE,
                    format!("the scheme `{name}` does not declare the scope `{scope}`"),
                ),
            };
            findings.push(finding.in_file(self.document.location(place, Focus::Value)));
        }
        for finding in findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}
