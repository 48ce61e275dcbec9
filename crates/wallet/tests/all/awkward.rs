//! An issuer that keeps to the rules and is hard to deal with.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use lanyard_issuer::{Awkwardness, Deferral};
use lanyard_oid4vci::{client_authentication::ClientMethod, issuer::Profile};
use lanyard_wallet::{AcceptError, IssuanceError};
use tokio::task::JoinSet;

use crate::world::{Setting, World, rules};

const FLOWS: usize = 1_000;

/// How many wallets come at once.
const AT_ONCE: usize = 32;

async fn awkward_world(how: Awkwardness) -> World {
    let rules = Some(rules(Profile::Plain, ClientMethod::Public));
    World::with(Setting { rules, copies: 1, awkward: Some(how), ..Setting::default() }).await
}

/// One flow of four kinds; what was deferred comes later.
async fn flow(world: &World, n: usize) -> Result<(), IssuanceError> {
    let offer = match n % 10 {
        0 => {
            let login = world.read_login().await.begin().await?;
            let redirect = world.browse(login.url()).await;
            return login.finish(&redirect).await.map(|_| ());
        }
        1 => world.offer_with(false, Deferral::Seconds(60)).await,
        kind => world.offer(kind == 2).await,
    };
    let code = offer.tx_code.as_ref().map(|code| code.reveal());
    match world.read(&offer).await.accept(code).await {
        Ok(_) => Ok(()),
        Err(AcceptError::TryAgain(_, error, _) | AcceptError::Failed(error)) => Err(error),
        Err(other) => unreachable!("no code was wrong: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_wallet_gets_through_nearly_every_flow_at_an_awkward_issuer() {
    let how = Awkwardness { longest_delay: Duration::from_millis(5), ..Awkwardness::default() };
    let world = Arc::new(awkward_world(how).await);
    let mut lines = JoinSet::new();
    for line in 0..AT_ONCE {
        let world = Arc::clone(&world);
        lines.spawn(async move {
            let mut failures = Vec::new();
            for n in (line..FLOWS).step_by(AT_ONCE) {
                failures.extend(flow(&world, n).await.err().map(|error| error.to_string()));
            }
            failures
        });
    }
    let mut failures: Vec<String> = lines.join_all().await.into_iter().flatten().collect();
    world.now.forward(SignedDuration::from_secs(60));
    world.wallet.collect().await.expect("a database");
    let waiting = world.wallet.waiting().expect("a database").into_iter();
    failures.extend(waiting.map(|(id, _)| format!("still waits: {id:?}")));
    assert!(failures.len() <= FLOWS / 1_000, "{} of {FLOWS}: {failures:?}", failures.len());
    let cards = world.wallet.cards().expect("a database").len();
    assert!(cards >= FLOWS - FLOWS / 1_000, "{cards}");
    // it was awkward: there are more requests than flows need
    let asked = world.wire.paths();
    let credentials = asked.iter().filter(|path| path.ends_with("/credential")).count();
    assert!(credentials > FLOWS + FLOWS / 50, "{credentials} requests for {FLOWS} credentials");
}

#[tokio::test]
async fn an_issuer_that_refuses_every_nonce_is_given_up() {
    let how = Awkwardness { refused_percent: 100, longest_delay: Duration::ZERO };
    let world = awkward_world(how).await;
    let offer = world.offer(false).await;
    let error = match world.read(&offer).await.accept(None).await {
        Err(AcceptError::TryAgain(_, error, _) | AcceptError::Failed(error)) => error,
        other => unreachable!("it cannot be accepted: {other:?}"),
    };
    assert_eq!(error.code(), "token_refused");
    let tokens = world.wire.paths().iter().filter(|path| path.ends_with("/token")).count();
    assert_eq!(tokens, 5);
}
