//! Multipart bodies: parts by name or by position, and their headers.

use super::Representation;
use crate::contract::decode::{self, Styles};
use crate::contract::document::Version;
use crate::contract::operation::HeaderDeclaration;
use crate::contract::response::decoded_header;
use crate::diagnostic::{Part, code};
use crate::message::media_type::MediaType;
use crate::source::pointer;
use bytes::Bytes;
use serde_json::Value;

impl Representation<'_> {
    pub(super) fn multipart(&mut self, media_text: &str, bytes: &Bytes) -> Option<Value> {
        let content = self.content;
        let tree = self.checker.schemas;
        let read = if content.positions.is_some() { decode::ordered_parts } else { decode::parts };
        let parts = match read(media_text, bytes) {
            Ok(parts) => parts,
            Err(error) => {
                self.malformed(error);
                return None;
            }
        };
        let at = content.schema.as_ref().map_or("", |schema| schema.pointer.as_str());
        if let Some(positions) = &content.positions {
            for (index, part) in parts.iter().enumerate() {
                for header in positions.at(index).iter().flat_map(|part| &part.headers) {
                    self.part_header(&part.name, header, part);
                }
            }
            let item = content.item_schema.as_ref().map(|schema| schema.pointer.as_str());
            let encoding = |index| positions.at(index).map(|part| &part.encoding);
            let whole = content.schema.as_ref().map(|schema| schema.pointer.as_str());
            let (value, problems) = decode::positional_value(tree, whole, item, &parts, encoding);
            self.part_problems(problems);
            return Some(value);
        }
        for (property, header) in &content.part_headers {
            for part in parts.iter().filter(|part| part.name == *property) {
                self.part_header(property, header, part);
            }
        }
        // OAS 3.0.4 §4.7.15.1.2 knows styles in urlencoded forms only.
        let form_data = MediaType::parse(media_text).is_some_and(|media| media.essence() == "multipart/form-data");
        let applied = form_data && self.checker.document.version > Version::V30;
        let styles = if applied { Styles::Applied } else { Styles::Ignored };
        let (value, problems) = decode::multipart_value(tree, at, &parts, &content.encodings, styles);
        self.part_problems(problems);
        Some(value)
    }

    fn part_problems(&mut self, problems: Vec<decode::PartProblem>) {
        for problem in problems {
            let code = if problem.media_type { code::PART_MEDIA_TYPE } else { code::BODY_MALFORMED };
            self.problem(code, problem.message, &problem.pointer, &self.content.pointer);
        }
    }

    fn part_header(&mut self, property: &str, header: &HeaderDeclaration, part: &decode::Part) {
        let value = part.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&header.name));
        let at = pointer::join("", property);
        let Some((_, text)) = value else {
            if header.required {
                let message = format!("the part `{property}` lacks the required header `{}`", header.name);
                self.problem(code::BODY_MALFORMED, message, &at, &header.pointer);
            }
            return;
        };
        let Some(schema) = &header.schema else { return };
        let Some(value) = decoded_header(header, schema, self.checker.schemas, text) else {
            let message = format!("the header `{}` of the part `{property}` cannot be decoded", header.name);
            self.problem(code::BODY_MALFORMED, message, &at, &header.pointer);
            return;
        };
        let mut found = schema.check(self.checker, &value, Part::Body, &at);
        self.found.append(&mut found);
    }
}
