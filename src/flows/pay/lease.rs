//! A call under a lease: the lease is kept alive for as long as the call takes.

use std::pin::pin;

use crate::crash;
use crate::domain::orders::{Intent, Lease};
use crate::store::{Change, Versioned};

use super::Pay;

impl Pay {
    /// Makes `call` under the lease of `intent`, whose version is raised with each renewal. A renewal that is refused
    /// or fails ends nothing: whoever took the lease over is refused by our answer or refuses it.
    pub(in crate::flows) async fn holding<T>(
        &self,
        intent: &mut Versioned<Intent>,
        call: impl Future<Output = T>,
    ) -> T {
        let mut call = pin!(call);
        loop {
            tokio::select! {
                answer = &mut call => return answer,
                () = crash::pause(Intent::RENEWAL) => self.renew(intent).await,
            }
        }
    }

    async fn renew(&self, intent: &mut Versioned<Intent>) {
        let lease = Lease { owner: self.0.holder.boot, until: self.0.clock.now() + Intent::LEASE };
        let renewed = Intent { lease: Some(lease), ..intent.value.clone() };
        let mut change = Change::new();
        change.update_intent(&renewed, intent.version);
        match self.0.store.commit(change).await {
            Ok(_) => *intent = Versioned { value: renewed, version: intent.version + 1 },
            Err(error) => {
                tracing::warn!(intent = %intent.value.id, %error, "the lease of a call was not renewed")
            }
        }
    }
}
