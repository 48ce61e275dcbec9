//! R13: few files may be open, connections among them.

use std::path::Path;

use tokio::net::TcpStream;

use super::{
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// So many may be.
const LIMIT: &str = "--nofile=256:256";

/// So many open files are all but those that there may be.
const MANY: usize = 250;

/// How many clients hold connections open at once: more than there may be.
const CLIENTS: usize = 300;

/// Clients hold all connections that there may be, again and again, while a crowd plays.
pub(crate) async fn files_are_scarce(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut trial = Trial::set("few files", place, store).await?;
    trial.scene.limit(LIMIT).await?;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.scarcities {
                tokio::time::sleep(extent.spell / 4).await;
                let port = trial.scene.base().port().unwrap_or(80);
                let mut held = Vec::new();
                for _ in 0..CLIENTS {
                    held.push(TcpStream::connect(("127.0.0.1", port)).await?);
                }
                tokio::time::sleep(extent.spell).await;
                let open = trial.scene.open_files()?;
                if open < MANY {
                    trial.broken(format!("R13: {open} files are open: nothing was tried"));
                }
                drop(held);
                trial.times += 1;
                trial.heals("R13").await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}
