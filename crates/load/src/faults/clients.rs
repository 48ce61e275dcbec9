//! Clients that keep a server busy.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// R11: clients that send a byte at a time, and clients that send nothing.
pub(crate) async fn slow_clients(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut trial = Trial::set("slow clients", place, store).await?;
    let alone = trial.plays_alone(extent.spell / 2).await?;
    trial
        .while_playing(async |trial| {
            let (host, port) = ("127.0.0.1", trial.scene.base().port().unwrap_or(80));
            let mut slow = Vec::new();
            for _ in 0..200 {
                slow.push(TcpStream::connect((host, port)).await?);
            }
            trial.times += 1;
            let head =
                b"POST /load/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n";
            let (begun, mut sent) = (Instant::now(), 0);
            while begun.elapsed() < extent.spell {
                for stream in slow.iter_mut().skip(50) {
                    // the server may have had enough of it
                    let _ = stream.write_all(&[head[sent % head.len()]]).await;
                }
                sent += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        })
        .await?;
    trial.is_served_as("R11", alone);
    trial.ended().await
}
