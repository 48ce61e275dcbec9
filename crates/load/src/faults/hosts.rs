//! R12: hosts that a verifier asks for status lists are in trouble, for hundreds of presentations at once. Each of these
//! ends in time, and as one that could not be checked; nobody else notices.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use lanyard_core::{
    claims::Claims,
    credential::Validity,
    crypto::{AwsLc, Signer as _, SoftwareSigner},
    jose::Jwk,
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, UnverifiedSdJwtVc, Vct},
    status::{
        StatusListUri, StatusReference,
        token_status_list::{StatusBits, StatusList, StatusListDraft},
    },
};
use lanyard_testkit::{LeafOptions, TestCa};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    receiver::Receiver,
    scene::{Program, Scene, Setting, Store},
    trials::{Extent, Line, Trial},
    wallet::Wallet,
};
use crate::{
    attester::{VCT, anchor_pem},
    client::{Connection, Content},
    clock,
    failure::Failure,
    machine,
    presentation::Card,
    proofs::fresh_key,
};

pub(crate) const FAULT: &str = "hosts in trouble";

const AUTHORITY: &str = "authority.pem";

/// No presentation waits longer for a verdict: a fetch ends after five seconds, whoever else waits for the same host.
const VERDICT_WITHIN: Duration = Duration::from_secs(10);

/// What a server may take more than before, while it reads from hosts that send without end.
const MORE_MEMORY: u64 = 64 * 1024 * 1024;

/// A connection that is to hang does so until whoever asks has had enough.
const LONGER_THAN_ANYBODY_WAITS: Duration = Duration::from_secs(60);

/// Presentations of another issuer's credentials, whose status lists lie at hosts in trouble, beside a crowd.
pub(crate) async fn in_trouble(
    (binary, folder): (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let folder = Trial::folder(folder, FAULT, store);
    let program = Program::Product(binary.to_owned());
    let setting = Setting { program, store, attester: None, receiver: None };
    let scene = Scene::laid(&folder, setting)?;
    let issuer = Arc::new(Issuer::new()?);
    let hosts = Host::of_every_trouble(&issuer).await?;
    trusts(&scene, &issuer, &hosts)?;
    let mut trial = Trial::of(FAULT, scene, &folder, store)?;
    trial.start().await?;
    let alone = trial.plays_alone(extent.spell / 2).await?;
    trial
        .while_playing(async |trial| {
            let before = trial.scene.memory()?;
            for _ in 0..extent.rounds_of_hosts {
                let cards = issuer.cards(&hosts, extent.troubled).await?;
                for shown in shown(trial, cards).await? {
                    shown.is_not_believed(trial);
                }
                trial.times += 1;
            }
            let more = trial.scene.memory()?.saturating_sub(before);
            if more > MORE_MEMORY {
                trial.broken(format!("R12: {} MiB more are taken", more / 1024 / 1024));
            }
            for host in &hosts {
                host.heals().await?;
            }
            let cards = issuer.cards(&hosts, hosts.len()).await?;
            for shown in shown(trial, cards).await? {
                shown.is_believed(trial);
            }
            Ok(())
        })
        .await?;
    trial.is_served_as("R12", alone);
    trial.ended().await
}

/// Has a server that is not yet started believe the issuer, and reach its hosts.
fn trusts(scene: &Scene, issuer: &Issuer, hosts: &[Host]) -> Result<(), Failure> {
    fs::write(scene.file(AUTHORITY), anchor_pem(&issuer.authority))?;
    let place = scene.configuration_file();
    let configuration = fs::read_to_string(&place)?;
    let anchors = format!("trust_anchors = [\"{AUTHORITY}\"]\nstatus_lists");
    let mut configuration = configuration.replacen("status_lists", &anchors, 1);
    // on this machine a server reaches nobody but itself and its webhooks
    for host in hosts {
        configuration.push_str(&host.as_webhook(scene)?);
    }
    fs::write(place, configuration)?;
    Ok(())
}

/// Each card is shown to a verifier, all of them at once.
async fn shown(trial: &Trial, cards: Vec<(Trouble, Card)>) -> Result<Vec<Shown>, Failure> {
    let showing: Vec<_> = cards
        .into_iter()
        .map(|(trouble, card)| tokio::task::spawn_local(show(trial.wallet(), trouble, card)))
        .collect();
    let mut all = Vec::new();
    for shown in showing {
        all.push(shown.await??);
    }
    Ok(all)
}

async fn show(mut wallet: Wallet, trouble: Trouble, card: Card) -> Result<Shown, Failure> {
    let asked = wallet.asked().await?;
    let (place, form) = wallet.answer_to(&asked, &card).await?;
    let mut connection = Connection::open(wallet.scene.base()).await?;
    let begun = Instant::now();
    match connection.post(&place, None, Content::Form(form)).await {
        // what cannot be checked is refused
        Ok(_) | Err(Failure::Refused { status: 400..500, .. }) => {}
        Err(failure) => return Err(failure),
    }
    let took = begun.elapsed();
    let (place, key) = (wallet.scene.api(&format!("requests/{}", asked.id))?, wallet.scene.key());
    let result: Value = serde_json::from_slice(&connection.get(&place, Some(key)).await?)?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (state, reason) = (word(&result["state"]), word(&result["verdict"]["reason"]));
    Ok(Shown { trouble, took, state, reason })
}

/// What came of a presentation.
struct Shown {
    trouble: Trouble,
    took: Duration,
    state: String,
    reason: String,
}

impl Shown {
    fn is_not_believed(&self, trial: &Trial) {
        let Self { trouble, took, state, reason } = self;
        if (state.as_str(), reason.as_str()) != ("undetermined", "status_list_unreachable") {
            trial.broken(format!("R12: beside a host that {trouble:?} it is {state} ({reason})"));
        }
        if *took > VERDICT_WITHIN {
            trial.broken(format!("R12: a host that {trouble:?} keeps a verdict for {took:.1?}"));
        }
    }

    fn is_believed(&self, trial: &Trial) {
        let Self { trouble, state, reason, .. } = self;
        if state != "verified" {
            trial.broken(format!(
                "R12: a host that {trouble:?} is well, and it is {state} ({reason})"
            ));
        }
    }
}

/// An issuer that the server knows by its authority alone.
struct Issuer {
    authority: TestCa,
    chain: Vec<Vec<u8>>,
    signer: SoftwareSigner,
    /// How many credentials it issued: each refers to a list of its own, which nobody has asked for before.
    issued: AtomicUsize,
}

impl Issuer {
    fn new() -> Result<Self, Failure> {
        let authority = TestCa::new("Authority of another issuer");
        let leaf = authority.leaf(&LeafOptions::named("Another issuer"));
        let signer = SoftwareSigner::new(&AwsLc, &leaf.key)?;
        Ok(Self { authority, chain: leaf.chain, signer, issued: AtomicUsize::new(0) })
    }

    /// So many credentials, their status lists at these hosts in turn.
    async fn cards(&self, hosts: &[Host], count: usize) -> Result<Vec<(Trouble, Card)>, Failure> {
        let mut cards = Vec::new();
        for host in hosts.iter().cycle().take(count) {
            cards.push((host.trouble, self.card(host).await?));
        }
        Ok(cards)
    }

    async fn card(&self, host: &Host) -> Result<Card, Failure> {
        let lacks = |_| Failure::Lacks("credential");
        let nth = self.issued.fetch_add(1, Ordering::Relaxed);
        let uri = host.list(nth)?;
        let (key, now) = (fresh_key()?, clock::now());
        let binding = KeyBinding::To(Jwk::new(*key.public_key()));
        let vct = Vct::parse(VCT).map_err(|_| Failure::Lacks("type"))?;
        let validity = Validity::rounded_to_days(now, SignedDuration::from_hours(24));
        let claims = Claims::new().selective("given_name", "Ada");
        let status = StatusReference::TokenStatusList { index: 0, uri };
        let draft = SdJwtVcDraft::new(&vct, None, claims, &binding, &validity).map_err(lacks)?;
        let draft = draft.with_status(&status).map_err(lacks)?.with_x5c(&self.chain);
        let issued = draft.sign(&self.signer, &AwsLc).await?;
        let held = UnverifiedSdJwtVc::parse(issued.as_str())?.danger_hold_unverified(&AwsLc)?;
        Ok(Card { held, key })
    }

    /// A list in which everything is good.
    async fn list(&self, uri: &StatusListUri) -> Result<String, Failure> {
        let list = StatusList::new(StatusBits::One, 8).map_err(|_| Failure::Lacks("list"))?;
        let draft = StatusListDraft::new(uri, &list, clock::now()).with_x5c(&self.chain);
        Ok(draft.sign_jwt(&self.signer).await?)
    }
}

/// What a host does to whoever asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Refuses,
    Hangs,
    Drips,
    SendsWithoutEnd,
}

/// A host for status lists, on one port for good.
#[derive(Clone)]
struct Host {
    trouble: Trouble,
    port: u16,
    is_well: Arc<AtomicBool>,
    issuer: Arc<Issuer>,
}

impl Host {
    async fn of_every_trouble(issuer: &Arc<Issuer>) -> Result<Vec<Self>, Failure> {
        let troubles = [Trouble::Refuses, Trouble::Hangs, Trouble::Drips, Trouble::SendsWithoutEnd];
        let mut hosts = Vec::new();
        for trouble in troubles {
            let (port, is_well) = (lanyard_testkit::free_port(), Arc::default());
            let host = Self { trouble, port, is_well, issuer: issuer.clone() };
            if trouble != Trouble::Refuses {
                host.listens().await?;
            }
            hosts.push(host);
        }
        Ok(hosts)
    }

    fn list(&self, nth: usize) -> Result<StatusListUri, Failure> {
        let uri = format!("http://127.0.0.1:{}/lists/{nth}", self.port);
        StatusListUri::parse(uri).map_err(|_| Failure::Lacks("place of a list"))
    }

    /// The host as one that is told of something that does not happen.
    fn as_webhook(&self, scene: &Scene) -> Result<String, Failure> {
        let Self { port, .. } = self;
        let secret = format!("webhook-{port}");
        machine::write_private(&scene.file(&secret), Receiver::secret().as_bytes())?;
        Ok(format!(
            "[[tenants.webhooks]]\nname = \"{secret}\"\nurl = \"http://127.0.0.1:{port}/\"\n\
             secret_file = \"{secret}\"\nevents = [\"credential.suspended\"]\n"
        ))
    }

    /// From now on it answers as it should.
    async fn heals(&self) -> Result<(), Failure> {
        self.is_well.store(true, Ordering::SeqCst);
        if self.trouble == Trouble::Refuses { self.listens().await } else { Ok(()) }
    }

    async fn listens(&self) -> Result<(), Failure> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        let host = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let host = host.clone();
                tokio::spawn(async move {
                    // whoever asks may have had enough of it
                    let _ = host.answers(stream).await;
                });
            }
        });
        Ok(())
    }

    async fn answers(&self, mut stream: TcpStream) -> Result<(), Failure> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        if self.is_well.load(Ordering::SeqCst) {
            let head = String::from_utf8_lossy(&head);
            let path = head.split(' ').nth(1).ok_or(Failure::Lacks("path"))?;
            let uri = format!("http://127.0.0.1:{}{path}", self.port);
            let uri = StatusListUri::parse(uri).map_err(|_| Failure::Lacks("place of a list"))?;
            let list = self.issuer.list(&uri).await?;
            let answer = format!("{HEAD}content-length: {}\r\n\r\n{list}", list.len());
            return Ok(stream.write_all(answer.as_bytes()).await?);
        }
        match self.trouble {
            Trouble::Refuses => {}
            Trouble::Hangs => tokio::time::sleep(LONGER_THAN_ANYBODY_WAITS).await,
            Trouble::Drips => loop {
                for byte in
                    HEAD.bytes().chain(*b"content-length: 100000\r\n\r\n").chain([b'x'; 1000])
                {
                    stream.write_all(&[byte]).await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Trouble::SendsWithoutEnd => {
                stream.write_all(HEAD.as_bytes()).await?;
                stream.write_all(b"\r\n").await?;
                let much = vec![b'x'; 64 * 1024];
                loop {
                    stream.write_all(&much).await?;
                }
            }
        }
        Ok(())
    }
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/statuslist+jwt\r\n";
