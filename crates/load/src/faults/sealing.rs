//! R15: the key that everything at rest is sealed with is changed while the server is in use.

use std::path::Path;

use super::{
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// A fresh sealing key, the tenants' keys under it, the old one dropped; again and again.
pub(crate) async fn changed(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut trial = Trial::set("sealing key changed", place, store).await?;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.rotations {
                tokio::time::sleep(extent.spell / 4).await;
                trial.command(&["keys", "rotate"]).await?;
                tokio::time::sleep(extent.spell / 4).await;
                // whoever starts now opens with the old one and wraps with the new one
                trial.scene.terminate().await?;
                if matches!(store, Store::Postgres { .. }) {
                    trial.start().await?;
                }
                trial.command(&["keys", "rewrap"]).await?;
                trial.command(&["keys", "retire"]).await?;
                if matches!(store, Store::Sqlite) {
                    trial.start().await?;
                }
                trial.times += 1;
            }
            // and with the newest alone
            trial.scene.terminate().await?;
            trial.start().await
        })
        .await?;
    trial.ended().await
}
