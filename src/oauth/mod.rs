//! The authorization server: client credentials in, tokens out (RFC 6749 §4.4), what a token stands for, and who may
//! ask about it or give it back.
//!
//! It accepts what ChatKitty's official clients send, which is more than RFC 6749 allows: multipart
//! bodies, Basic credentials that were not form-urlencoded, and two client authentications that agree.
//! [`Strictness::ToTheLetter`] allows what the RFC allows. The endpoints are one file each, `client` is what they share.

mod client;
mod endpoints;
mod form;
mod introspection;
mod metadata;
mod refusal;
mod token;

use crate::contract::security::scope_covers;
use crate::store::{Application, Moment};
pub(crate) use endpoints::{Endpoint, Endpoints, Served};
use jiff::{SignedDuration, Timestamp};
pub(crate) use metadata::issuer;
pub(crate) use refusal::Answered;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

/// What a token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Arc<[String]>,
    /// Which of the application's credentials got it.
    client_id: Arc<str>,
    issued: Timestamp,
    expires: Timestamp,
}

impl Grant {
    /// Whether the grant's scopes cover a required one.
    pub(crate) fn covers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| scope_covers(granted, scope))
    }
}

/// How much of what a client sends is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Strictness {
    /// What the official clients send.
    #[default]
    AsClientsSend,
    /// What RFC 6749 allows.
    ToTheLetter,
}

/// The tokens of one server.
#[derive(Debug)]
pub(crate) struct AuthorizationServer {
    ttl: SignedDuration,
    tokens_max: usize,
    strictness: Strictness,
    tokens: RwLock<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    /// What a client sends is only looked up, so a hash that is merely fast will do.
    grants: HashMap<String, Grant, foldhash::fast::RandomState>,
    /// Oldest first, for the bound; revoked ones stay in it until their turn comes.
    order: VecDeque<String>,
}

/// A token that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadToken {
    Unknown,
    Expired,
}

impl AuthorizationServer {
    pub(crate) fn new(ttl: SignedDuration, tokens_max: usize, strictness: Strictness) -> Self {
        Self { ttl, tokens_max, strictness, tokens: RwLock::default() }
    }

    /// Looks at what a token stands for at this time.
    pub(crate) fn look<T>(&self, token: &str, moment: Moment, look: impl FnOnce(&Grant) -> T) -> Result<T, BadToken> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        match tokens.grants.get(token) {
            Some(grant) if moment.of(Some(&grant.application)) < grant.expires => Ok(look(grant)),
            Some(_) => Err(BadToken::Expired),
            None => Err(BadToken::Unknown),
        }
    }

    /// Issues a token to one of an application's credentials.
    pub(crate) fn issue(
        &self,
        token: String,
        application: &Arc<Application>,
        client_id: &str,
        scopes: Vec<String>,
        moment: Moment,
    ) -> String {
        let issued = moment.of(Some(application));
        let expires = issued.checked_add(self.ttl).unwrap_or(Timestamp::MAX);
        let application = Arc::clone(application);
        let grant = Grant { application, scopes: scopes.into(), client_id: client_id.into(), issued, expires };
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        while tokens.order.len() >= self.tokens_max {
            match tokens.order.pop_front() {
                Some(oldest) => tokens.grants.remove(&oldest),
                None => break,
            };
        }
        tokens.order.push_back(token.clone());
        tokens.grants.insert(token.clone(), grant);
        token
    }

    /// What a token stands for or stood for, expired or not.
    fn known(&self, token: &str) -> Option<Grant> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).grants.get(token).cloned()
    }

    /// Makes one token unknown.
    fn revoke(&self, token: &str) {
        self.tokens.write().unwrap_or_else(PoisonError::into_inner).grants.remove(token);
    }

    /// Makes an application's tokens unknown.
    pub(crate) fn forget(&self, application: &Arc<Application>) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let Tokens { grants, order } = &mut *tokens;
        grants.retain(|_, grant| !Arc::ptr_eq(&grant.application, application));
        order.retain(|token| grants.contains_key(token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Clock, Credential, Seed, Store};

    fn credential(client_id: &str) -> Credential {
        Credential { client_id: client_id.to_owned(), client_secret: "s".to_owned(), scopes: vec!["read:*".to_owned()] }
    }

    #[test]
    fn a_token_lives_as_long_as_its_ttl_by_the_clock_of_its_application() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
        let store = Store::default();
        let add = |name: &str| {
            let seed = Seed { name: name.to_owned(), credentials: vec![credential(name)], ..Seed::default() };
            store.add(seed, start, 10).unwrap()
        };
        let (one, two) = (add("one"), add("two"));
        let server = AuthorizationServer::new(SignedDuration::from_secs(60), 10, Strictness::default());
        for application in [&one, &two] {
            let name = application.name().to_owned();
            server.issue(name.clone(), application, &name, Vec::new(), store.moment(start));
        }
        let good = |name: &str, seconds: i64| server.look(name, store.moment(at(seconds)), |_| ());
        assert_eq!((good("one", 59), good("one", 60)), (Ok(()), Err(BadToken::Expired)));
        one.set_clock(Some(Clock::default().advanced(SignedDuration::from_secs(60))));
        assert_eq!((good("one", 0), good("two", 0)), (Err(BadToken::Expired), Ok(())));
        one.set_clock(Some(Clock::Frozen(at(59))));
        assert_eq!((good("one", 1_000_000), good("two", 60)), (Ok(()), Err(BadToken::Expired)));
        store.set_clock(Clock::default().advanced(SignedDuration::from_secs(-3600)));
        assert_eq!((good("two", 3600), good("two", 3660)), (Ok(()), Err(BadToken::Expired)));
        assert_eq!(good("three", 0), Err(BadToken::Unknown));
    }

    #[test]
    fn the_oldest_token_makes_room_and_a_revoked_one_is_unknown() {
        let now = Timestamp::UNIX_EPOCH;
        let store = Store::default();
        let seed = Seed { name: "a".to_owned(), credentials: vec![credential("a")], ..Seed::default() };
        let application = store.add(seed, now, 10).unwrap();
        let server = AuthorizationServer::new(SignedDuration::from_secs(60), 2, Strictness::default());
        let issue = |token: &str| server.issue(token.to_owned(), &application, "a", Vec::new(), store.moment(now));
        let good = |token: &str| server.look(token, store.moment(now), |_| ()).is_ok();
        issue("1");
        issue("2");
        issue("3");
        assert_eq!((good("1"), good("2"), good("3")), (false, true, true));
        server.revoke("3");
        assert_eq!((good("2"), good("3")), (true, false));
        for token in 4..100 {
            issue(&token.to_string());
        }
        assert_eq!(server.tokens.read().unwrap().order.len(), 2);
        server.forget(&application);
        assert!(server.tokens.read().unwrap().order.is_empty());
    }
}
