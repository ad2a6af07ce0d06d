//! What the paths of a contract mean as resources, and what a method does to the state of an application.
//!
//! [`Model::infer`] looks at paths, methods and schemas once, at load: which paths are collections, which are
//! their items, which stand alone. [`Call::act`] then reads or changes a [`State`](crate::store::State): a pure function of
//! state, request and time. Nothing here knows the contract of any one service.

mod create;
mod entity;
mod envelope;
mod explain;
mod export;
mod homes;
mod infer;
mod list;
mod names;
mod overrides;
mod patch;
mod query;
mod read;
mod refit;
mod respond;
mod seed;
mod write;

use crate::contract::{Content, Contract, Decoded, Operation, Prepared, trimmed};
use crate::diagnostic::Diagnostic;
use crate::message::Request;
use crate::store::{Application, Bounds, Change, Difference, NotWritten, Stamp, State};
use entity::Entity;
use envelope::Envelope;
pub use explain::StateExplanation;
pub(crate) use export::Exported;
use jiff::Timestamp;
pub(crate) use overrides::Overrides;
use query::Queries;
pub(crate) use read::{Comparison, names_etag};
pub(crate) use refit::Dropped;
use std::collections::{BTreeMap, HashMap};

/// The resources of one contract.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// By path template.
    places: BTreeMap<String, Place>,
    /// Templates of resources of their own, without expressions, by the wording of what they are.
    singletons: HashMap<Option<u64>, Vec<String>>,
    /// What was said of the paths in so many words.
    overrides: Overrides,
    /// What states are certified with that were checked with it.
    stamp: Stamp,
}

/// What one path template stands for.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The path template, without a slash at its end.
    template: String,
    pub(crate) role: Role,
    /// What GET answers with.
    entity: Option<Entity>,
    /// Whether the contract has any use for entity tags here.
    etags: bool,
    /// What the role was inferred from, for people.
    because: String,
}

/// A role that a path can have.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// One resource of its own.
    Singleton,
    /// A list of resources, and where new ones come to be.
    Collection(Box<Collection>),
    /// One of a collection, or of a kind that is in no collection.
    Item(Item),
    /// Nothing that has a state.
    Action,
}

/// A path that lists items.
#[derive(Debug, Clone)]
pub(crate) struct Collection {
    /// How GET lists them; `None` if it cannot.
    envelope: Option<Envelope>,
    /// Template of the items' own paths: below this one, elsewhere, or none in the contract.
    items: Items,
    /// What an item is, as its own path reads it, or else as the list has it.
    kind: Option<Entity>,
    /// The member that tells the items apart.
    id: Option<String>,
    queries: Queries,
}

/// Where the items of a collection are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Items {
    /// At the collection's path and one more segment.
    Below(String),
    /// At a path of their own, which this collection only refers to.
    Elsewhere(String),
    /// At no path of the contract.
    Nowhere,
}

impl Items {
    fn template(&self) -> Option<&str> {
        match self {
            Self::Below(template) | Self::Elsewhere(template) => Some(template),
            Self::Nowhere => None,
        }
    }
}

/// A path that ends in an expression.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Template of the collection that it lies below.
    collection: Option<String>,
    /// The member that says which one it is.
    id: Option<String>,
    /// Whether the path only refers to an item that has a path elsewhere.
    refers_to: Option<String>,
}

/// One request to an operation, with all that its effect may depend on.
pub(crate) struct Call<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) model: &'a Model,
    pub(crate) operation: &'a Operation,
    /// What the operation's path stands for.
    pub(crate) own: Option<&'a Place>,
    pub(crate) captures: &'a [&'a str],
    /// The concrete path, without base path.
    pub(crate) path: &'a str,
    pub(crate) request: &'a Request,
    pub(crate) decoded: &'a Decoded,
    /// The representation that the answer is to have.
    pub(crate) content: Option<&'a Content>,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    /// Whether what nothing was ever said about is taken to be absent.
    pub(crate) absent_by_default: bool,
    pub(crate) bounds: Bounds,
}

/// What state has to say to a request.
pub(crate) enum Told {
    /// Nothing: the contract's example, or a generated instance, is as good.
    Nothing,
    /// This.
    Answer(Answer),
    /// There is no such resource.
    NotFound,
    /// GET finds what the client has already.
    NotModified { etag: String },
    /// The request cannot be carried out on the state as it is.
    Refused(Vec<Diagnostic>),
    /// The state was checked against another contract than the request.
    Stale,
}

/// What state answers.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// `None`: the contract's example, or a generated instance, is to stand for it.
    pub(crate) body: Option<Prepared>,
    /// The path of what was created.
    pub(crate) created: Option<String>,
    pub(crate) etag: Option<String>,
    /// How many there are in all, of a list.
    pub(crate) total: Option<usize>,
    /// The value of a `Link` header to other pages of a list (RFC 8288).
    pub(crate) links: Option<String>,
    pub(crate) differences: Vec<Difference>,
}

/// What a write does, as it is decided.
type Decision = Result<(Vec<Change>, Decided), Told>;

/// What a write answers.
#[derive(Debug, Default)]
struct Decided {
    body: Option<Prepared>,
    created: Option<String>,
    etag: Option<String>,
}

impl Model {
    /// What stands for a path template.
    pub(crate) fn place(&self, template: &str) -> Option<&Place> {
        self.places.get(trimmed(template))
    }

    /// What was said of the paths in so many words.
    pub(crate) fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    fn collection(&self, template: &str) -> Option<&Collection> {
        match &self.place(template)?.role {
            Role::Collection(collection) => Some(collection),
            _ => None,
        }
    }
}

impl Call<'_> {
    /// Reads or changes the application's state.
    pub(crate) fn act(&self, application: &Application) -> Told {
        let Some(place) = self.own else { return Told::Nothing };
        let is_stale = |state: &State| !state.is_certified(&self.model.stamp);
        if self.reads() {
            return application.look(|state| if is_stale(state) { Told::Stale } else { self.read(place, state) });
        }
        let decide = |state: &State| if is_stale(state) { Err(Told::Stale) } else { self.decide(place, state) };
        match application.write(self.bounds, decide) {
            Ok((decided, differences)) => Told::Answer(Answer {
                body: decided.body,
                created: decided.created,
                etag: decided.etag,
                total: None,
                links: None,
                differences,
            }),
            Err(NotWritten::Refused(told)) => told,
            Err(NotWritten::Full) => Told::Refused(vec![full()]),
        }
    }

    /// The path template, without a slash at its end.
    fn template(&self) -> &str {
        trimmed(&self.operation.template)
    }

    /// Whether a place is the request's own.
    fn is_of(&self, place: &Place) -> bool {
        self.own.is_some_and(|own| std::ptr::eq(own, place))
    }

    fn reads(&self) -> bool {
        matches!(*self.request.method(), http::Method::GET | http::Method::HEAD)
    }

    /// A number that is the same for the same seed and path.
    fn number(&self) -> u64 {
        self.path.bytes().fold(self.seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
    }
}

fn full() -> Diagnostic {
    use crate::diagnostic::{Part, code};
    Diagnostic::new(code::STATE_FULL, "the application holds as many resources, or as many bytes, as the limit allows")
        .at(Part::Request, "")
        .help("delete resources, or reset the application")
}
