//! R10: clocks jump, the server's alone, the wallets' alone, or both; and days come that are hard to count.

use std::path::Path;

use jiff::Timestamp;

use super::{
    scene::{Program, Scene, Setting, Store},
    steps::Step,
    trials::{Line, Trial},
};
use crate::{attester::Attester, client::Connection, clock, failure::Failure, ledger::Deed};

/// For how long a presentation request can be answered.
const REQUEST_LIFE: i64 = 300;

/// When the certificate of the tests' attester ends: nobody logs in after that.
const ATTESTED_UNTIL: &str = "2035";

/// A jump: the server's clock and the wallets', in seconds.
struct Jump {
    server: i64,
    wallets: i64,
}

/// What happens, and when.
struct Row {
    name: &'static str,
    /// When the server starts; now, if that is empty.
    begins: &'static str,
    jump: Jump,
}

const fn together(seconds: i64) -> Jump {
    Jump { server: seconds, wallets: seconds }
}

/// Whoever signs may be a minute off: that is how far what says when it was signed is believed.
const ROWS: &[Row] = &[
    Row { name: "ten minutes pass at once", begins: "", jump: together(600) },
    Row { name: "ten minutes back", begins: "", jump: together(-600) },
    Row { name: "an hour back", begins: "", jump: together(-3600) },
    Row { name: "into 29 February", begins: "2028-02-28T23:59:30Z", jump: together(60) },
    Row { name: "out of 29 February", begins: "2028-02-29T23:59:30Z", jump: together(60) },
    Row { name: "past 31 bits", begins: "2038-01-19T03:13:30Z", jump: together(60) },
    Row { name: "into summer time", begins: "2027-03-28T00:59:30Z", jump: together(60) },
    Row { name: "out of summer time", begins: "2027-10-31T00:59:30Z", jump: together(60) },
    Row {
        name: "the server alone, a minute ahead",
        begins: "",
        jump: Jump { server: 55, wallets: 0 },
    },
    Row {
        name: "the server alone, a minute behind",
        begins: "",
        jump: Jump { server: -55, wallets: 0 },
    },
    Row { name: "wallets a minute ahead", begins: "", jump: Jump { server: 0, wallets: 50 } },
    Row { name: "wallets a minute behind", begins: "", jump: Jump { server: 0, wallets: -50 } },
];

/// Plays every row, or one in so many, at a server of its own.
pub(crate) async fn jump(
    folder: &Path,
    database: &dyn Fn() -> Store,
    (first, stride): (usize, usize),
) -> Result<Line, Failure> {
    let attester = Attester::new()?;
    let mut all: Option<Line> = None;
    for row in ROWS.iter().skip(first % stride).step_by(stride) {
        let line = played(row, folder, &database(), &attester).await;
        clock::put_ahead(0);
        let line = line.inspect_err(|_| eprintln!("when {}:", row.name))?;
        match &mut all {
            Some(all) => all.add(line),
            None => all = Some(line),
        }
    }
    all.ok_or(Failure::Lacks("row"))
}

async fn played(
    row: &Row,
    folder: &Path,
    store: &Store,
    attester: &Attester,
) -> Result<Line, Failure> {
    let fault = "clock jumps";
    let folder = Trial::folder(folder, fault, store);
    let program = Program::Failing(std::env::current_exe()?);
    let setting = Setting { program, store, attester: Some(attester), receiver: None };
    let scene = Scene::laid(&folder, setting)?;
    let ahead = match row.begins.parse::<Timestamp>() {
        Ok(begins) => begins.as_second() - Timestamp::now().as_second(),
        Err(_) => 0,
    };
    scene.set_ahead(ahead);
    clock::put_ahead(ahead);
    let mut trial = Trial::of(fault, scene, &folder, store)?;
    trial.start().await?;

    let mut wallet = trial.wallet();
    wallet.turn().await?;
    if row.begins < ATTESTED_UNTIL {
        wallet.errands(attester).await?;
    }
    let asked = wallet.asked().await?;

    clock::put_ahead(ahead + row.jump.wallets);
    trial.scene.put_ahead(ahead + row.jump.server).await?;
    trial.times += 1;

    // what is over is over
    let mut late = trial.wallet();
    let place = asked.parameter("request_uri")?;
    let object = async |connection: &mut Connection| connection.get(&place, None).await;
    let is_over = matches!(late.attempt(Deed::Response, "", object).await?, Step::Refused(_));
    if is_over != (row.jump.server >= REQUEST_LIFE) {
        let found = if is_over { "cannot" } else { "can" };
        trial.broken(format!("R10: {}: a request {found} be answered", row.name));
    }
    let mut wallet = trial.wallet();
    wallet.turn().await?;
    if row.begins < ATTESTED_UNTIL {
        wallet.errands(attester).await?;
    }
    // what is published is judged by who has the right time
    clock::put_ahead(ahead + row.jump.server);
    trial.turns += 2;
    let mut line = trial.ended().await?;
    if !line.broken.is_empty() {
        line.broken.push(format!("  … when {}", row.name));
    }
    Ok(line)
}
