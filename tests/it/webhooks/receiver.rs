//! A receiver of webhooks on this machine that answers as it is told to and remembers what it heard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// How one request is answered.
#[derive(Debug, Clone)]
pub enum Say {
    /// These bytes, then the connection ends.
    Raw(String),
    /// Nothing, until the caller gives up.
    Nothing,
    /// The connection ends without a word.
    Close,
    /// 200 and a body without end.
    Endless,
}

impl Say {
    pub fn status(status: u16) -> Say {
        Say::with(status, "")
    }

    pub fn with(status: u16, headers: &str) -> Say {
        Say::Raw(format!("HTTP/1.1 {status} X\r\n{headers}content-length: 2\r\nconnection: close\r\n\r\nok"))
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Heard {
    pub head: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Inner {
    heard: Mutex<Vec<Heard>>,
    script: Mutex<VecDeque<Say>>,
    news: Notify,
}

/// Listens until it is dropped; without a script it answers 204.
#[derive(Debug)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inner = Arc::new(Inner::default());
        let shared = inner.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Receiver { url, inner, task }
    }

    /// Answers the next requests like this, one each.
    pub fn say(&self, answers: impl IntoIterator<Item = Say>) {
        self.inner.script.lock().unwrap().extend(answers);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.inner.heard.lock().unwrap().clone()
    }

    pub fn types(&self) -> Vec<String> {
        self.heard().iter().map(|heard| heard.json()["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until it has heard so many requests.
    pub async fn wait_for(&self, count: usize) -> Vec<Heard> {
        let wait = async {
            loop {
                let news = self.inner.news.notified();
                let heard = self.heard();
                if heard.len() >= count {
                    return heard;
                }
                news.await;
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(20), wait).await;
        heard.unwrap_or_else(|_| panic!("{count} requests were expected: {:#?}", self.heard()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, inner: Arc<Inner>) {
    let Some(heard) = read(&mut stream).await else { return };
    let say = inner.script.lock().unwrap().pop_front();
    inner.heard.lock().unwrap().push(heard);
    inner.news.notify_one();
    let text = match say {
        None => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned(),
        Some(Say::Raw(text)) => text,
        Some(Say::Close) => return,
        Some(Say::Nothing) => {
            // Until the caller hangs up.
            let _ = stream.read(&mut [0; 16]).await;
            return;
        }
        Some(Say::Endless) => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            if stream.write_all(head.as_bytes()).await.is_ok() {
                while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            }
            return;
        }
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Heard> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut headers = HeaderMap::new();
            for line in head.lines().skip(1) {
                let (name, value) = line.split_once(':')?;
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                headers.insert(name, HeaderValue::from_str(value.trim()).unwrap());
            }
            let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
            let body = bytes[end + 4..].to_vec();
            if body.len() >= length {
                let head = head.lines().next().unwrap_or_default().to_owned();
                return Some(Heard { head, headers, body });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
