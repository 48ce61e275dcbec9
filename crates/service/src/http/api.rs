//! The routes of the integrator API, each with what is said about it: a route cannot be served and not
//! described, and none without a scope.

use axum::{
    Extension, Router,
    handler::Handler,
    routing::{MethodRouter, delete, get, post},
};
use http::request::Parts;
use serde_json::Value;

use crate::Scope;

/// The scope that the route needs which a request came by.
#[derive(Clone, Copy, Debug)]
struct Needed(Scope);

/// The scope that a request needs; none where it came by no route of the integrator API.
pub fn needed_scope(parts: &Parts) -> Option<Scope> {
    parts.extensions.get::<Needed>().map(|needed| needed.0)
}

/// How a route is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET
    Get,
    /// POST
    Post,
    /// DELETE
    Delete,
}

impl Verb {
    /// In the words of `OpenAPI`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// What a route answers when all is well.
#[derive(Clone, Debug)]
pub struct Success {
    /// The status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// The media type and the name of the schema of its body; none for no body.
    pub body: Option<(&'static str, Option<&'static str>)>,
}

/// One operation of the integrator API.
#[derive(Clone, Debug)]
pub struct Operation {
    /// How it is called.
    pub verb: Verb,
    /// Where, below the server's URL.
    pub path: &'static str,
    /// Its name, in clients that are generated.
    pub id: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What a key has to be good for.
    pub scope: Scope,
    /// Whether `Idempotency-Key` is heeded.
    pub once: bool,
    /// What may be in the query: names and meanings.
    pub query: Vec<(&'static str, &'static str)>,
    /// The name of the schema of its body, with an example that can be sent as it is.
    pub body: Option<(&'static str, Value)>,
    /// What it answers.
    pub success: Success,
}

impl Operation {
    /// An operation that answers 200 with JSON of a schema.
    pub fn new(
        verb: Verb,
        path: &'static str,
        (id, summary): (&'static str, &'static str),
        scope: Scope,
        schema: &'static str,
    ) -> Self {
        let body = Some(("application/json", Some(schema)));
        let success = Success { status: 200, meaning: "Done.", body };
        Self { verb, path, id, summary, scope, once: false, query: Vec::new(), body: None, success }
    }

    /// Takes JSON of a schema, such as this.
    #[must_use]
    pub fn takes(mut self, schema: &'static str, example: Value) -> Self {
        self.body = Some((schema, example));
        self
    }

    /// Takes something in the query.
    #[must_use]
    pub fn asking(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.query.push((name, meaning));
        self
    }

    /// Heeds `Idempotency-Key`.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Answers 201.
    #[must_use]
    pub const fn creating(mut self) -> Self {
        self.success.status = 201;
        self.success.meaning = "Created.";
        self
    }

    /// Answers 204.
    #[must_use]
    pub const fn silent(mut self) -> Self {
        self.success = Success { status: 204, meaning: "Done.", body: None };
        self
    }

    /// Answers something else than JSON.
    #[must_use]
    pub const fn giving(mut self, media_type: &'static str) -> Self {
        self.success.body = Some((media_type, None));
        self
    }
}

/// The routes of the integrator API, as far as one service has them.
#[derive(Debug)]
pub struct Api<S> {
    router: Router<S>,
    operations: Vec<Operation>,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// No routes.
    pub fn new() -> Self {
        Self { router: Router::new(), operations: Vec::new() }
    }

    /// Adds a route with what is said about it.
    #[must_use]
    pub fn on<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let route: MethodRouter<S> = match operation.verb {
            Verb::Get => get(handler),
            Verb::Post => post(handler),
            Verb::Delete => delete(handler),
        };
        let route = route.route_layer(Extension(Needed(operation.scope)));
        self.router = self.router.route(operation.path, route);
        self.operations.push(operation);
        self
    }

    /// The routes, to be served.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// What is said about them.
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Api<S> {
    fn default() -> Self {
        Self::new()
    }
}
