//! The least that a server can do for a flow: as many requests, answers of the same size, as many durable
//! rows, the same cryptography, and nothing else. There is no protocol in it, no route, no session and no
//! limit: what a server takes beyond this is its own, and what this takes no tuning will save.

use std::{
    convert::Infallible,
    fs, mem,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, body::Incoming, header, header::HeaderValue, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rusqlite::Connection as Database;
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::oneshot};
use url::Url;

use crate::{
    client::{Ask, Connection, Content, Exchange},
    crowd::Flow,
    failure::Failure,
    floor::{Sizes, Work, Workbench},
};

/// The bytes of a row: about what a sealed session is.
const ROW: u32 = 1_500;

/// The shape of a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// What goes to and fro, as a flow that was played had it.
    pub(crate) exchanges: Vec<Exchange>,
    /// How many rows are durable before the last requests are answered, one for each.
    pub(crate) rows: usize,
    /// The cryptography, done at the last request.
    pub(crate) work: Work,
    pub(crate) sizes: Sizes,
}

/// Plays a shape against the server that knows it.
pub(crate) struct Replay(pub(crate) Shape);

impl Flow for Replay {
    type Job = Url;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, base: Url) -> Result<(), Failure> {
        for Exchange { head, sent, .. } in &self.0.exchanges {
            let ask = match sent {
                0 => Ask::get(&base),
                _ => Ask::post(&base, Content::Json("0".repeat(*sent))),
            };
            connection.ask(ask.with("x-head", "0".repeat(*head))).await?;
        }
        Ok(())
    }
}

/// Serves the shape in a file, with its rows in a folder, until the process is ended.
pub(crate) async fn serve(shape: &Path, port: u16, data: &Path) -> Result<(), Failure> {
    let shape: Shape = serde_json::from_slice(&fs::read(shape)?)?;
    let workbench = Workbench::new(shape.sizes)?;
    let most = shape.exchanges.iter().map(|exchange| exchange.answered).max().unwrap_or_default();
    let bare = Arc::new(Bare {
        answer: Bytes::from(vec![b'0'; most]),
        writer: Writer::start(data)?,
        workbench,
        shape,
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (bare, turn) = (Arc::clone(&bare), Arc::new(AtomicUsize::new(0)));
        let answer = service_fn(move |request| {
            let (bare, turn) = (Arc::clone(&bare), Arc::clone(&turn));
            async move { bare.answer(request, &turn).await }
        });
        // a connection that breaks is the wallet's failure, and told there
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

struct Bare {
    shape: Shape,
    answer: Bytes,
    workbench: Workbench,
    writer: Writer,
}

impl Bare {
    async fn answer(
        &self,
        request: Request<Incoming>,
        turn: &AtomicUsize,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let turn = match request.uri().path() {
            "/readyz" => 0,
            _ => turn.fetch_add(1, Ordering::Relaxed) % self.shape.exchanges.len() + 1,
        };
        let body = request.into_body().collect().await;
        let length = match (turn, body) {
            (0, _) | (_, Err(_)) => 0,
            (turn, Ok(_)) => {
                let left = self.shape.exchanges.len() - turn;
                if left == 0 {
                    self.workbench.perform(self.shape.work).expect("it was measured before");
                }
                if left < self.shape.rows {
                    self.writer.write().await;
                }
                self.shape.exchanges[turn - 1].answered
            }
        };
        let mut response = Response::new(Full::new(self.answer.slice(..length)));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }
}

/// One thread writes whatever waits, and syncs once for all of it.
struct Writer(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    rows: Mutex<Vec<oneshot::Sender<()>>>,
    came: Condvar,
}

impl Writer {
    fn start(data: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(data)?;
        let database = Database::open(data.join("bare.db"))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
             CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB) STRICT",
        )?;
        let waiting = Arc::<Waiting>::default();
        let served = Arc::clone(&waiting);
        thread::spawn(move || served.serve(&database).expect("the disk was measured before"));
        Ok(Self(waiting))
    }

    async fn write(&self) {
        let (written, answer) = oneshot::channel();
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner).push(written);
        self.0.came.notify_one();
        // the thread ends with the process alone
        let _ = answer.await;
    }
}

impl Waiting {
    fn serve(&self, database: &Database) -> rusqlite::Result<()> {
        let mut insert = database.prepare("INSERT INTO row (bytes) VALUES (zeroblob(?1))")?;
        let (mut begin, mut commit) = (database.prepare("BEGIN")?, database.prepare("COMMIT")?);
        loop {
            let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let rows = self.came.wait_while(rows, |rows| rows.is_empty());
            let rows = mem::take(&mut *rows.unwrap_or_else(PoisonError::into_inner));
            begin.execute([])?;
            for _ in &rows {
                insert.execute([ROW])?;
            }
            commit.execute([])?;
            for written in rows {
                // whoever asked may be gone
                let _ = written.send(());
            }
        }
    }
}
