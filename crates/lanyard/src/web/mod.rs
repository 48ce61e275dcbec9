//! The pages over HTTP: handlers that read a form, ask a service or the wallet, and show a page.

mod answer;
mod ask;
mod assets;
mod build;
mod failure;
mod forms;
mod guard;
mod harness;
mod headers;
mod issue;
mod live;
mod past;
mod pocket;
mod qr;
mod review;
mod shelf;
mod trail;
mod verdict;
mod verify;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    middleware,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use tokio::sync::watch;
use url::Url;

use crate::pages::{Chrome, Place, Rooms, StartPage};

use failure::Failure;

pub use harness::AutoConsent;
pub use issue::IssueRoom;
pub use pocket::Pocket;
pub use verify::VerifyRoom;

/// What a page handler answers.
type Page = Result<Response, Failure>;

/// Everything the pages need; clones share it.
#[derive(Clone)]
pub struct Web(Arc<Site>);

/// A server's pages.
pub struct Site {
    /// The public URL.
    pub base_url: Url,
    /// The folder of the demo, if this is the demo.
    pub demo: Option<String>,
    /// Offers by hand.
    pub issue: Option<IssueRoom>,
    /// Requests by hand.
    pub verify: Option<VerifyRoom>,
    /// The wallet in the browser.
    pub pocket: Option<Pocket>,
    /// Turns true when the server stops: live pages end then.
    pub shutdown: watch::Receiver<bool>,
}

impl Web {
    /// Puts the pages together.
    #[must_use]
    pub fn new(site: Site) -> Self {
        Self(Arc::new(site))
    }

    /// The routes of the pages.
    pub fn router(self) -> Router {
        let pages = Router::new()
            .route("/", get(start))
            .merge(issue::routes())
            .merge(verify::routes())
            .merge(pocket::routes())
            .fallback(absent)
            .layer(middleware::from_fn_with_state(self.clone(), guard::guard));
        Router::new()
            .route("/assets/{name}", get(assets::asset))
            .merge(pages)
            .layer(middleware::from_fn(headers::protect))
            .with_state(self)
    }

    fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    /// The host, with its port unless it is the scheme's own.
    fn host(&self) -> &str {
        &self.0.base_url[url::Position::BeforeHost..url::Position::AfterPort]
    }

    fn chrome(&self, place: Place) -> Chrome {
        let rooms = Rooms {
            issue: self.0.issue.is_some(),
            verify: self.0.verify.is_some(),
            pocket: self.0.pocket.is_some(),
        };
        let kind = if self.0.demo.is_some() { "Lanyard demo" } else { "Lanyard" };
        Chrome { place, rooms, footnote: format!("{kind} at {}", self.host()) }
    }
}

async fn start(State(web): State<Web>) -> Response {
    let folder = web.0.demo.clone().unwrap_or_default();
    show(&StartPage { chrome: web.chrome(Place::Start), demo: web.0.demo.is_some(), folder })
}

async fn absent(State(web): State<Web>) -> Response {
    Failure::absent("This page").into_page(&web)
}

fn show(page: &dyn ShownPage) -> Response {
    page.respond(StatusCode::OK)
}

fn show_with(status: StatusCode, page: &dyn ShownPage) -> Response {
    page.respond(status)
}

/// A template that becomes a response.
trait ShownPage {
    fn respond(&self, status: StatusCode) -> Response;
}

impl<T: Template> ShownPage for T {
    fn respond(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// RFC 9110 §15.4.4: after a form, the browser reads the result with a GET of its own.
fn see_other(place: &str) -> Response {
    Redirect::to(place).into_response()
}

/// A handler's result as a page, whichever it is.
fn conclude(web: &Web, page: Page) -> Response {
    page.unwrap_or_else(|failure| failure.into_page(web))
}
