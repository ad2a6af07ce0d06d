//! Objects: what is required, what is declared, and as many more members as are asked for.

use super::merge::Merged;
use super::{Generator, MEMBERS_MAX, OPTIONAL_DEPTH_MAX, VALUES_MAX};
use serde_json::{Map, Value};

impl Generator<'_> {
    pub(super) fn object(&mut self, merged: &Merged, depth: usize) -> Option<Value> {
        if merged.members_min > MEMBERS_MAX {
            return None;
        }
        let mut members = Map::new();
        let allowance = self.allowance;
        let composite: Vec<bool> = merged
            .properties
            .iter()
            .map(|(_, pointers)| pointers.iter().any(|pointer| self.is_composite(pointer, 0)))
            .collect();
        let mut left = u32::try_from(composite.iter().filter(|composite| **composite).count()).unwrap_or(u32::MAX);
        let mut remaining = allowance;
        for ((name, pointers), composite) in merged.properties.iter().zip(composite) {
            if merged.write_only.contains(name) || merged.forbidden_names.contains(name) {
                continue;
            }
            let share = if composite { remaining.div_ceil(left.max(1)) } else { 0 };
            left -= u32::from(composite);
            let required = merged.required.contains(name);
            if !required && (composite && share == 0 || !self.wants(merged, pointers, members.len(), depth)) {
                continue;
            }
            remaining -= share;
            self.allowance = share.saturating_sub(1);
            let member = self.member(merged, name, pointers, depth);
            self.allowance = allowance;
            match member {
                Some(value) => {
                    members.insert(name.clone(), value);
                }
                None if required => return None,
                None => {}
            }
        }
        self.required(merged, &mut members, depth)?;
        self.fill(merged, &mut members, depth);
        self.trim(merged, &mut members);
        Some(Value::Object(members))
    }

    /// An object that goes on from given members; what is neither given nor required is left out.
    pub(super) fn object_from(&mut self, merged: &Merged, given: &Map<String, Value>, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        let shown = merged.suggested.iter().find_map(Value::as_object);
        for (name, pointers) in &merged.properties {
            let required = merged.required.contains(name);
            if merged.write_only.contains(name) || !required && !given.contains_key(name) {
                continue;
            }
            // An example's member looks more like what the service would say than a made one.
            let start = given.get(name).or_else(|| shown.and_then(|shown| shown.get(name)));
            self.given = start.cloned();
            let value = if given.contains_key(name) {
                self.value(pointers, depth + 1)
            } else {
                self.member(merged, name, pointers, depth)
            };
            self.given = None;
            match value {
                Some(value) => {
                    members.insert(name.clone(), value);
                }
                None if required => return None,
                None => {}
            }
        }
        if merged.takes_any() {
            for (name, value) in given {
                members.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        self.required(merged, &mut members, depth)?;
        Some(Value::Object(members))
    }

    /// Adds what is required and not there yet: by the schema, and by members that are there.
    fn required(&mut self, merged: &Merged, members: &mut Map<String, Value>, depth: usize) -> Option<()> {
        for name in &merged.required {
            if !members.contains_key(name) && !merged.write_only.contains(name) {
                let pointers = undeclared(merged, name);
                let value = self.member(merged, name, &pointers, depth)?;
                members.insert(name.clone(), value);
            }
        }
        self.dependents(merged, members, depth)
    }

    /// Whether an optional property is to be made.
    fn wants(&mut self, merged: &Merged, pointers: &[String], made: usize, depth: usize) -> bool {
        let recursive = pointers.iter().any(|pointer| self.leads_back(pointer));
        let full = made as u64 >= merged.members_max || self.values >= VALUES_MAX;
        // Every fourth attempt makes only what is required.
        if recursive || depth >= OPTIONAL_DEPTH_MAX || full || self.attempt % 4 == 3 {
            return false;
        }
        if self.ordinal.is_some() {
            return true;
        }
        // Other attempts leave more out: an optional member may be what makes an instance invalid.
        self.plain() || self.attempt % 4 == 1 || !self.random().is_multiple_of(if self.attempt < 8 { 4 } else { 2 })
    }

    /// A member's value; that of a discriminating property is its branch's name.
    fn member(&mut self, merged: &Merged, name: &str, pointers: &[String], depth: usize) -> Option<Value> {
        let discriminating =
            merged.names.iter().find_map(|entry| entry.split_once('\u{0}').filter(|(property, _)| *property == name));
        if let Some((_, branch)) = discriminating {
            let value = Value::String(branch.to_owned());
            if self.fits(pointers, &value) {
                return Some(value);
            }
        }
        self.value(pointers, depth + 1)
    }

    fn dependents(&mut self, merged: &Merged, members: &mut Map<String, Value>, depth: usize) -> Option<()> {
        let mut queue: Vec<String> = members.keys().cloned().collect();
        while let Some(name) = queue.pop() {
            for needed in merged.dependent.get(&name).into_iter().flatten() {
                if members.contains_key(needed) {
                    continue;
                }
                let declared =
                    merged.properties.iter().find(|(known, _)| known == needed).map(|(_, pointers)| pointers.clone());
                let pointers = declared.unwrap_or_else(|| undeclared(merged, needed));
                let value = self.member(merged, needed, &pointers, depth)?;
                members.insert(needed.clone(), value);
                queue.push(needed.clone());
            }
        }
        Some(())
    }

    /// Adds members until there are enough.
    fn fill(&mut self, merged: &Merged, members: &mut Map<String, Value>, depth: usize) {
        for (name, pointers) in &merged.properties {
            if members.len() as u64 >= merged.members_min {
                return;
            }
            if !members.contains_key(name)
                && !merged.write_only.contains(name)
                && let Some(value) = self.member(merged, name, pointers, depth)
            {
                members.insert(name.clone(), value);
            }
        }
        let least = if members.is_empty()
            && merged.properties.is_empty()
            && depth < OPTIONAL_DEPTH_MAX
            && !merged.additional.is_empty()
        {
            1
        } else {
            0
        };
        let least = merged.members_min.max(least).min(merged.members_max);
        let mut number = 0;
        while (members.len() as u64) < least && number < MEMBERS_MAX * 2 {
            number += 1;
            let Some((name, pointers)) = self.extra_name(merged, number) else { return };
            if members.contains_key(&name) {
                continue;
            }
            let Some(value) = self.value(&pointers, depth + 1) else { return };
            members.insert(name, value);
        }
    }

    /// A name for a member that is not declared, with the schemas that it falls under.
    fn extra_name(&mut self, merged: &Merged, number: u64) -> Option<(String, Vec<String>)> {
        let rules: Vec<String> = merged.names.iter().filter(|entry| !entry.contains('\u{0}')).cloned().collect();
        let patterned = merged.closed || !merged.pattern_properties.is_empty() && merged.additional.is_empty();
        let plain =
            if number == 1 && merged.members_min == 0 { "property".to_owned() } else { format!("property{number}") };
        if !patterned && self.fits(&rules, &Value::String(plain.clone())) {
            let pointers = undeclared(merged, &plain);
            return Some((plain, pointers));
        }
        let mut wanted = Merged::default();
        for rule in &rules {
            self.merge(rule, &mut wanted, 1)?;
        }
        let mut pointers = Vec::new();
        if patterned {
            let index = usize::try_from(number).ok()? % merged.pattern_properties.len().max(1);
            let (pattern, pointer) = merged.pattern_properties.get(index)?;
            wanted.patterns.push(pattern.clone());
            pointers.push(pointer.clone());
        }
        let outer = self.ordinal.replace(number - 1);
        let allowed = wanted.allowed.as_deref().and_then(|names| {
            names.get(usize::try_from(number - 1).ok()? % names.len().max(1))?.as_str().map(ToOwned::to_owned)
        });
        let name = allowed.or_else(|| self.text(&wanted));
        self.ordinal = outer;
        let name = name?;
        if !patterned {
            pointers = undeclared(merged, &name);
        }
        Some((name, pointers))
    }

    /// Removes optional members where there are too many.
    fn trim(&self, merged: &Merged, members: &mut Map<String, Value>) {
        let optional: Vec<String> = members.keys().filter(|name| !merged.required.contains(name)).cloned().collect();
        for name in optional.iter().rev() {
            if members.len() as u64 <= merged.members_max {
                return;
            }
            members.shift_remove(name);
        }
    }
}

/// The schemas of a member that `properties` does not name.
fn undeclared(merged: &Merged, name: &str) -> Vec<String> {
    let matching: Vec<String> = merged
        .pattern_properties
        .iter()
        .filter(|(pattern, _)| regex_matches(pattern, name))
        .map(|(_, pointer)| pointer.clone())
        .collect();
    if matching.is_empty() { merged.additional.clone() } else { matching }
}

/// A guess that is enough to choose schemas by: whether an anchored prefix or a substring is there.
fn regex_matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('^') {
        Some(rest) => {
            let literal: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
            name.starts_with(&literal)
        }
        None => pattern.chars().all(|c| c.is_alphanumeric()) && name.contains(pattern) || pattern == ".*",
    }
}
