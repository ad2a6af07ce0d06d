use super::tree::SchemaTree;
use bytes::Bytes;
use serde_json::Value;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Matrix,
    Label,
    Simple,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Primitive,
    Array,
    Object,
}
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(String, Raw)>),
}
#[derive(Debug, Clone)]
pub(crate) struct Malformed {
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    pub(crate) repeated: bool,
}
#[derive(Debug, Clone)]
pub(crate) struct Encoding {
    pub(crate) content_type: Option<String>,
    pub(crate) style: Option<Style>,
    pub(crate) explode: Option<bool>,
    pub(crate) allow_reserved: bool,
}
pub(crate) struct Query;
impl Query {
    pub(crate) fn parse(_: &str) -> Result<Self, Malformed> {
        Ok(Self)
    }
    pub(crate) fn single(&self, _: &str) -> Result<Option<String>, Malformed> {
        Ok(None)
    }
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
}
pub(crate) fn percent_decoded(_: &str) -> Result<String, Malformed> {
    unimplemented!()
}
pub(crate) fn decode_path(_: Style, _: bool, _: Shape, _: &str, _: &str) -> Result<Raw, Malformed> {
    unimplemented!()
}
#[expect(clippy::too_many_arguments)]
pub(crate) fn decode_query(
    _: Style,
    _: bool,
    _: Shape,
    _: &str,
    _: &Query,
    _: &dyn Fn(&str) -> bool,
    _: &[String],
    _: bool,
) -> Result<Option<Raw>, Malformed> {
    unimplemented!()
}
pub(crate) fn decode_header(_: bool, _: Shape, _: &str) -> Result<Raw, Malformed> {
    unimplemented!()
}
pub(crate) fn decode_cookie(
    _: bool,
    _: Shape,
    _: &str,
    _: &[(String, String)],
    _: &[String],
) -> Result<Option<Raw>, Malformed> {
    unimplemented!()
}
pub(crate) fn encode_header(_: bool, v: &Value) -> String {
    v.to_string()
}
pub(crate) fn shape_of(_: &dyn SchemaTree, _: &str) -> Shape {
    Shape::Primitive
}
pub(crate) fn typed(_: &dyn SchemaTree, _: &str, _: &Raw) -> Value {
    unimplemented!()
}
pub(crate) struct BodyError {
    pub(crate) pointer: String,
    pub(crate) message: String,
}
pub(crate) fn form_value(_: &dyn SchemaTree, _: &str, _: &[u8], _: &[(String, Encoding)]) -> Result<Value, BodyError> {
    unimplemented!()
}
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bytes: Bytes,
}
pub(crate) struct PartProblem {
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) media_type: bool,
}
pub(crate) fn parts(_: &str, _: Bytes) -> Result<Vec<Part>, BodyError> {
    unimplemented!()
}
pub(crate) fn multipart_value(
    _: &dyn SchemaTree,
    _: &str,
    _: &[Part],
    _: &[(String, Encoding)],
) -> (Value, Vec<PartProblem>) {
    unimplemented!()
}
pub(crate) fn xml_value(_: &dyn SchemaTree, _: &str, _: &[u8]) -> Result<Value, BodyError> {
    unimplemented!()
}
pub(crate) fn xml_text(_: &Value) -> String {
    unimplemented!()
}
pub(crate) fn binary_value(_: &Bytes) -> Value {
    Value::Null
}
pub(crate) enum CodingError {
    Unsupported(String),
    Malformed(String),
    TooLarge,
}
pub(crate) fn inflate(_: &[&str], _: Bytes, _: usize) -> Result<Bytes, CodingError> {
    unimplemented!()
}
