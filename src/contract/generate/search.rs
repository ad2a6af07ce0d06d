//! The search for a string that several expressions agree on, and others do not match.
//!
//! Each expression becomes an automaton; the search goes through their common states character by character,
//! first along a hint. A state that was seen at a length is not entered again, so the way is bounded.

use super::Generator;
use super::pattern::Conjunct;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::{Anchored, Input, MatchKind, util};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Characters of a string that is looked for in the automata of patterns. Over it none is made.
const LENGTH_MAX: u64 = 2_000;
/// Common states of the automata of patterns that one search enters. Over it none is made.
const NODES_MAX: usize = 20_000;
/// Bytes of the states of one automaton. Over it the search gives up.
const CACHE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of one automaton before its states are made.
const AUTOMATON_BYTES_MAX: usize = 1024 * 1024;
/// What building an automaton costs, in units of work.
const BUILD_WORK: usize = 400;
/// Characters beyond ASCII to try: some of each large script.
const BEYOND_ASCII: [char; 8] = ['é', 'ß', 'ж', 'λ', 'あ', '中', '한', '🙂'];

/// An expression as an automaton, and whether it must match.
pub(super) struct Rule {
    automaton: Rc<DFA>,
    cache: Cache,
    holds: bool,
}

impl Rule {
    fn start(&mut self) -> Option<LazyStateID> {
        let input = Input::new("").anchored(Anchored::Yes);
        self.automaton.start_state_forward(&mut self.cache, &input).ok()
    }

    fn step(&mut self, state: LazyStateID, character: char) -> Option<LazyStateID> {
        let mut bytes = [0; 4];
        let mut state = state;
        for byte in character.encode_utf8(&mut bytes).bytes() {
            state = self.automaton.next_state(&mut self.cache, state, byte).ok()?;
        }
        (!(state.is_quit() || state.is_dead() && self.holds)).then_some(state)
    }

    fn accepts(&mut self, state: LazyStateID) -> bool {
        let end = self.automaton.next_eoi_state(&mut self.cache, state);
        end.is_ok_and(|end| end.is_match() == self.holds)
    }
}

/// A string under way: the common state, and what to try next from it.
struct Node {
    states: Vec<LazyStateID>,
    choices: Vec<char>,
    next: usize,
}

impl Generator<'_> {
    /// The automaton for an expression; `None` if it cannot be one, so that only the validator knows of it.
    pub(super) fn rule(&mut self, conjunct: &Conjunct) -> Option<Rule> {
        if !self.automata.contains_key(&conjunct.pattern) {
            self.spend(BUILD_WORK);
            self.automata.insert(conjunct.pattern.clone(), automaton(&conjunct.pattern).map(Rc::new));
        }
        let automaton = Rc::clone(self.automata.get(&conjunct.pattern)?.as_ref()?);
        let cache = automaton.create_cache();
        Some(Rule { automaton, cache, holds: conjunct.holds })
    }

    /// Whether the rules hold for a text.
    pub(super) fn holds(&mut self, rules: &mut [Rule], text: &str) -> bool {
        self.spend(rules.len() * text.len() / 4 + 1)
            && rules.iter_mut().all(|rule| {
                let end = text.chars().try_fold(rule.start(), |state, character| Some(rule.step(state?, character)));
                end.flatten().is_some_and(|end| rule.accepts(end))
            })
    }

    /// A string of a length within the bounds for which the rules hold, along the hint as far as they let it.
    pub(super) fn search(&mut self, rules: &mut [Rule], length: (u64, u64), hint: &str) -> Option<String> {
        let hint: Vec<char> = hint.chars().collect();
        let least = usize::try_from(length.0).ok()?;
        let most = usize::try_from(length.1.min(LENGTH_MAX.max(length.0))).ok()?;
        let groups = groups(rules);
        let mut longest = hint.len().max(least).min(most);
        let mut nodes = 0;
        loop {
            if let Some(found) = self.search_within(rules, &groups, (least, longest), &hint, &mut nodes) {
                return Some(found);
            }
            if longest == most || nodes >= NODES_MAX || self.work == 0 {
                return None;
            }
            longest = (longest * 2 + 8).min(most);
        }
    }

    fn search_within(
        &mut self,
        rules: &mut [Rule],
        groups: &[Vec<char>],
        (least, longest): (usize, usize),
        hint: &[char],
        nodes: &mut usize,
    ) -> Option<String> {
        let start: Option<Vec<LazyStateID>> = rules.iter_mut().map(Rule::start).collect();
        let mut seen = HashSet::new();
        let mut text: Vec<char> = Vec::new();
        let mut path = vec![self.node(start?, 0, longest, groups, hint)];
        loop {
            let node = path.last_mut()?;
            let fresh = node.next == 0;
            let ends = text.len() >= least && (fresh && text.len() >= hint.len() || node.next >= node.choices.len());
            if ends && rules.iter_mut().zip(&node.states).all(|(rule, state)| rule.accepts(*state)) {
                return Some(text.into_iter().collect());
            }
            let Some(character) = node.choices.get(node.next).copied() else {
                path.pop();
                text.pop();
                continue;
            };
            node.next += 1;
            let states: Option<Vec<LazyStateID>> =
                rules.iter_mut().zip(&node.states).map(|(rule, state)| rule.step(*state, character)).collect();
            let Some(states) = states.filter(|states| seen.insert((states.clone(), text.len() + 1))) else { continue };
            *nodes += 1;
            if *nodes > NODES_MAX || !self.spend(8) {
                return None;
            }
            text.push(character);
            path.push(self.node(states, text.len(), longest, groups, hint));
        }
    }

    fn node(
        &mut self,
        states: Vec<LazyStateID>,
        place: usize,
        longest: usize,
        groups: &[Vec<char>],
        hint: &[char],
    ) -> Node {
        let mut choices = Vec::new();
        if place < longest {
            if self.ordinal.is_none() {
                choices.extend(hint.get(place));
            }
            for group in groups {
                let index = match self.plain() {
                    true => place,
                    false if self.ordinal.is_some() => 0,
                    false => usize::try_from(self.random() % 1_000).unwrap_or(0),
                };
                choices.extend(group.get(index % group.len().max(1)));
                if self.ordinal.is_some() {
                    choices.extend(group.iter().skip(1));
                }
            }
            if self.ordinal.is_some_and(|ordinal| ordinal > 0) && !choices.is_empty() {
                let turn = self.digit(choices.len() as u64).unwrap_or(0);
                choices.rotate_left(usize::try_from(turn).unwrap_or(0));
            }
        }
        Node { states, choices, next: 0 }
    }
}

/// The automaton of the texts that hold a match, as a whole.
fn automaton(pattern: &str) -> Option<DFA> {
    let config = Config::new()
        .match_kind(MatchKind::All)
        .cache_capacity(CACHE_BYTES_MAX)
        .skip_cache_capacity_check(true)
        .minimum_cache_clear_count(Some(0));
    let nfa = regex_automata::nfa::thompson::Config::new().nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
    DFA::builder()
        .configure(config)
        .thompson(nfa)
        .syntax(util::syntax::Config::new().nest_limit(64))
        .build(&format!("\\A(?s:.*)(?:{pattern})(?s:.*)\\z"))
        .ok()
}

/// The characters to try, those together that no rule tells apart; the most readable first.
fn groups(rules: &[Rule]) -> Vec<Vec<char>> {
    let readable = ('a'..='z').chain('0'..='9').chain('A'..='Z').chain(['-', '_', '.', ' ']);
    let other = ('!'..='~').filter(|character| !character.is_ascii_alphanumeric() && !"-_.".contains(*character));
    let mut order: Vec<Vec<char>> = Vec::new();
    let mut known: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for character in readable.chain(other).chain(['\t', '\n']) {
        let byte = u8::try_from(character).unwrap_or(0);
        let class = rules.iter().map(|rule| rule.automaton.byte_classes().get(byte)).collect();
        let place = *known.entry(class).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        if let Some(group) = order.get_mut(place) {
            group.push(character);
        }
    }
    order.extend(BEYOND_ASCII.iter().map(|character| vec![*character]));
    order
}
