//! What is due when the app opens.

use crate::{
    Wallet,
    storage::{CardId, StorageError},
};

impl Wallet {
    /// What is due when the app opens: what was interrupted goes on, what was deferred is asked for, what has at most
    /// so many unused copies left is filled up, and status lists are asked. Gives back the cards that came.
    ///
    /// A network that is away is no failure: what went wrong is tried again the next time.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn catch_up(&self, threshold: u32) -> Result<Vec<CardId>, StorageError> {
        let mut came = Vec::new();
        for unfinished in self.unfinished()? {
            // what fails is in the history
            came.extend(self.go_on(unfinished.id).await.unwrap_or_default());
        }
        came.extend(self.collect().await?);
        came.extend(self.refill(threshold).await?);
        self.refresh_statuses().await?;
        Ok(came)
    }
}
