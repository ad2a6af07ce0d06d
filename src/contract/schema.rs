//! Checking values against the schemas of a contract. Sole user of the `jsonschema` crate, with `pattern`.
//!
//! A validator is built when it is first needed, and kept. What it finds becomes diagnostics that carry the
//! place in the instance and the place in the contract's own files.

use super::document::Document;
use super::effort::{self, Cost};
use super::exact_number;
use super::lower::{
    Direction, Lowered, NUMBER_FORMAT, TREE_URI, branch_names, default_branch, fragment, fragment_pointer,
    reference_pointer,
};
use super::number_format::NumberFormat;
use super::pattern::{WRAPPER, pattern_options, pattern_validator};
use super::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Part, code, did_you_mean};
use crate::source::{Focus, pointer};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, Registry, ValidationError, Validator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, RwLock};

/// Violations that one value may have. Over it the rest is left out.
const VIOLATIONS_MAX: usize = 100;
/// Characters of a value that a message shows.
const SHOWN_MAX: usize = 60;
/// Names that one message lists.
const NAMES_SHOWN_MAX: usize = 50;

/// The schemas of one direction, with the validators built so far.
pub(crate) struct Schemas {
    registry: Registry<'static>,
    /// The tree as it is read; that of the registry may have been changed for validation.
    tree: Arc<Value>,
    resources: BTreeMap<String, String>,
    validators: RwLock<HashMap<String, Arc<Result<Validator, String>>>>,
    /// Patterns of `patternProperties` that names were compared with: building one costs far more than a match.
    patterns: RwLock<HashMap<String, Arc<Option<Validator>>>>,
}

impl Schemas {
    pub(crate) fn new(lowered: Lowered, draft: Draft) -> Result<Self, String> {
        let Lowered { mut tree, resources, .. } = lowered;
        let mut builder = Registry::new().draft(draft);
        let mut readable = None;
        if !resources.is_empty() {
            readable = Some(Arc::new(tree.clone()));
            absolute(&mut tree, &resources, 0);
        }
        for (uri, at) in &resources {
            // One inside another is found there by the registry itself.
            let inner = resources.values().any(|root| at.len() > root.len() && at.starts_with(&format!("{root}/")));
            if let Some(place) = tree.pointer_mut(at).filter(|_| !inner) {
                let schema = std::mem::replace(place, json!({ "$ref": uri }));
                builder = builder.add(uri, draft.create_resource(schema)).map_err(|error| error.to_string())?;
            }
        }
        let tree = Arc::new(tree);
        let builder = builder.add(TREE_URI, Arc::clone(&tree)).map_err(|error| error.to_string())?;
        Ok(Self {
            registry: builder.prepare().map_err(|error| error.to_string())?,
            tree: readable.unwrap_or(tree),
            resources,
            validators: RwLock::default(),
            patterns: RwLock::default(),
        })
    }

    /// The validator of the schema at a pointer, or why there is none.
    pub(crate) fn validator(&self, at: &str) -> Arc<Result<Validator, String>> {
        if let Ok(known) = self.validators.read()
            && let Some(found) = known.get(at)
        {
            return Arc::clone(found);
        }
        let built = Arc::new(self.build(at));
        if let Ok(mut known) = self.validators.write() {
            known.insert(at.to_owned(), Arc::clone(&built));
        }
        built
    }

    fn build(&self, at: &str) -> Result<Validator, String> {
        if effort::ways(self.root(), at) > effort::WAYS_MAX {
            return Err(format!("its alternatives lead to more than {} schemas for one value", effort::WAYS_MAX));
        }
        let options = jsonschema::options()
            .with_draft(WRAPPER)
            .with_registry(&self.registry)
            .with_pattern_options(pattern_options())
            .should_validate_formats(true)
            .with_keyword(NUMBER_FORMAT, super::number_format::factory)
            .with_keyword(exact_number::MULTIPLE_OF, exact_number::multiple_of)
            .with_keyword(exact_number::MINIMUM, exact_number::minimum);
        let options = super::format::register(options);
        let reference = json!({ "$ref": absolute_reference(at, &self.resources) });
        // The engine has assertions that some documents fail; one such schema must not end the process.
        let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| options.build(&reference)));
        built.map_err(|_| "the schema engine fails on it".to_owned())?.map_err(|error| error.to_string())
    }

    /// The pointer into the document that a schema location leads to.
    fn document_pointer(&self, location: &str) -> Option<String> {
        let (base, fragment) = location.split_once('#')?;
        let local = fragment_pointer(fragment)?;
        if base == TREE_URI || base.is_empty() {
            return Some(local.into_owned());
        }
        self.resources.get(base).map(|root| format!("{root}{local}"))
    }
}

/// The absolute form of a reference to a pointer: relative to the resource that it lies in, if it lies in one.
fn absolute_reference(at: &str, resources: &BTreeMap<String, String>) -> String {
    let holds = |root: &str| at.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match resources.iter().filter(|(_, root)| holds(root)).max_by_key(|(_, root)| root.len()) {
        Some((uri, root)) => format!("{uri}#{}", fragment(&at[root.len()..])),
        None => format!("{TREE_URI}#{}", fragment(at)),
    }
}

/// Makes every `$ref` absolute: a resource of its own is entered only by its own URI.
fn absolute(schema: &mut Value, resources: &BTreeMap<String, String>, depth: usize) {
    const DEPTH_MAX: usize = 512;
    if depth > DEPTH_MAX {
        return;
    }
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(at) = reference_pointer(reference) {
                            *reference = absolute_reference(&at, resources);
                        }
                    }
                    _ if matches!(key.as_str(), "enum" | "const" | "default" | "example" | "examples") => {}
                    _ => absolute(value, resources, depth + 1),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| absolute(item, resources, depth + 1)),
        _ => {}
    }
}

impl SchemaTree for Schemas {
    fn root(&self) -> &Value {
        &self.tree
    }

    fn is_valid(&self, at: &str, value: &Value) -> bool {
        self.validator(at).as_ref().as_ref().is_ok_and(|validator| validator.is_valid(value))
    }

    fn matches(&self, pattern: &str, name: &Value) -> bool {
        let known = self.patterns.read().ok().and_then(|known| known.get(pattern).cloned());
        let built = known.unwrap_or_else(|| {
            let built = Arc::new(pattern_validator(pattern));
            if let Ok(mut known) = self.patterns.write() {
                known.insert(pattern.to_owned(), Arc::clone(&built));
            }
            built
        });
        built.as_ref().as_ref().is_some_and(|validator| validator.is_valid(name))
    }
}

/// A schema that something of the contract is checked against.
pub(crate) struct SchemaUse {
    pub(crate) pointer: String,
    pub(crate) direction: Direction,
    validator: OnceLock<Arc<Result<Validator, String>>>,
    /// Whether several schemas may apply to one value.
    is_nested: OnceLock<bool>,
}

impl SchemaUse {
    pub(crate) fn new(pointer: String, direction: Direction) -> Self {
        Self { pointer, direction, validator: OnceLock::new(), is_nested: OnceLock::new() }
    }

    fn validator(&self, schemas: &Schemas) -> &Result<Validator, String> {
        self.validator.get_or_init(|| schemas.validator(&self.pointer))
    }

    /// Whether the value is an instance of the schema.
    pub(crate) fn is_valid(&self, schemas: &Schemas, value: &Value) -> bool {
        self.validator(schemas).as_ref().is_ok_and(|validator| validator.is_valid(value))
    }

    /// Everything in which the value breaks the schema, in a fixed order.
    ///
    /// `prefix` goes before the pointers: a parameter's name. The value's own text is shown in messages only up to a bound.
    pub(crate) fn check(&self, checker: Checker<'_>, value: &Value, part: Part, prefix: &str) -> Vec<Diagnostic> {
        let validator = match self.validator(checker.schemas) {
            Ok(validator) => validator,
            Err(reason) => {
                let place = checker.document.location(&self.pointer, Focus::Value);
                let message = format!("the schema cannot be used, so nothing can be checked against it: {reason}");
                return vec![Diagnostic::new(code::CONTRACT_SCHEMA, message).at(part, prefix).contract(Some(place))];
            }
        };
        if validator.is_valid(value) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let root = checker.schemas.root();
        let is_nested = self.is_nested.get_or_init(|| effort::is_nested(root, &self.pointer));
        let is_cheap = !is_nested && effort::is_small(value);
        match if is_cheap { Cost::Usual } else { effort::cost(root, &self.pointer, value) } {
            Cost::Usual => {
                for error in validator.iter_errors(value).take(VIOLATIONS_MAX) {
                    checker.report(&error, part, prefix, 0, &mut found);
                }
            }
            Cost::High => {
                if let Err(error) = validator.validate(value) {
                    checker.report(&error, part, prefix, 0, &mut found);
                }
            }
            Cost::Excessive => {
                let place = checker.document.location(&self.pointer, Focus::Value);
                let message =
                    format!("{} breaks its schema, which has too many alternatives to tell where", shown(value));
                found.push(Diagnostic::new(code::SCHEMA_COMBINATION, message).at(part, prefix).contract(Some(place)));
            }
        }
        found.dedup();
        found.truncate(VIOLATIONS_MAX);
        found
    }
}

/// What turning an error into a diagnostic needs.
#[derive(Clone, Copy)]
pub(crate) struct Checker<'a> {
    pub(crate) document: &'a Document,
    pub(crate) schemas: &'a Schemas,
}

impl Checker<'_> {
    fn report(self, error: &ValidationError<'_>, part: Part, prefix: &str, depth: usize, found: &mut Vec<Diagnostic>) {
        let location = error.absolute_keyword_location();
        let at = location.and_then(|location| self.schemas.document_pointer(location.as_str()));
        let keyword = keyword_of(error);
        let actual = shown(error.instance());
        let place = format!("{prefix}{}", error.instance_path().as_str());
        let contract = at.as_ref().map(|at| self.document.location(at, Focus::Value));
        let mut diagnostic = Diagnostic::new(code_of(&keyword), message_of(error, &keyword, &actual))
            .at(part, place)
            .keyword(keyword)
            .contract(contract)
            .values(expected_of(error), Some(actual));
        if let Some(help) = help_of(error, self, at.as_deref()) {
            diagnostic = diagnostic.help(help);
        }
        found.push(diagnostic);
        const NESTING_MAX: usize = 8;
        if depth < NESTING_MAX
            && let Some(branch) = self.meant_branch(error, at.as_deref())
        {
            for inner in branch {
                self.report(inner, part, prefix, depth + 1, found);
            }
        }
    }

    /// The branch of a failed `oneOf` or `anyOf` that the instance most likely means: the one that a
    /// discriminator or a `const` names, else the only one whose type fits, else the one with the fewest errors.
    fn meant_branch<'e>(
        self,
        error: &'e ValidationError<'_>,
        at: Option<&str>,
    ) -> Option<&'e [ValidationError<'static>]> {
        let (ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context }) = error.kind()
        else {
            return None;
        };
        if let Some(index) = at.and_then(|at| self.discriminated(at, error.instance())) {
            return context.get(index).map(Vec::as_slice);
        }
        let here = error.instance_path().as_str().len();
        let misfit = |branch: &[ValidationError<'static>]| {
            branch.iter().any(|inner| {
                inner.instance_path().as_str().len() <= here && matches!(inner.kind(), ValidationErrorKind::Type { .. })
                    || matches!(inner.kind(), ValidationErrorKind::Constant { .. })
            })
        };
        context.iter().filter(|branch| !misfit(branch)).min_by_key(|branch| branch.len()).map(Vec::as_slice)
    }

    fn discriminated(self, at: &str, instance: &Value) -> Option<usize> {
        let (schema_at, _) = pointer::parent(at)?;
        let tree = self.schemas.root();
        let schema = pointer::find(tree, schema_at)?.as_object()?;
        let property = schema.get("discriminator")?.get("propertyName")?.as_str()?;
        let name = instance.as_object()?.get(property);
        let branches = pointer::find(tree, at)?.as_array()?;
        let find = |wanted: &dyn Fn(&str) -> bool| {
            branches.iter().position(|branch| branch.get("$ref").and_then(Value::as_str).is_some_and(wanted))
        };
        let named = name
            .and_then(Value::as_str)
            .and_then(|name| find(&|reference| branch_names(schema, reference).iter().any(|known| known == name)));
        named.or_else(|| default_branch(schema).and_then(|default| find(&|reference| reference == default)))
    }
}

pub(super) fn keyword_of(error: &ValidationError<'_>) -> String {
    let path = || error.schema_path().as_str().rsplit('/');
    match error.kind() {
        ValidationErrorKind::Custom { .. } => {
            let last = path().next().unwrap_or_default();
            exact_number::shown_keyword(last).unwrap_or_else(|| NumberFormat::shown_keyword(last)).to_owned()
        }
        ValidationErrorKind::FalseSchema => {
            let keywords = [
                "additionalProperties",
                "unevaluatedProperties",
                "items",
                "unevaluatedItems",
                "additionalItems",
                "propertyNames",
                "not",
            ];
            let closing = path().find(|token| keywords.contains(token));
            closing.unwrap_or("false").to_owned()
        }
        _ => error.kind().keyword().to_owned(),
    }
}

fn code_of(keyword: &str) -> Code {
    match keyword {
        "type" => code::SCHEMA_TYPE,
        "required" | "dependentRequired" => code::SCHEMA_REQUIRED,
        "enum" | "const" => code::SCHEMA_ENUM,
        "additionalProperties"
        | "unevaluatedProperties"
        | "additionalItems"
        | "unevaluatedItems"
        | "propertyNames"
        | "false" => code::SCHEMA_UNEXPECTED,
        "minLength" | "maxLength" | "pattern" | "contentEncoding" | "contentMediaType" => code::SCHEMA_STRING,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => code::SCHEMA_NUMBER,
        "minItems" | "maxItems" | "uniqueItems" | "contains" | "minContains" | "maxContains" | "items" => {
            code::SCHEMA_ARRAY
        }
        "minProperties" | "maxProperties" | "dependentSchemas" | "dependencies" => code::SCHEMA_OBJECT,
        "format" => code::SCHEMA_FORMAT,
        "oneOf" | "anyOf" | "not" | "allOf" | "if" | "then" | "else" => code::SCHEMA_COMBINATION,
        _ => code::SCHEMA_OTHER,
    }
}

/// A value as messages show it: short, on one line.
pub(crate) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Object(object) => format!("an object of {} members", object.len()),
        Value::Array(items) => format!("an array of {} items", items.len()),
        // With its quotes, what is left of it is still too long where it was.
        Value::String(text) => serde_json::to_string(&text[..end_of(text, SHOWN_MAX)]).unwrap_or_default(),
        other => other.to_string(),
    };
    match end_of(&text, SHOWN_MAX) {
        end if end < text.len() => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// Where the first so many characters of a text end.
fn end_of(text: &str, characters: usize) -> usize {
    if text.len() <= characters {
        return text.len();
    }
    text.char_indices().nth(characters).map_or(text.len(), |(end, _)| end)
}

/// What is wrong with a value, which is shown as `value`.
pub(super) fn message_of(error: &ValidationError<'_>, keyword: &str, value: &str) -> String {
    match error.kind() {
        ValidationErrorKind::Type { kind } => format!("{value} is not of type {}", types(kind)),
        ValidationErrorKind::Required { property } => {
            format!("the required property `{}` is missing", text_of(property))
        }
        ValidationErrorKind::Enum { .. } => format!("{value} is none of the allowed values"),
        ValidationErrorKind::Constant { expected_value } => format!("{value} is not {}", shown(expected_value)),
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let plural = if unexpected.len() == 1 { "property" } else { "properties" };
            let named = unexpected.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join("`, `");
            match unexpected.len().saturating_sub(NAMES_SHOWN_MAX) {
                0 => format!("unexpected {plural} `{named}`"),
                more => format!("unexpected {plural} `{named}` and {more} more"),
            }
        }
        ValidationErrorKind::FalseSchema => format!("{value} is not allowed here"),
        ValidationErrorKind::Format { format } => format!("{value} is no `{format}`"),
        ValidationErrorKind::Pattern { pattern } => format!("{value} does not match `{pattern}`"),
        ValidationErrorKind::OneOfNotValid { .. } => format!("{value} fits none of the alternatives of `oneOf`"),
        ValidationErrorKind::AnyOf { .. } => format!("{value} fits none of the alternatives of `anyOf`"),
        ValidationErrorKind::OneOfMultipleValid { .. } => format!("{value} fits more than one alternative of `oneOf`"),
        ValidationErrorKind::Not { .. } => format!("{value} is what `not` forbids"),
        ValidationErrorKind::BacktrackLimitExceeded { .. } => {
            format!("matching {value} against the pattern takes too many steps")
        }
        ValidationErrorKind::Custom { message, .. } => message.clone(),
        ValidationErrorKind::PropertyNames { error } => format!("a property's name is not allowed: {error}"),
        _ => format!("{value} breaks `{keyword}`"),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => format!("`{kind}`"),
        TypeKind::Multiple(kinds) => kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or "),
    }
}

fn expected_of(error: &ValidationError<'_>) -> Option<String> {
    let expected = match error.kind() {
        ValidationErrorKind::Type { kind } => types(kind),
        ValidationErrorKind::Required { property } => format!("property `{}`", text_of(property)),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().take(12).map(shown).collect();
            format!("one of {}", options.join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => shown(expected_value),
        ValidationErrorKind::Minimum { limit } => format!("at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        ValidationErrorKind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        ValidationErrorKind::MinLength { limit } => format!("at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("at least {limit} items"),
        ValidationErrorKind::MaxItems { limit } => format!("at most {limit} items"),
        ValidationErrorKind::MinProperties { limit } => format!("at least {limit} properties"),
        ValidationErrorKind::MaxProperties { limit } => format!("at most {limit} properties"),
        ValidationErrorKind::UniqueItems => "items that differ from one another".to_owned(),
        ValidationErrorKind::Contains => "an item that fits `contains`".to_owned(),
        ValidationErrorKind::Format { format } => format!("format `{format}`"),
        ValidationErrorKind::Pattern { pattern } => format!("a match of `{pattern}`"),
        ValidationErrorKind::AdditionalProperties { .. }
        | ValidationErrorKind::UnevaluatedProperties { .. }
        | ValidationErrorKind::FalseSchema => "nothing here".to_owned(),
        _ => return None,
    };
    Some(expected)
}

fn help_of(error: &ValidationError<'_>, checker: Checker<'_>, at: Option<&str>) -> Option<String> {
    match error.kind() {
        ValidationErrorKind::Enum { options } => {
            let actual = error.instance().as_str()?;
            let known = options.as_array().into_iter().flatten().filter_map(Value::as_str);
            did_you_mean(actual, known).map(|close| format!("did you mean `{close}`?"))
        }
        ValidationErrorKind::Type { .. } => {
            let text = error.instance().as_str()?;
            (text.parse::<f64>().is_ok() || text == "true" || text == "false")
                .then(|| "send it without quotes".to_owned())
        }
        ValidationErrorKind::Required { property } => {
            let members = error.instance().as_object()?;
            let close = did_you_mean(property.as_str()?, members.keys().map(String::as_str))?;
            Some(format!("is `{close}` meant to be `{}`?", text_of(property)))
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let (schema_at, _) = pointer::parent(at?)?;
            let properties = checker.schemas.at(schema_at)?.get("properties")?.as_object()?;
            let close = did_you_mean(unexpected.first()?, properties.keys().map(String::as_str))?;
            Some(format!("did you mean `{close}`?"))
        }
        _ => None,
    }
}
