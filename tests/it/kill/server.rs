//! The real program as a child process that can be killed and started again on the same data.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

/// One program on one folder and one database, always at the same address.
pub struct Server {
    /// Where it is reached.
    pub url: String,
    /// What `sandbox.json` says.
    pub sandbox: Value,
    folder: tempfile::TempDir,
    database: Option<String>,
    address: String,
    child: Option<Child>,
    http: reqwest::Client,
}

/// Status and JSON; status 0 when nobody answered.
pub type Said = (u16, Value);

impl Server {
    /// Starts on a fresh folder; without a database address, on the SQLite file in it.
    pub async fn start(database: Option<String>) -> Server {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        let mut server = Server {
            url: format!("http://{address}"),
            sandbox: Value::Null,
            folder: tempfile::tempdir().unwrap(),
            database,
            address,
            child: None,
            http,
        };
        server.boot().await;
        server
    }

    /// Starts it and waits until it is ready.
    pub async fn boot(&mut self) {
        self.spawn(&[]);
        let begun = Instant::now();
        while self.call(Method::GET, "/readyz", "", None, None).await.0 != 200 {
            let alive = self.child.as_mut().unwrap().try_wait().unwrap().is_none();
            assert!(
                alive && begun.elapsed() < Duration::from_secs(30),
                "it does not start:\n{}",
                self.tail()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let text = std::fs::read_to_string(self.folder.path().join("sandbox.json")).unwrap();
        self.sandbox = serde_json::from_str(&text).unwrap();
    }

    /// Starts it with this in its environment and waits until it has died by itself.
    #[cfg(feature = "crash-points")]
    pub async fn dies(&mut self, variable: (&str, &str)) {
        self.spawn(&[variable]);
        let begun = Instant::now();
        let ended = loop {
            if let Some(ended) = self.child.as_mut().unwrap().try_wait().unwrap() {
                break ended;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{variable:?}: it lives on\n{}", self.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        self.child = None;
        // By a signal, as a killed process does, and not by a refusal to start.
        assert_eq!(ended.code(), None, "{variable:?}: {}", self.tail());
    }

    fn spawn(&mut self, variables: &[(&str, &str)]) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_straits"));
        command.env_clear().args(["--listen", &self.address, "--data-dir"]).arg(self.folder.path());
        if let Some(database) = &self.database {
            command.args(["--database-url", database]);
        }
        command.env("STRAITS__FX__SOURCES", "bundled").env("STRAITS__LOG__LEVEL", "info");
        command.envs(variables.iter().copied());
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::from(log)).spawn().unwrap());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        child.wait().unwrap()
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it logged last.
    pub fn tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let from = text.len().saturating_sub(6_000);
        text.get(from..).unwrap_or(&text).to_owned()
    }

    /// A client of its own for each task.
    pub fn client(&self) -> Client {
        Client { url: self.url.clone(), keys: self.sandbox["keys"].clone(), http: self.http.clone() }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        id: Option<&str>,
        body: Option<Value>,
    ) -> Said {
        self.client().call(method, path, key, id, body).await
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// Talks to the server, whichever run of it answers.
#[derive(Clone)]
pub struct Client {
    url: String,
    keys: Value,
    http: reqwest::Client,
}

impl Client {
    /// One call with the named key of `sandbox.json`.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        idempotency: Option<&str>,
        body: Option<Value>,
    ) -> Said {
        let key = self.keys[key].as_str().unwrap_or_default();
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(key);
        if let Some(idempotency) = idempotency {
            request = request.header("Idempotency-Key", idempotency);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let Ok(answer) = request.send().await else { return (0, Value::Null) };
        let status = answer.status().as_u16();
        match answer.text().await {
            Ok(text) => (status, serde_json::from_str(&text).unwrap_or(Value::Null)),
            Err(_) => (0, Value::Null),
        }
    }

    /// Reads as the storefront or as finance.
    pub async fn get(&self, key: &str, path: &str) -> Said {
        self.call(Method::GET, path, key, None, None).await
    }

    /// A POST that is repeated under its key until somebody answers for good.
    pub async fn insist(&self, path: &str, idempotency: &str, body: &Value) -> Said {
        let begun = Instant::now();
        loop {
            let said =
                self.call(Method::POST, path, "storefront", Some(idempotency), Some(body.clone())).await;
            let passing = matches!(said.0, 0 | 429 | 500..) || said.1["code"] == "idempotency_key_in_flight";
            if !passing || begun.elapsed() > Duration::from_secs(80) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
