//! Lists of expectations as files and requests have them: read whole, with everything that is wrong with them.

use super::Expectation;
use crate::contract::Contract;
use crate::diagnostic::{Diagnostic, code, did_you_mean};
use crate::source::{Focus, Location, SourceFile, pointer};
use serde_json::Value;
use std::sync::Arc;

/// One thing that is wrong with a list of expectations.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// JSON Pointer into the list.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Mistake {
    /// The diagnostic, still without a place.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(code::EXPECTATION_INVALID, self.message.clone());
        match &self.help {
            Some(help) => diagnostic.help(help.clone()),
            None => diagnostic,
        }
    }
}

/// Expectations of one list: each exchange is compared with all of them. Over it the list is refused.
const EXPECTATIONS_MAX: usize = 1_000;

/// The expectations of a list, or of an object's member `expectations`.
pub(crate) fn read(value: &Value, contract: &Contract) -> Result<Vec<Expectation>, Vec<Mistake>> {
    let (list, base) = match value {
        Value::Object(members) => (members.get("expectations").and_then(Value::as_array), "/expectations"),
        other => (other.as_array(), ""),
    };
    let Some(list) = list else {
        let message = "expectations are a list".to_owned();
        return Err(vec![Mistake { pointer: String::new(), message, help: None }]);
    };
    if list.len() > EXPECTATIONS_MAX {
        let message = format!("there are more than {EXPECTATIONS_MAX} expectations");
        return Err(vec![Mistake { pointer: base.to_owned(), message, help: None }]);
    }
    let mut mistakes = Vec::new();
    let mut expectations: Vec<Expectation> = Vec::new();
    let at = |index: usize| pointer::join(base, &index.to_string());
    for (index, item) in list.iter().enumerate() {
        match Expectation::from_json(item) {
            Ok(expectation) => expectations.push(expectation.named_by(index + 1)),
            Err((pointer, message)) => {
                // A name is kept for those that come after it.
                let named = Expectation {
                    name: item["name"].as_str().unwrap_or_default().to_owned(),
                    ..Expectation::default()
                };
                expectations.push(named.named_by(index + 1));
                mistakes.push(Mistake {
                    pointer: format!("{}{pointer}", at(index)),
                    message,
                    help: unknown_member(item),
                });
            }
        }
    }
    for (index, expectation) in expectations.iter().enumerate() {
        let others: Vec<&str> = expectations
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .map(|(_, other)| other.name.as_str())
            .collect();
        let found = check(expectation, &others, contract);
        mistakes.extend(
            found.into_iter().map(|found| Mistake { pointer: format!("{}{}", at(index), found.pointer), ..found }),
        );
    }
    if mistakes.is_empty() { Ok(expectations) } else { Err(mistakes) }
}

/// The expectations of a file, or what is wrong with it.
pub(crate) fn read_file(file: &Arc<SourceFile>, contract: &Contract) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
    let place =
        |diagnostic: Diagnostic, at: &str| diagnostic.in_file(Location::new(Arc::clone(file), at, Focus::Value));
    let parsed =
        file.parse().map_err(|error| vec![place(Diagnostic::new(code::EXPECTATION_INVALID, error.message), "")])?;
    read(&parsed.value, contract)
        .map_err(|mistakes| mistakes.iter().map(|mistake| place(mistake.diagnostic(), &mistake.pointer)).collect())
}

/// What of one expectation can never come, beside those with the names of `others`.
pub(crate) fn check(expectation: &Expectation, others: &[&str], contract: &Contract) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut unknown = |member: &str, wanted: &str, what: &str, known: &[&str]| {
        mistakes.push(Mistake {
            pointer: format!("/{member}"),
            message: format!("{what} `{wanted}`"),
            help: did_you_mean(wanted, known.iter().copied()).map(|close| format!("did you mean `{close}`?")),
        });
    };
    if let Some(wanted) = &expectation.operation {
        let templates: Vec<String> = contract
            .operations()
            .iter()
            .map(|operation| format!("{} {}", operation.method, operation.template))
            .collect();
        let ids = contract.operations().iter().filter_map(|operation| operation.operation_id.as_deref());
        let known: Vec<&str> = ids.chain(templates.iter().map(String::as_str)).collect();
        if !known.contains(&wanted.as_str()) {
            unknown("operation", wanted, "the contract has no operation", &known);
        }
    }
    if let Some(after) = expectation.after.as_ref().filter(|after| !others.contains(&after.as_str())) {
        unknown("after", after, "there is no other expectation", others);
    }
    if let (Some(least), Some(most)) = (expectation.at_least, expectation.at_most)
        && least > most
    {
        let message = format!("it cannot come {least} times at least and {most} times at most");
        mistakes.push(Mistake { pointer: "/at_most".to_owned(), message, help: None });
    }
    mistakes
}

/// What was meant by a member that no expectation has.
fn unknown_member(item: &Value) -> Option<String> {
    let members = item.as_object()?;
    let unknown = members.keys().find(|name| !Expectation::MEMBERS.contains(&name.as_str()))?;
    did_you_mean(unknown, Expectation::MEMBERS).map(|close| format!("did you mean `{close}`?"))
}
