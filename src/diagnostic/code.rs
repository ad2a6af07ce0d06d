//! The catalogue of codes: each one once, with its status, severity, fault, text and explanation.

use super::{Fault, Severity};
use std::fmt;
use std::hash::{Hash, Hasher};

/// What the catalogue says of one code.
#[derive(Debug)]
pub struct Entry {
    /// The four digits.
    pub number: u16,
    text: [u8; 6],
    /// The status of a reply to a request with this fault alone; `None` for what is found outside an exchange.
    pub status: Option<u16>,
    /// The default severity.
    pub severity: Severity,
    /// Who is at fault by default.
    pub fault: Fault,
    /// The title, lower case.
    pub title: &'static str,
    /// What it means.
    pub explanation: &'static str,
    /// What brings it about.
    pub example: &'static str,
    /// What to do.
    pub cure: &'static str,
}

/// A stable code, written `CKnnnn`. Families: 01 routing, 02 schema, 03 parameters, 04 security and OAuth,
/// 05 media types, 06 response drift, 07 contract document, 08 fixtures, 09 transport and limits, 10 gates and expectations.
#[derive(Clone, Copy)]
pub struct Code(&'static Entry);

impl Code {
    /// What the catalogue says of this code.
    pub fn entry(self) -> &'static Entry {
        self.0
    }

    /// The code as it is written: `CK0203`.
    pub fn as_str(self) -> &'static str {
        // It has nothing but letters and digits.
        std::str::from_utf8(&self.0.text).unwrap_or_default()
    }

    /// The code written as `text` (`CK0203`, case-insensitive), if the catalogue has it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("CK").or_else(|| text.strip_prefix("ck"))?;
        let number: u16 = (digits.len() == 4).then(|| digits.parse().ok())??;
        ALL.iter().copied().find(|code| code.0.number == number)
    }

    /// The name of the family that the first two digits say.
    pub fn family(self) -> &'static str {
        match self.0.number / 100 {
            1 => "routing",
            2 => "schema",
            3 => "parameters",
            4 => "security",
            5 => "media types",
            6 => "response drift",
            7 => "contract",
            8 => "fixtures",
            9 => "transport and limits",
            _ => "gates",
        }
    }

    /// The long text: title, meaning, example and cure, as `explain` prints it.
    pub fn explain(self) -> String {
        let entry = self.0;
        let status = entry.status.map_or_else(String::new, |status| format!(" · status {status}"));
        format!(
            "{self}: {}\n{} · fault of the {}{status}\n\n{}\n\nExample: {}\n\nCure: {}\n",
            entry.title,
            entry.severity.as_str(),
            entry.fault.as_str(),
            entry.explanation,
            entry.example,
            entry.cure
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

/// `CK` and four digits.
const fn text(number: u16) -> [u8; 6] {
    let mut text = *b"CK0000";
    let (mut left, mut at) = (number, text.len());
    while left > 0 {
        at -= 1;
        text[at] += (left % 10) as u8;
        left /= 10;
    }
    text
}

macro_rules! catalogue {
    ($($name:ident $number:literal $status:expr, $severity:ident $fault:ident, $title:literal, $explanation:literal, $example:literal, $cure:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Code = Code(&Entry {
                number: $number, text: text($number), status: $status, severity: Severity::$severity, fault: Fault::$fault,
                title: $title, explanation: $explanation, example: $example, cure: $cure,
            });
        )*
        /// Every code, in order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

catalogue! {
    UNKNOWN_PATH 101 Some(404), Error Client,
        "no path of the contract matches",
        "The path of the request matches no path template of the contract under any of its servers' base paths. Templates are matched segment by segment, a concrete segment before a templated one; a trailing slash counts.",
        "`GET /v1/applications` on the bundled contract",
        "Use the path that the diagnostic suggests, or add the path to the contract; with a base path in `servers`, request it too or pass `--ignore-base-path`.";
    METHOD_NOT_ALLOWED 102 Some(405), Error Client,
        "the path exists, the method does not",
        "The contract declares the path, but no operation with this method (RFC 9110 §15.5.6). `Allow` names the methods that exist.",
        "`PATCH /v1/application/settings` on the bundled contract, which has PUT only",
        "Use a method named in `Allow`.";
    BAD_TARGET 103 Some(400), Error Client,
        "the request target cannot be decoded",
        "The target has a broken percent-escape, or escapes that are not UTF-8 (RFC 3986 §2.1).",
        "`GET /v1/%zz`",
        "Encode each reserved character as `%` and two hexadecimal digits.";
    SCHEMA_TYPE 201 Some(400), Error Client,
        "a value has the wrong type",
        "The value's JSON type is none of those that the schema's `type` names. A parameter's text is read by its schema's type, to the letter: `0x10` and `1e1` are no integers.",
        "`{\"guestUsers\": true}` where a string is declared",
        "Send a value of the declared type.";
    SCHEMA_REQUIRED 202 Some(400), Error Client,
        "a required property is missing",
        "The object lacks a property that the schema's `required` (or `dependentRequired`) names.",
        "a PUT of the settings with `guestUsers` alone",
        "Send every required property.";
    SCHEMA_ENUM 203 Some(400), Error Client,
        "a value is none of those allowed",
        "The value is not in the schema's `enum`, or differs from its `const`. Case counts.",
        "`{\"guestUsers\": \"disabled\"}` where `DISABLED` and `ENABLED` are allowed",
        "Send one of the listed values.";
    SCHEMA_UNEXPECTED 204 Some(400), Error Client,
        "a property or item is not allowed",
        "The schema closes the object or array (`additionalProperties`, `unevaluatedProperties`, `propertyNames`, `additionalItems`, `unevaluatedItems`, or a `false` schema), and the value has more.",
        "`{\"gestUsers\": \"ENABLED\"}` where `additionalProperties` is false",
        "Remove it, or correct its name.";
    SCHEMA_STRING 205 Some(400), Error Client,
        "a string breaks a length or pattern",
        "The string is shorter or longer than `minLength` or `maxLength` allow (counted in Unicode code points), does not match `pattern` (ECMA-262, not anchored), or its content does not have the declared encoding.",
        "`\"\"` where `minLength` is 1",
        "Send a string that satisfies the constraint.";
    SCHEMA_NUMBER 206 Some(400), Error Client,
        "a number is out of range",
        "The number breaks `minimum`, `maximum`, their exclusive forms, or `multipleOf`.",
        "`?limit=0` where `minimum` is 1",
        "Send a number that satisfies the constraint.";
    SCHEMA_ARRAY 207 Some(400), Error Client,
        "an array breaks a constraint",
        "The array breaks `minItems`, `maxItems`, `uniqueItems` or `contains`.",
        "`?id=1&id=1` where `uniqueItems` is true",
        "Send an array that satisfies the constraint.";
    SCHEMA_OBJECT 208 Some(400), Error Client,
        "an object breaks a constraint",
        "The object breaks `minProperties`, `maxProperties` or a dependency.",
        "`{}` where `minProperties` is 1",
        "Send an object that satisfies the constraint.";
    SCHEMA_FORMAT 209 Some(400), Error Client,
        "a value breaks its format",
        "The value does not have the declared `format`. Formats are asserted here, not only annotated.",
        "`\"yesterday\"` where `format` is `date-time` (RFC 3339)",
        "Send a value in that format.";
    SCHEMA_COMBINATION 210 Some(400), Error Client,
        "a value fits no allowed alternative",
        "The value satisfies none of the `anyOf`, not exactly one of the `oneOf`, or what `not` forbids. A discriminator chooses the branch that messages speak of; it never changes the verdict unless `--discriminator select` is given.",
        "an object that fits two branches of a `oneOf`",
        "Send a value that fits exactly one alternative; when a generated contract has overlapping branches, start with `--discriminator select`.";
    SCHEMA_OTHER 211 Some(400), Error Client,
        "a value breaks a schema keyword",
        "The value breaks a keyword that has no code of its own.",
        "a custom vocabulary's keyword",
        "See the keyword's place in the contract.";
    PARAMETER_MISSING 301 Some(400), Error Client,
        "a required parameter is missing",
        "The contract declares the parameter as required, and the request does not carry it. Names of query, path and cookie parameters are case-sensitive.",
        "`GET /things` where `?limit` is required",
        "Send the parameter.";
    PARAMETER_MALFORMED 302 Some(400), Error Client,
        "a parameter is not written in its style",
        "The text cannot be decoded by the parameter's `style` and `explode` (OpenAPI, Style Values), or its `content` media type.",
        "`/things/5` where `style: matrix` wants `/things/;id=5`",
        "Write the parameter as its style demands.";
    PARAMETER_REPEATED 303 Some(400), Error Client,
        "a parameter is given twice",
        "The parameter's style and schema allow one occurrence, and there are more.",
        "`?limit=1&limit=2` where `limit` is an integer",
        "Send it once.";
    PARAMETER_UNKNOWN 304 Some(400), Warning Client,
        "a query parameter is not declared",
        "The operation declares no query parameter of this name. It is recorded as a warning, and refused where the server was told to.",
        "`?limt=5`",
        "Correct the name, or declare the parameter.";
    PARAMETER_EMPTY 305 Some(400), Error Client,
        "a parameter has no value",
        "The parameter is there without a value, and neither its schema nor `allowEmptyValue` lets it be empty.",
        "`?limit=`",
        "Give it a value, or leave it out.";
    CREDENTIALS_MISSING 401 Some(401), Error Client,
        "no credentials were sent",
        "The operation demands credentials (`security`), and the request carries none that satisfy any of the alternatives.",
        "`GET /v1/application` without `Authorization`",
        "Ask the token endpoint for a token and send `Authorization: Bearer TOKEN`.";
    CREDENTIALS_INVALID 402 Some(401), Error Client,
        "the credentials are not valid",
        "The token is unknown, expired or revoked, or the key or password belongs to no application.",
        "a token older than its `expires_in`",
        "Get new credentials; with OAuth, ask the token endpoint again.";
    INSUFFICIENT_SCOPE 403 Some(403), Error Client,
        "the token lacks a scope",
        "The token is valid, but its scopes do not cover the operation's (RFC 6750 §3.1). `verb:*` covers `verb:anything`.",
        "a token with `read:*` on an operation that asks for `update:application`",
        "Ask for the scope when asking for the token.";
    CREDENTIALS_MALFORMED 404 Some(401), Error Client,
        "the credentials cannot be read",
        "The `Authorization` header does not have the form of its scheme (RFC 9110 §11.4, RFC 7617, RFC 6750).",
        "`Authorization: Basic not-base64`",
        "Send the header as its scheme demands.";
    APPLICATION_UNKNOWN 405 Some(404), Error Client,
        "there is no such application",
        "`X-Mock-Application`, what the host has before `.localhost`, or a request to the control plane names no application of this server.",
        "`X-Mock-Application: stagign`",
        "Name an application, or leave it to the credentials.";
    TOKEN_INVALID_REQUEST 411 Some(400), Error Client,
        "the token request is malformed",
        "A request to the token, introspection or revocation endpoint lacks a parameter, repeats one, authenticates in two ways that disagree, or its body cannot be read: `invalid_request` (RFC 6749 §5.2). With `--strict-oauth` the body is form-urlencoded, no parameter is repeated, and the client authenticates in one way.",
        "a body without `grant_type`",
        "Send `grant_type=client_credentials`, or `token=…` to introspect or revoke one, as form-urlencoded or multipart form data.";
    TOKEN_INVALID_CLIENT 412 Some(401), Error Client,
        "client authentication failed",
        "The client id is unknown, the secret is wrong, or no client authentication was sent: `invalid_client` (RFC 6749 §5.2). With `--strict-oauth` both parts of `Basic` credentials are form-urlencoded first (§2.3.1).",
        "a wrong client secret",
        "Use the credentials in the banner, the ready line or the fixture file.";
    TOKEN_UNSUPPORTED_GRANT 413 Some(400), Error Client,
        "the grant type is not supported",
        "The token endpoint serves `client_credentials` only: `unsupported_grant_type` (RFC 6749 §5.2).",
        "`grant_type=password`",
        "Send `grant_type=client_credentials`.";
    TOKEN_INVALID_SCOPE 414 Some(400), Error Client,
        "a requested scope is not granted",
        "The client asks for a scope that it does not have: `invalid_scope` (RFC 6749 §5.2).",
        "`scope=admin`",
        "Ask for scopes that the application has, or leave `scope` out.";
    TOKEN_FOREIGN 415 Some(400), Error Client,
        "the token was issued to another application",
        "A client may revoke the tokens of its own application only: `invalid_grant` (RFC 7009 §2.1, RFC 6749 §5.2).",
        "the credentials of `staging` on the revocation endpoint with a token of `development`",
        "Revoke the token with credentials of the application that it was issued to.";
    MEDIA_TYPE_UNSUPPORTED 501 Some(415), Error Client,
        "the body's media type is not declared",
        "`Content-Type` is missing, malformed, matches none of the media types of the operation's request body, or names a charset that is not read.",
        "`Content-Type: text/plain` where `application/json` is declared",
        "Send the body as one of the media types in the reply's `Accept`.";
    NOT_ACCEPTABLE 502 Some(406), Error Client,
        "no representation is acceptable",
        "`Accept` excludes every media type that the operation declares for the answer (RFC 9110 §12.5.1).",
        "`Accept: image/png` where `application/json` is declared",
        "Accept a declared media type, or add `*/*;q=0.1`.";
    BODY_MALFORMED 503 Some(400), Error Client,
        "the body cannot be read",
        "The body is not well-formed in its media type: broken JSON (RFC 8259), form data, multipart or XML, or not UTF-8.",
        "`{\"guestUsers\": }`",
        "Send a well-formed body.";
    BODY_MISSING 504 Some(400), Error Client,
        "a required body is missing",
        "The operation's request body is required, and the request has none.",
        "`PUT /v1/application/settings` without a body",
        "Send the body.";
    BODY_DUPLICATE_KEY 505 Some(400), Error Client,
        "an object names a member twice",
        "RFC 8259 §4 leaves open which of the two counts, so programs disagree; it is refused.",
        "`{\"a\": 1, \"a\": 2}`",
        "Send each member once.";
    CONTENT_ENCODING_UNSUPPORTED 506 Some(415), Error Client,
        "the content coding is not supported",
        "`Content-Encoding` names a coding other than gzip, deflate, br and identity, or the body is not in that coding.",
        "`Content-Encoding: compress`",
        "Send the body in gzip, deflate or br, or as it is.";
    PART_MEDIA_TYPE 507 Some(400), Error Client,
        "a part has the wrong media type",
        "A part of the multipart body has a `Content-Type` that its `encoding` does not declare.",
        "a `text/plain` part where `image/png` is declared",
        "Send the part with a declared media type.";
    DRIFT_STATUS 601 Some(500), Error Server,
        "the response's status is not declared",
        "The operation declares no response for this status, no range such as `4XX`, and no `default`.",
        "a 403 from an operation that declares 200 and 404",
        "Declare the status in the contract.";
    DRIFT_MEDIA_TYPE 602 Some(500), Error Server,
        "the response's media type is not declared",
        "The declared response has no such media type, or none at all.",
        "`text/html` where `application/json` is declared",
        "Declare the media type.";
    DRIFT_BODY 603 Some(500), Error Server,
        "the response's body breaks the contract",
        "The body about to leave is no instance of the declared schema. The keyword and the pointer say where.",
        "a stored resource that lacks a required property",
        "Correct the fixture, the example or the contract.";
    DRIFT_HEADER 604 Some(500), Error Server,
        "a response header breaks the contract",
        "A required response header is missing, or its value breaks its schema.",
        "a missing `X-Rate-Limit` that is declared as required",
        "Correct the header or its declaration.";
    DRIFT_NO_ANSWER 605 Some(500), Error Server,
        "no valid answer can be made",
        "No state, no example and no generated instance satisfies the schema of the response within the bound on attempts.",
        "a schema that nothing satisfies",
        "Give the media type an example that satisfies its schema.";
    CONTRACT_SYNTAX 701 None, Error Contract,
        "the document is not well-formed",
        "The file is neither well-formed JSON nor YAML 1.2, is not UTF-8, or goes over a limit.",
        "a tab as indentation in YAML",
        "Correct the syntax at the place shown.";
    CONTRACT_NOT_OPENAPI 702 None, Error Contract,
        "the document is not an OpenAPI document",
        "The document's root is no object with an `openapi` member of the form 3.x.y.",
        "a Swagger 2.0 file",
        "Give an OpenAPI 3.0, 3.1 or 3.2 document.";
    CONTRACT_STRUCTURE 703 None, Error Contract,
        "the document's structure is wrong",
        "An object of the document is not what the OpenAPI Specification says it is: a missing or unknown field, or a value of the wrong type.",
        "a parameter without `name`",
        "Correct the object as the specification describes it.";
    CONTRACT_REFERENCE 704 None, Error Contract,
        "a reference leads nowhere",
        "A `$ref` or `$dynamicRef` names nothing that exists, or goes round in a circle without reaching anything.",
        "`$ref: '#/components/schemas/Setings'`",
        "Correct the reference.";
    CONTRACT_REMOTE_REFERENCE 705 None, Error Contract,
        "a reference leaves the document's files",
        "The reference leads over the network, or out of the folder of the document; neither is read unless asked for.",
        "`$ref: https://example.com/schema.json`",
        "Save the document beside this one and refer to it there, or start with `--allow-remote-refs` or `--allow-outside-refs`.";
    CONTRACT_OPERATION_ID 706 None, Warning Contract,
        "two operations have one operationId",
        "`operationId` is unique among all operations of the document (OpenAPI, Operation Object).",
        "two operations named `list`",
        "Rename one.";
    CONTRACT_PATH_TEMPLATE 707 None, Warning Contract,
        "a path template and its parameters disagree",
        "Each template expression needs a path parameter of its name, each path parameter an expression, and `required: true`.",
        "`/things/{id}` without a parameter `id`",
        "Declare the parameter, or correct the template.";
    CONTRACT_AMBIGUOUS_PATHS 708 None, Warning Contract,
        "two paths match the same requests",
        "Two path templates differ in nothing but the names of their parameters (OpenAPI, Path Templating); the first one is used.",
        "`/things/{id}` beside `/things/{name}`",
        "Merge the two path items.";
    CONTRACT_SCOPE 709 None, Warning Contract,
        "a scope is not declared",
        "A security requirement asks for a scope that its security scheme does not declare. It is only a note where a declared `verb:*` covers it.",
        "`read:user` where the flow declares no scope",
        "Declare the scope in the flow.";
    CONTRACT_SECURITY_SCHEME 710 None, Error Contract,
        "a security scheme does not exist",
        "A security requirement names a scheme that `components.securitySchemes` lacks; nobody can satisfy it.",
        "`security: [{tokn: []}]`",
        "Declare the scheme, or correct the name.";
    CONTRACT_EXAMPLE 711 None, Warning Contract,
        "an example contradicts its schema",
        "The example is no instance of the schema beside it, so it is never served.",
        "an example without a required property",
        "Correct the example or the schema.";
    CONTRACT_PATTERN 712 None, Warning Contract,
        "a pattern cannot be used",
        "The regular expression does not compile, goes over the size limit, or needs a feature that the engine lacks; the rest of its schema is checked.",
        "`pattern: '['`",
        "Correct the pattern (ECMA-262, with the `u` flag).";
    CONTRACT_SCHEMA 713 None, Error Contract,
        "a schema is not valid",
        "The schema does not compile in its dialect; operations that reach it cannot be checked and answer 500.",
        "`type: strng`",
        "Correct the keyword's value.";
    CONTRACT_UNSUPPORTED 714 None, Error Contract,
        "a feature is not supported",
        "The document uses something that this version does not check or serve; it is named rather than ignored.",
        "`prefixEncoding` inside an encoding of OpenAPI 3.2",
        "Leave the feature out, or serve the rest of the document without it.";
    CONTRACT_KEYWORD_IGNORED 715 None, Warning Contract,
        "a keyword has no effect",
        "The keyword does not exist in the document's dialect of JSON Schema, or stands beside a `$ref` in OpenAPI 3.0, and so has no effect.",
        "`const` in an OpenAPI 3.0 document",
        "Move to OpenAPI 3.1, or say it with a keyword of the dialect.";
    CONTRACT_RESERVED_PATH 716 None, Error Contract,
        "a path lies under `/_mock`",
        "`/_mock` is the control plane's; a contract with a path there cannot be served.",
        "`/_mock/things`",
        "Rename the path.";
    CONTRACT_OVERLAP 717 None, Warning Contract,
        "branches of a discriminated oneOf overlap",
        "An instance of one branch satisfies another one too, so `oneOf` refuses what the discriminator names. The specification's letter says refuse.",
        "two branches that require nothing",
        "Start with `--discriminator select`, or make the branches disjoint with `const` or `enum` on the discriminating property.";
    CONTRACT_DEFAULT 718 None, Warning Contract,
        "a default contradicts its schema",
        "The `default` value is no instance of the schema that declares it.",
        "`type: integer` with `default: \"10\"`",
        "Correct the default or the schema.";
    CONTRACT_DUPLICATE_KEY 719 None, Error Contract,
        "a mapping names a key twice",
        "JSON and YAML leave no meaning to a second key of the same name.",
        "two `get:` under one path",
        "Remove or rename one.";
    CONTRACT_EXTENSION 720 None, Warning Contract,
        "what `x-mock` says cannot be used",
        "The `x-mock` extension of a path item takes `role` (`collection`, `item`, `singleton`, `none`), `items` (a path of the contract), `id` (a member's name) and `list` (a JSON Pointer). What it says wrongly is left out.",
        "`x-mock: { role: collecton }`",
        "Correct the member; `chatkitty-mock check --explain-state` shows what is inferred.";
    FIXTURE_SYNTAX 801 None, Error Fixture,
        "the fixture file is not well-formed",
        "The file is neither well-formed JSON nor YAML 1.2, or cannot be read.",
        "a missing colon",
        "Correct the syntax at the place shown.";
    FIXTURE_STRUCTURE 802 None, Error Fixture,
        "the fixture file's structure is wrong",
        "The file breaks the JSON Schema for fixture files: an unknown member, or a value of the wrong type.",
        "`credentails:`",
        "Correct the member.";
    FIXTURE_PATH 803 None, Error Fixture,
        "the contract has no such resource",
        "The resource's path matches no path of the contract that has a GET operation with a JSON answer.",
        "`/v1/aplication`",
        "Correct the path.";
    FIXTURE_RESOURCE 804 None, Error Fixture,
        "a resource breaks the contract",
        "The resource is no instance of the schema of its GET response.",
        "`guestUsers: ENABLD`",
        "Correct the value.";
    FIXTURE_DUPLICATE 805 None, Error Fixture,
        "two fixtures claim the same thing",
        "Two fixture files have the same name or the same client id.",
        "two files with one `client_id`",
        "Give each application credentials of its own.";
    FIXTURE_STATE 806 None, Error Fixture,
        "what `state` says cannot be used",
        "The `state` of a fixture file says of paths of the contract which role they have; each takes `role`, `items`, `id` and `list`.",
        "`state: { /v1/things: { role: collecton } }`",
        "Correct the member; `chatkitty-mock check --explain-state` shows what is inferred.";
    STATE_DROPPED 807 None, Warning Server,
        "state does not fit the contract that is served now",
        "The contract was loaded again, and a resource that an application held is no instance of the new one's GET response, or has no path in it. It goes back to what the application's fixture says there, or is gone.",
        "settings with `guestUsers: ENABLED` under a contract whose enum has become `ON` and `OFF`",
        "Nothing, if the contract was meant to change; else correct it, and set the resource again.";
    BODY_TOO_LARGE 901 Some(413), Error Client,
        "the body is too large",
        "The body, or what it inflates to, goes over `--max-body`.",
        "a body of 20 MB",
        "Send less, or raise `--max-body`.";
    TARGET_TOO_LONG 902 Some(414), Error Client,
        "the request target is too long",
        "The request line goes over the limit, so the target was not looked at.",
        "a query of 100 kB",
        "Send less in the target.";
    HEAD_TOO_LARGE 903 Some(431), Error Client,
        "the header section is too large",
        "The header section goes over its limit in bytes or fields.",
        "a cookie of 100 kB",
        "Send fewer or shorter header fields.";
    REQUEST_TIMEOUT 904 Some(408), Error Client,
        "the request took too long",
        "The head or the body did not arrive within its time.",
        "a client that stops in the middle of a body",
        "Send the request without pauses.";
    BAD_FRAMING 905 Some(400), Error Client,
        "the request can be read in more than one way",
        "What the bytes of the request mean, where it ends or whom it is for, cannot be told beyond doubt: its `Host` or length is missing, wrong or given twice, a line has a bare CR or LF, or white space or characters stand where RFC 9112 allows none. Two readers may then disagree on where the next request begins, so the connection is closed.",
        "`Content-Length` beside `Transfer-Encoding: chunked`",
        "Correct the place that the message names; `docs/http.md` lists what is refused. HTTP libraries get all of it right: look for a header that is set by hand.";
    HOST_REFUSED 906 Some(403), Error Client,
        "the control plane does not answer this host or origin",
        "A request to `/_mock` names a host that is not this server's, or comes from another origin's page; this guards against DNS rebinding and cross-site requests.",
        "`Host: evil.example`",
        "Call the control plane by the address in the ready line, or start the server with `--allow-host NAME`.";
    PRECONDITION 907 Some(400), Error Client,
        "a preference cannot be honoured",
        "`Prefer: handling=strict` was given, and another preference names something that the contract does not declare.",
        "`Prefer: code=599, handling=strict`",
        "Name a declared status or example.";
    PRECONDITION_FAILED 908 Some(412), Error Client,
        "a precondition does not hold",
        "`If-Match` or `If-None-Match` names another version of the resource than the present one (RFC 9110 §13.1); nothing was changed.",
        "`If-Match` with the `ETag` of an earlier version",
        "Read the resource again, and send its present `ETag`.";
    PATCH_CONFLICT 909 Some(409), Error Client,
        "the patch cannot be applied",
        "An operation of the JSON Patch (RFC 6902) names a path that the resource does not have, or a `test` fails; nothing was changed.",
        "`[{\"op\": \"remove\", \"path\": \"/absent\"}]`",
        "Read the resource again, and make the patch from what it holds.";
    RESOURCE_EXISTS 910 Some(409), Error Client,
        "the resource exists already",
        "The request names the id of a new resource, and the collection has one with this id; nothing was changed.",
        "POST of `{\"id\": 7}` twice",
        "Choose another id, or replace the resource by PUT.";
    STATE_FULL 911 Some(507), Error Client,
        "the application holds too much",
        "The state of one application is bounded in resources and bytes, and so are all snapshots together; the write was not carried out.",
        "more resources than the limit allows",
        "Delete resources or snapshots, or reset the application.";
    RECORDED_IN_PART 912 None, Note Client,
        "the recording lacks a part of the exchange",
        "The recording that is audited leaves out or cuts off a body, or tells a header field that cannot be. What is there was judged, and nothing that would need the rest.",
        "a HAR without response bodies, as `content.size` of 5000 beside no `content.text` tells",
        "Record with bodies; Playwright calls it `content: 'embed'`.";
    EXPECTATION_UNKNOWN 913 Some(417), Error Client,
        "the expectation cannot be met",
        "`Expect` has another value than `100-continue`, the only one that there is (RFC 9110 §10.1.1).",
        "`Expect: 200-ok`",
        "Leave `Expect` out, or send `100-continue`.";
    TRANSFER_CODING_UNKNOWN 914 Some(501), Error Client,
        "the transfer coding is not known here",
        "`Transfer-Encoding` names a coding before `chunked`, and none but `chunked` is decoded (RFC 9112 §6.1).",
        "`Transfer-Encoding: gzip, chunked`",
        "Send `chunked` alone; what compresses the body belongs into `Content-Encoding`.";
    VERSION_UNKNOWN 915 Some(505), Error Client,
        "the version of HTTP is not spoken here",
        "The request line names a version that is neither HTTP/1.1 nor HTTP/1.0 (RFC 9110 §15.6.6). HTTP/2 begins with a preface of its own, at the beginning of a connection.",
        "`GET / HTTP/3.0`",
        "Send HTTP/1.1.";
    TOO_MANY 920 Some(429), Error Client,
        "the server holds as many of these as it may",
        "Applications, the credentials of one application, and snapshots are bounded in number; nothing was created.",
        "a test run that takes snapshots and deletes none",
        "Delete what is not needed any more.";
    NO_SUCH_ENTRY 921 Some(404), Error Client,
        "the control plane has nothing under this id",
        "The path names an exchange or a snapshot that does not exist: it never did, was deleted, or made room for newer ones.",
        "`GET /_mock/api/snapshots/7` after its DELETE",
        "List what there is, and use an id of the list.";
    NAME_TAKEN 922 Some(409), Error Client,
        "the name is taken",
        "An application or a snapshot of this name exists, or a credential with this client id; nothing was created.",
        "POST of `{\"name\": \"checkout\"}` to `/_mock/api/applications` twice",
        "Choose another name, or leave it out to have one made up.";
    GATE_NOT_MET 1001 None, Error Client,
        "a gate is not met",
        "The verdict was asked for more than that nothing broke the contract, by `--fail-on` or `--min-coverage`, and it is not so. What is lacking is listed.",
        "`--min-coverage 100`, and no test sends the enum value `DISABLED`",
        "Test what is lacking, or ask for less.";
    EXPECTATION_NOT_MET 1002 None, Error Client,
        "an expectation is not met",
        "Something was expected to be exchanged so many times, or in an order, and was not. The exchange that came nearest is named, and in what it differs.",
        "`settings are saved` expected once, and no request updated them",
        "Correct the client, or the expectation.";
    EXPECTATION_INVALID 1003 None, Error Client,
        "an expectation cannot be used",
        "An expectation is an object with the members that `openapi/admin.yaml` lists. Its `operation` is one of the contract, and its `after` the name of an expectation before it.",
        "`{ operation: updateSetings, times: 1 }`",
        "Correct the member that the diagnostic names.";
    COVERAGE_INVALID 1004 None, Error Client,
        "a coverage file cannot be used",
        "The file of `--coverage-file` exists, and is no `coverage.json` that this version can read. It is left as it is.",
        "a file that was cut off, or written by a later version",
        "Name another file, or delete it.";
}
