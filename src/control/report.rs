//! Evidence: reports in every format, coverage, the journal as HAR, and expectations.

use super::{Call, Failure, json_reply, typed};
use crate::diagnostic::Part;
use crate::evidence::{Address, Format, Outcome, Report, expectations, har_of};
use crate::message::{Reply, scheme_of};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderValue};
use serde_json::{Value, json};

/// The variable that stands for the server in lines to paste, where a request named no host.
pub(crate) const ADDRESS_VARIABLE: &str = "CHATKITTY_BASE_URL";

impl Call<'_> {
    pub(super) fn get_report(&self) -> Result<Reply, Failure> {
        let format = self.in_query("format").and_then(Format::parse).unwrap_or(Format::Json);
        let address = Address { variable: ADDRESS_VARIABLE, lasts: true, scheme: scheme_of(self.request) };
        let report = Report { address, ..self.engine.full_report(self.named_application()?.as_deref()) };
        let (media_type, bytes) = report.render_as(format);
        let mut reply = typed(media_type, bytes);
        if format == Format::Html {
            // The page has its style within it.
            let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
            reply.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        Ok(reply)
    }

    pub(super) fn get_coverage(&self) -> Result<Reply, Failure> {
        let coverage = self.engine.coverage(self.named_application()?.as_deref());
        Ok(json_reply(StatusCode::OK, &coverage.to_json()))
    }

    pub(super) fn get_har(&self) -> Reply {
        let mut asked = self.asked();
        asked.limit = usize::MAX;
        let page = asked.page(self.engine);
        let har = har_of(page.exchanges.iter(), scheme_of(self.request));
        let mut reply = typed(Format::Har.media_type(), Bytes::from(har));
        let name = HeaderValue::from_static("attachment; filename=\"exchanges.har\"");
        reply.headers_mut().insert(CONTENT_DISPOSITION, name);
        reply
    }

    pub(super) fn get_expectations(&self) -> Reply {
        let outcomes: Vec<Value> = self.engine.evidence.outcomes().iter().map(Outcome::to_json).collect();
        json_reply(StatusCode::OK, &json!({ "expectations": outcomes }))
    }

    /// Replaces what is expected; counting begins anew.
    pub(super) fn put_expectations(&self) -> Result<Reply, Failure> {
        let body = self.decoded.body.clone().unwrap_or_default();
        let expected = expectations::read(&body, &self.engine.world().contract).map_err(|mistakes| Failure {
            status: StatusCode::BAD_REQUEST,
            diagnostics: mistakes
                .iter()
                .map(|mistake| mistake.diagnostic().at(Part::Body, mistake.pointer.clone()))
                .collect(),
        })?;
        self.engine.evidence.expect(expected);
        Ok(self.get_expectations())
    }
}
