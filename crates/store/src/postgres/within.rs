//! A transaction that sees the rows of one tenant, begun in one round trip.

use std::future::Future as _;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Context, Waker};

use deadpool_postgres::{ClientWrapper, Object};

use super::columns::patient;
use crate::StoreError;

/// Whatever is not committed is rolled back.
pub(super) struct Transaction {
    client: Object,
    is_open: bool,
}

impl Transaction {
    /// Begins one that sees the rows behind this wall: a tenant's name, or `*` for those of all.
    pub(super) async fn begin(client: Object, wall: &str) -> Result<Self, StoreError> {
        let begun = Self { client, is_open: true };
        // nothing to escape: a tenant's name is [a-z0-9-]
        let begin = format!("BEGIN; SET LOCAL lanyard.tenant = '{wall}'");
        patient(begun.client.batch_execute(&begin)).await?;
        Ok(begun)
    }

    /// Gives what came of it once what was written is durable.
    pub(super) async fn done<T>(self, outcome: T) -> Result<T, StoreError> {
        self.commit().await?;
        Ok(outcome)
    }

    /// Makes what was written durable.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        patient(self.client.batch_execute("COMMIT")).await?;
        self.is_open = false;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.is_open {
            // one poll sends it, before anything that the next user of the connection says
            let rollback = pin!(self.client.batch_execute("ROLLBACK"));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}
