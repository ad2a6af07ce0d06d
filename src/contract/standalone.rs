//! A JSON Schema (2020-12) that stands alone: the one for fixture files.

use super::document::Document;
use super::lower::{Direction, Discriminator, lower};
use super::pattern::Patterns;
use super::schema::{Checker, SchemaUse, Schemas};
use crate::diagnostic::{Diagnostic, Part};
use crate::source::SourceFile;
use jsonschema::Draft;
use serde_json::Value;
use std::sync::Arc;

/// A compiled schema.
pub(crate) struct Standalone {
    document: Document,
    schemas: Schemas,
    root: SchemaUse,
}

impl Standalone {
    /// Compiles a schema; the reason if it cannot be.
    pub(crate) fn new(file: &Arc<SourceFile>) -> Result<Self, String> {
        let document = Document::schema(file)?;
        let lowered = lower(
            &document,
            &[String::new()],
            Direction::Request,
            Discriminator::Hint,
            &mut Patterns::default(),
            &mut Vec::new(),
        );
        let schemas = Schemas::new(lowered, Draft::Draft202012)?;
        Ok(Self { document, schemas, root: SchemaUse::new(String::new(), Direction::Request) })
    }

    /// Everything in which the value breaks the schema; the places are in the value as a body.
    pub(crate) fn check(&self, value: &Value) -> Vec<Diagnostic> {
        self.root.check(Checker { document: &self.document, schemas: &self.schemas }, value, Part::Body, "")
    }
}
