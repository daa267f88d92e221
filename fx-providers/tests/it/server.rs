//! Answers from a list, keeps what was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fx_providers::http::Patience;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A test does not wait.
pub const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(1),
    total: Duration::from_millis(400),
    retry_from: Duration::from_millis(1),
};

/// Answers one connection after another from `answers` (the last one for ever) and keeps the requests' heads.
pub struct Server {
    pub origin: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(answers: Vec<impl Into<Vec<u8>>>) -> Server {
        let answers: Vec<Vec<u8>> = answers.into_iter().map(Into::into).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                kept.lock().unwrap().push(String::from_utf8(head).unwrap());
                let answer = answers.get(turn).unwrap_or_else(|| answers.last().unwrap());
                // A client that has read enough may hang up.
                let _ = socket.write_all(answer).await;
            }
        });
        Server { origin, heads }
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// An answer as text.
pub fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
