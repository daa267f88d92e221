//! Bodies that are files: written away as they come, whatever their size, and hashed on the way.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::web::Bytes;
use aws_lc_rs::digest;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;

use super::problem::{Answer, Code, Problem};

/// A file that is gone when nobody reads it any more.
#[derive(Debug)]
pub struct Spooled(pub PathBuf);

impl Spooled {
    /// Hands it over to whoever removes it when it was read.
    pub fn hand_over(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            drop(std::fs::remove_file(&self.0));
        }
    }
}

/// Writes what comes to `path`: at most `limit` bytes, and never silent for longer than `pause`. Answers its SHA-256.
///
/// # Errors
/// `payload_too_large`, `request_timeout`, `invalid_body` where it breaks off.
pub async fn keep<E: Display>(
    mut coming: impl Stream<Item = Result<Bytes, E>> + Unpin,
    path: &Path,
    limit: u64,
    pause: Duration,
) -> Answer<String> {
    let mut file = tokio::fs::File::create(path).await.map_err(Problem::internal)?;
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut taken = 0_u64;
    loop {
        let next = tokio::time::timeout(pause, coming.next()).await;
        let next = next.map_err(|_| Problem::new(Code::RequestTimeout, "the file stopped coming"))?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        taken += chunk.len() as u64;
        if taken > limit {
            let detail = format!("a file has at most {} MiB here", limit >> 20);
            return Err(Problem::new(Code::PayloadTooLarge, detail));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(Problem::internal)?;
    }
    file.flush().await.map_err(Problem::internal)?;
    let hex = hash.finish();
    Ok(hex.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
