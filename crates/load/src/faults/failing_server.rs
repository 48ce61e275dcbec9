//! The product's server over a store that fails, by a clock that jumps: the same composition, a program of this
//! tool. The product itself has no points to fail at, and no hand on its clock.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use lanyard_cli::{
    config::Config,
    serve::{
        accept::{self, Limits, Listener},
        compose::{self, Surroundings},
        observe,
        plan::Plan,
    },
};
use lanyard_store::Store;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    ServerArguments,
    chores::Chores,
    failing_store::FailingStore,
    script::{Arming, Kind, Mishap, Moment, Passed, Point, Script, WITHIN, Within},
};
use crate::{clock::ShiftedClock, failure::Failure};

/// How long an answer that was handed over takes to be out of the process.
const ON_ITS_WAY: Duration = Duration::from_millis(10);

/// Serves what a configuration says, until it is asked to end or comes past the armed point.
pub(crate) async fn serve(arguments: &ServerArguments) -> Result<(), Failure> {
    let clock = Arc::new(ShiftedClock::ahead_by(arguments.ahead));
    let script = Arc::new(Script::default());
    script.arm(arguments.armed.as_deref().map(serde_json::from_str).transpose()?);
    let chores = Arc::new(Chores::default());
    if arguments.chores_every.is_some() {
        chores.go_on(false);
    }
    let config = Config::read(&arguments.config).map_err(Failure::server)?;
    let plan = Plan::of(&config).map_err(Failure::server)?;
    let _logs = observe::start(plan.metrics.as_ref(), plan.telemetry.is_some());
    let listener = Listener::bind(config.listen, None).await?;
    let (stop, stopping) = watch::channel(false);
    let hands = (script.clone(), chores.clone());
    let usual = Surroundings::default();
    let surroundings = Surroundings {
        around_store: Box::new(|store| {
            Arc::new(FailingStore::around(store, hands)) as Arc<dyn Store>
        }),
        clock: clock.clone(),
        chores_every: arguments.chores_every.map_or(usual.chores_every, Duration::from_millis),
    };
    let product = compose::compose_in(surroundings, plan, stopping).await;
    let accept::Routes { router, gate } = product.map_err(Failure::server)?;
    let product = router.layer(middleware::from_fn_with_state(script.clone(), within));
    let router = product.merge(control(script.clone())).merge(clock_hand(clock));
    let router = router.merge(chores_hand(chores));
    let routes = accept::Routes { router, gate };
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = async move {
        terminate.recv().await;
        let _ = stop.send(true);
    };
    script.serves();
    let served = accept::serve(vec![listener], routes, Limits::default(), ended).await;
    served.map(drop).map_err(Failure::server)
}

/// How the tool asks what was passed, and says what is to happen.
fn control(script: Arc<Script>) -> Router {
    Router::new()
        .route("/faults/passed", get(passed))
        .route("/faults/armed", get(waits).post(arm))
        .with_state(script)
}

/// How the tool puts the server's clock.
fn clock_hand(clock: Arc<ShiftedClock>) -> Router {
    let put = async |State(clock): State<Arc<ShiftedClock>>, Json(seconds): Json<i64>| {
        clock.put_ahead(seconds);
        Json(())
    };
    Router::new().route("/faults/clock", post(put)).with_state(clock)
}

/// How the tool has housekeeping rest and go on, and asks how much is done.
fn chores_hand(chores: Arc<Chores>) -> Router {
    let rows = async |State(chores): State<Arc<Chores>>| Json(chores.rows());
    let go_on = async |State(chores): State<Arc<Chores>>, Json(go_on): Json<bool>| {
        chores.go_on(go_on);
        Json(())
    };
    Router::new().route("/faults/chores", get(rows).post(go_on)).with_state(chores)
}

async fn passed(State(script): State<Arc<Script>>) -> Json<Vec<Passed>> {
    Json(script.passed())
}

async fn waits(State(script): State<Arc<Script>>) -> Json<Option<Arming>> {
    Json(script.waits())
}

async fn arm(State(script): State<Arc<Script>>, Json(arming): Json<Option<Arming>>) -> Json<()> {
    script.arm(arming);
    Json(())
}

/// Names the request to the points that are passed for it, and passes those of its reply.
async fn within(State(script): State<Arc<Script>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
    let during = format!("{} {path}", request.method());
    let reply = |moment| Point { during: during.clone(), call: "reply".to_owned(), nth: 1, moment };
    let response = WITHIN.scope(Within::route(during.clone()), next.run(request)).await;
    // a reply has nobody to fail to: only the end of the process is armed there
    let _ = script.pass(reply(Moment::Before), Kind::Reply);
    let after = reply(Moment::After);
    let ends =
        script.waits().is_some_and(|armed| armed.point == after && armed.mishap == Mishap::Abort);
    if ends {
        tokio::spawn(async move {
            tokio::time::sleep(ON_ITS_WAY).await;
            std::process::abort();
        });
    } else {
        let _ = script.pass(after, Kind::Reply);
    }
    response
}
