//! The real program on a free port, with a folder of its own and a clock that starts where the wall stands.
//!
//! Rates are the bundled ones: no test calls out. Keys and suppliers are read from `sandbox.json`, as a client would.

use std::path::Path;

use serde_json::{Value, json};
use straits::app::{App, Sources};
use straits::settings::{Layers, Settings, SettingsError};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running program.
pub struct TestApp {
    /// Where it is reached.
    pub url: String,
    /// What `sandbox.json` says.
    pub sandbox: Value,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    _owned: Option<TempDir>,
}

/// Status, headers and body.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The problem's code; empty when it is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Settings of a test: any port, this folder, nothing called, plus `more`.
pub fn settings(folder: &Path, more: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let base = [("server.listen", "127.0.0.1:0"), ("fx.sources", "bundled"), ("server.workers", "2")];
    let folder = folder.display().to_string();
    let all = base.iter().copied().chain([("server.data_dir", folder.as_str())]).chain(more.iter().copied());
    let layers =
        all.into_iter().try_fold(Layers::defaults(), |layers, (key, text)| layers.flag("test", key, text));
    Settings::from_layers(&layers?)
}

impl TestApp {
    /// Starts on a fresh folder.
    pub async fn start() -> TestApp {
        TestApp::with(&[]).await
    }
    /// Its data folder.
    pub fn folder(&self) -> &std::path::Path {
        self._owned.as_ref().expect("it was started in a folder of its own").path()
    }

    /// Starts on a fresh folder with other settings.
    pub async fn with(more: &[(&'static str, &str)]) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        crate::engines::laid::at(&folder.path().join("straits.db")).await;
        let mut app = TestApp::on(folder.path(), more).await;
        app._owned = Some(folder);
        app
    }

    /// Starts on a folder that may have been used before.
    pub async fn on(folder: &Path, more: &[(&'static str, &str)]) -> TestApp {
        let app = App::build(settings(folder, more).unwrap(), Sources::system()).await.unwrap();
        let url = app.url().to_owned();
        let sandbox = std::fs::read_to_string(folder.join("sandbox.json")).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            app.serve(async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        });
        // Sooner than the server lets an idle connection go: a request must not meet that.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(std::time::Duration::from_secs(3))
            .build()
            .unwrap();
        TestApp {
            url,
            sandbox: serde_json::from_str(&sandbox).unwrap(),
            http,
            stop: Some(stop),
            server: Some(server),
            _owned: None,
        }
    }

    /// Ends the program in order.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            server.await.unwrap();
        }
    }

    /// A key's text, by its name in `sandbox.json`; `other.` before it means the second merchant's.
    pub fn key(&self, name: &str) -> String {
        let (whose, name) = match name.strip_prefix("other.") {
            Some(name) => (&self.sandbox["other"], name),
            None => (&self.sandbox, name),
        };
        whose["keys"][name].as_str().unwrap_or_default().to_owned()
    }

    /// The id of the supplier of a country.
    pub fn supplier(&self, country: &str) -> String {
        let suppliers = self.sandbox["suppliers"].as_array().cloned().unwrap_or_default();
        let found = suppliers.iter().find(|supplier| supplier["country"] == json!(country));
        found.and_then(|supplier| supplier["id"].as_str()).unwrap_or_default().to_owned()
    }

    /// A request without a key, to be finished by the test.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    /// Sends what a test put together.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.unwrap() }
    }

    /// GET with a key by name; an empty name sends none.
    pub async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(self.keyed("GET", key, path)).await
    }

    /// POST of JSON with a key by name.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send(self.keyed("POST", key, path).json(body)).await
    }

    /// Moves the test clock; what is due by then has run when this is over. Days come one by one: a slow machine does not do
    /// the work of a month while one answer is waited for.
    pub async fn advance(&self, by: &str) {
        let days = by.strip_suffix('d').map(|days| days.parse().unwrap());
        let (steps, step) = days.map_or((1, by), |days: u32| (days, "1d"));
        for _ in 0..steps {
            let mut answer = self.post("finance", "/v1/sandbox/clock", &json!({"advance": step})).await;
            // On a busy machine what is due may take longer than the answer waits.
            for _ in 0..12 {
                if answer.status == 202 {
                    answer = self.post("finance", "/v1/sandbox/clock", &json!({"advance": "0s"})).await;
                }
            }
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }

    /// POST of JSON with a key by name and an idempotency key.
    pub async fn post_once(&self, key: &str, path: &str, once: &str, body: &Value) -> Answer {
        self.send(self.keyed("POST", key, path).header("Idempotency-Key", once).json(body)).await
    }

    /// Any method with a key by name.
    pub fn keyed(&self, method: &str, key: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.request(method, path);
        if key.is_empty() { request } else { request.bearer_auth(self.key(key)) }
    }

    /// Starts a payment of SGD 100.00, 80 % to the Thai supplier.
    pub async fn pay(&self, gateway: &str, order_ref: &str) -> Value {
        let body = json!({
            "order_ref": order_ref,
            "amount": {"amount": "100.00", "currency": "SGD"},
            "gateway": gateway,
            "splits": [{"supplier": self.supplier("TH"), "share": {"percent": "80"}}],
        });
        let answer = self.post_once("storefront", "/v1/payments", order_ref, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }
}
