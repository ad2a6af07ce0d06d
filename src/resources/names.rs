//! Words that contracts use for the same thing, in whatever spelling.

pub(super) use crate::message::plain;

/// Whether a name is one of some plain ones.
pub(super) fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.contains(&plain(name).as_str())
}

/// Members that tell when a resource came to be.
pub(super) const CREATED: [&str; 11] = [
    "created",
    "createdat",
    "createdtime",
    "createdon",
    "createddate",
    "creationtime",
    "creationdate",
    "createtime",
    "datecreated",
    "insertedat",
    "timecreated",
];

/// Members that tell when it was last written.
pub(super) const UPDATED: [&str; 13] = [
    "updated",
    "updatedat",
    "updatedtime",
    "updatedon",
    "updateddate",
    "updatetime",
    "dateupdated",
    "modified",
    "modifiedat",
    "lastmodified",
    "lastmodifiedtime",
    "lastmodifiedat",
    "lastupdated",
];

/// Members that tell one resource from another, the likeliest first.
pub(super) const IDS: [&str; 8] = ["id", "uuid", "guid", "uid", "key", "slug", "code", "name"];

/// The singular of an English noun, as paths have them.
pub(super) fn singular(noun: &str) -> String {
    let lower = noun.to_ascii_lowercase();
    let cut = |by: usize| noun.get(..noun.len().saturating_sub(by)).unwrap_or(noun).to_owned();
    if lower == "people" {
        return "person".to_owned();
    }
    if lower == "children" {
        return "child".to_owned();
    }
    if lower.ends_with("ies") && lower.len() > 4 {
        return format!("{}y", cut(3));
    }
    if ["sses", "shes", "ches", "xes", "zes"].iter().any(|end| lower.ends_with(end)) {
        return cut(2);
    }
    if lower.ends_with('s') && !lower.ends_with("ss") && !lower.ends_with("us") {
        return cut(1);
    }
    noun.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_and_names_are_found_in_any_spelling() {
        for (plural, one) in [
            ("users", "user"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("status", "status"),
            ("people", "person"),
            ("class", "class"),
            ("series", "sery"),
            ("s", ""),
            ("", ""),
            ("é", "é"),
        ] {
            assert_eq!(singular(plural), one, "{plural}");
        }
        assert!(
            is_one_of("created_at", &CREATED) && is_one_of("createdAt", &CREATED) && is_one_of("Created-At", &CREATED)
        );
        assert!(!is_one_of("createdBy", &CREATED));
    }
}
