//! The way between a server and its database, which can be cut, and on which what is sent can stay.
//!
//! It is a Unix socket: no time limit of the network's helps whoever waits at its end.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use super::scene::Store;
use crate::failure::Failure;

/// How it is with the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Connections end, and nobody takes new ones.
    Cut,
    /// Nothing arrives anywhere, and nobody is told.
    Silent,
    /// What is asked arrives; the answers do not.
    WithoutAnswers,
}

/// One end of the way, to be connected to in place of the database.
pub(crate) struct Cable {
    folder: TempDir,
    port: String,
    address: String,
    /// The socket at its other end.
    there: Arc<Mutex<PathBuf>>,
    way: watch::Sender<Way>,
}

impl Cable {
    /// To the database at this address.
    pub(crate) fn to(address: &str) -> Result<Self, Failure> {
        let port = part(address, "port")?.to_owned();
        let there = Arc::new(Mutex::new(socket_of(address)?));
        // short: the path of a Unix socket has at most 107 bytes
        let folder = tempfile::Builder::new().prefix("cable").tempdir()?;
        let listener = UnixListener::bind(folder.path().join(format!(".s.PGSQL.{port}")))?;
        let (way, ways) = watch::channel(Way::Open);
        tokio::spawn(carry(listener, there.clone(), ways));
        Ok(Self { folder, port, address: address.to_owned(), there, way })
    }

    /// The database at the other end, by this way.
    pub(crate) fn store(&self) -> Store {
        let here = format!("host={} port={}", self.folder.path().display(), self.port);
        let rest = self.address.split(' ').filter(|part| {
            let key = part.split('=').next();
            key != Some("host") && key != Some("port")
        });
        let rest: Vec<_> = rest.collect();
        Store::Postgres { address: format!("{here} {}", rest.join(" ")) }
    }

    /// Connections from now on lead to another server.
    pub(crate) fn lead_to(&self, address: &str) -> Result<(), Failure> {
        *self.there.lock().unwrap_or_else(PoisonError::into_inner) = socket_of(address)?;
        Ok(())
    }

    /// How it is from now on.
    pub(crate) fn is(&self, way: Way) {
        self.way.send_replace(way);
    }
}

fn part<'a>(address: &'a str, name: &str) -> Result<&'a str, Failure> {
    let mut parts = address.split(' ').filter_map(|part| part.split_once('='));
    let found = parts.find(|(key, _)| *key == name).map(|(_, value)| value);
    found.ok_or(Failure::Lacks("address of a database"))
}

fn socket_of(address: &str) -> Result<PathBuf, Failure> {
    let socket = format!(".s.PGSQL.{}", part(address, "port")?);
    Ok(Path::new(part(address, "host")?).join(socket))
}

async fn carry(listener: UnixListener, there: Arc<Mutex<PathBuf>>, way: watch::Receiver<Way>) {
    while let Ok((near, _)) = listener.accept().await {
        if *way.borrow() == Way::Cut {
            continue;
        }
        let there = there.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Ok(far) = UnixStream::connect(there).await else { continue };
        let ((near_out, near_in), (far_out, far_in)) = (near.into_split(), far.into_split());
        let asks = |way: &Way| *way != Way::Silent;
        let answers = |way: &Way| !matches!(way, Way::Silent | Way::WithoutAnswers);
        tokio::spawn(pump(near_out, far_in, way.clone(), asks));
        tokio::spawn(pump(far_out, near_in, way.clone(), answers));
    }
}

/// Carries one direction of one connection: what must not pass waits, as on a network that loses everything.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    passes: fn(&Way) -> bool,
) {
    let mut cut = way.clone();
    let carried = async {
        let mut buffer = [0; 8192];
        loop {
            let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
            if way.wait_for(passes).await.is_err() || to.write_all(&buffer[..length]).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = carried => {}
        _ = cut.wait_for(|way| *way == Way::Cut) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn ends() -> (Cable, UnixListener, TempDir) {
        let there = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(there.path().join(".s.PGSQL.5")).unwrap();
        let address = format!("host={} port=5 user=u dbname=d", there.path().display());
        (Cable::to(&address).unwrap(), listener, there)
    }

    async fn hears(stream: &mut UnixStream) -> u8 {
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_u8());
        read.await.expect("it arrives").expect("the connection is open")
    }

    async fn hears_nothing(stream: &mut UnixStream) -> bool {
        tokio::time::timeout(Duration::from_millis(200), stream.read_u8()).await.is_err()
    }

    #[tokio::test]
    async fn what_is_sent_arrives_waits_or_ends_as_the_way_is() {
        let (cable, listener, _there) = ends().await;
        let Store::Postgres { address } = cable.store() else { panic!("a database") };
        assert!(address.ends_with(" user=u dbname=d"), "{address}");
        let mut near = UnixStream::connect(cable.folder.path().join(".s.PGSQL.5")).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.write_u8(1).await.unwrap();
        assert_eq!(hears(&mut far).await, 1);

        cable.is(Way::WithoutAnswers);
        near.write_u8(2).await.unwrap();
        far.write_u8(3).await.unwrap();
        assert_eq!(hears(&mut far).await, 2);
        assert!(hears_nothing(&mut near).await);
        cable.is(Way::Silent);
        near.write_u8(4).await.unwrap();
        assert!(hears_nothing(&mut far).await);
        cable.is(Way::Open);
        assert_eq!((hears(&mut far).await, hears(&mut near).await), (4, 3));

        cable.is(Way::Cut);
        assert!(near.read_u8().await.is_err(), "the connection ends");
    }
}
