//! A JSON value as people read it, with marks at the places where something is wrong.

use crate::source::pointer;
use maud::{Markup, Render as _, html};
use serde_json::Value;
use std::collections::BTreeMap;

/// Values that are shown. What comes after them is left out, and that is said.
const VALUES_MAX: usize = 5_000;

/// The numbers of the violations at each pointer.
pub(super) type Marks = BTreeMap<String, Vec<usize>>;

/// A value, indented, with its marks.
pub(super) fn show(value: &Value, marks: &Marks) -> Markup {
    let mut view = View { marks, shown: 0, html: String::new() };
    view.value(value, &mut String::new(), 0);
    let is_cut = view.shown > VALUES_MAX;
    html! {
        pre.instance tabindex="0" { code { (maud::PreEscaped(view.html)) } }
        @if is_cut { p.aside { "The first " (VALUES_MAX) " values are shown; the rest is under Raw." } }
    }
}

struct View<'a> {
    marks: &'a Marks,
    shown: usize,
    html: String,
}

impl View<'_> {
    fn value(&mut self, value: &Value, at: &mut String, depth: usize) {
        self.shown += 1;
        if self.shown > VALUES_MAX {
            return;
        }
        let numbers = self.marks.get(at.as_str());
        if let Some(numbers) = numbers {
            self.html.push_str("<mark>");
            for number in numbers {
                html! { a.mark href={ "#violation-" (number) } { span.hidden { "Violation " } (number) } }
                    .render_to(&mut self.html);
            }
        }
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.html.push('{');
                // A whole object is not coloured: the mark is its brace.
                self.close(numbers.is_some());
                for (index, (name, member)) in members.iter().enumerate() {
                    self.line(depth + 1);
                    html! { span.member { (Value::String(name.clone())) } ": " }.render_to(&mut self.html);
                    self.child(member, at, name, depth, index + 1 < members.len());
                }
                self.line(depth);
                self.html.push('}');
            }
            Value::Array(items) if !items.is_empty() => {
                self.html.push('[');
                self.close(numbers.is_some());
                for (index, item) in items.iter().enumerate() {
                    self.line(depth + 1);
                    self.child(item, at, &index.to_string(), depth, index + 1 < items.len());
                }
                self.line(depth);
                self.html.push(']');
            }
            scalar => {
                html! { bdi { (scalar) } }.render_to(&mut self.html);
                self.close(numbers.is_some());
            }
        }
    }

    fn child(&mut self, value: &Value, at: &mut String, token: &str, depth: usize, has_next: bool) {
        let length = at.len();
        pointer::push(at, token);
        self.value(value, at, depth + 1);
        at.truncate(length);
        if has_next {
            self.html.push(',');
        }
    }

    fn close(&mut self, is_marked: bool) {
        if is_marked {
            self.html.push_str("</mark>");
        }
    }

    fn line(&mut self, depth: usize) {
        if self.shown <= VALUES_MAX {
            self.html.push('\n');
            self.html.extend(std::iter::repeat_n("  ", depth));
        }
    }
}
