//! A running Straits as its clients see it: an address and a key.

use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt, stream};
use reqwest::Body;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::app::Sources;
use crate::settings::Settings;

use super::CliError;

/// How long a file may take.
const HAND_IN: Duration = Duration::from_secs(3_600);

/// Which server, and who asks; without them the sandbox whose `sandbox.json` lies in the data folder.
#[derive(Debug, Clone, Args)]
pub struct RemoteArguments {
    /// Address of a running Straits [default: as sandbox.json in the data folder says]
    #[arg(long, value_name = "URL", env = "STRAITS_URL", hide_env = true)]
    url: Option<String>,
    /// Secret key [environment: STRAITS_KEY; default: the keys of sandbox.json]
    #[arg(long, value_name = "KEY", env = "STRAITS_KEY", hide_env = true, hide_env_values = true)]
    key: Option<String>,
}

/// A server and a key.
pub struct Remote {
    http: reqwest::Client,
    /// Where it is reached, without a slash at the end.
    pub url: String,
    /// The key.
    pub key: SecretString,
    /// The one that reads: a sandbox's finance key sees every event, the storefront's does not.
    reader: SecretString,
    /// The one that says a second person's word: in a sandbox the checker's, unless another was given.
    second: SecretString,
    /// Two persons of a sandbox, for what takes two.
    hands: Option<[SecretString; 2]>,
    /// PayPal's far side as `sandbox.json` has it: where it is and who we are there.
    paypal: Option<(String, String, SecretString)>,
}

/// What went wrong with a request.
#[derive(Debug)]
pub enum Refusal {
    /// Nobody answered: it may be better later.
    Away(String),
    /// The server's own words.
    Said(String),
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> CliError {
        match refusal {
            Refusal::Away(words) | Refusal::Said(words) => CliError::Words(words),
        }
    }
}

/// A file piece by piece.
fn chunks(file: tokio::fs::File) -> impl futures_util::Stream<Item = std::io::Result<Vec<u8>>> {
    stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; 1 << 16];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok((read > 0).then_some((piece, file)))
    })
}

impl Remote {
    /// Finds it.
    ///
    /// # Errors
    /// [`CliError`] saying what to give.
    pub fn find(settings: &Settings, given: RemoteArguments) -> Result<Remote, CliError> {
        let file = settings.data_dir.join("sandbox.json");
        let sandbox: Option<Value> =
            std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str(&text).ok());
        let of = |pointer: &str| Some(sandbox.as_ref()?.pointer(pointer)?.as_str()?.to_owned());
        let needed = |what: &str, flag: &str| {
            let file = file.display();
            CliError::Words(format!("{what}: give {flag}, or start a sandbox, which writes {file}"))
        };
        let url = given.url.or_else(|| of("/url"));
        let reader = given.key.clone().or_else(|| of("/keys/finance"));
        let second = given.key.clone().or_else(|| of("/keys/checker")).or_else(|| of("/keys/finance"));
        let key = given.key.or_else(|| of("/keys/storefront"));
        let hands = of("/keys/maker").zip(of("/keys/checker"));
        let far = |name: &str| of(&format!("/gateways/paypal/{name}"));
        let paypal = far("base_url").zip(far("client_id")).zip(far("client_secret"));
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build();
        Ok(Remote {
            http: http.map_err(|error| CliError::Words(error.to_string()))?,
            url: url.ok_or_else(|| needed("no server is known", "--url"))?.trim_end_matches('/').to_owned(),
            key: SecretString::from(key.ok_or_else(|| needed("no key is known", "--key"))?),
            reader: SecretString::from(reader.ok_or_else(|| needed("no key is known", "--key"))?),
            second: SecretString::from(second.ok_or_else(|| needed("no key is known", "--key"))?),
            hands: hands.map(|(maker, checker)| [maker, checker].map(SecretString::from)),
            paypal: paypal.map(|((url, id), secret)| (url, id, SecretString::from(secret))),
        })
    }

    /// GET.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        self.send(self.http.get(format!("{}{path}", self.url)), &self.reader).await
    }

    /// POST of JSON, once.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.post_with(&self.key, path, body).await
    }

    async fn post_with(&self, key: &SecretString, path: &str, body: &Value) -> Result<Value, Refusal> {
        let once = uuid::Builder::from_random_bytes(Sources::system().ids.random_bytes()).into_uuid();
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        self.send(request.header("Idempotency-Key", once.to_string()), key).await
    }

    /// POST of JSON with the reading key, which in a sandbox is finance's.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn post_as_finance(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.post_with(&self.reader, path, body).await
    }

    /// POST of JSON as a second person.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn post_as_second(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.post_with(&self.second, path, body).await
    }

    /// POST of a form with fields and a file, which is sent as it is read.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn hand_in(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: tokio::fs::File,
    ) -> Result<Value, Refusal> {
        // Bytes that stand in no bill.
        let mark = uuid::Builder::from_random_bytes(Sources::system().ids.random_bytes()).into_uuid();
        let field = |(name, value): &(&str, &str)| {
            format!("--{mark}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields: String = fields.iter().map(field).collect();
        let head = format!(
            "{fields}--{mark}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bill\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let around = |text: String| stream::iter([Ok(text.into_bytes())]);
        let body = around(head).chain(chunks(file)).chain(around(format!("\r\n--{mark}--\r\n")));
        let request = self.http.post(format!("{}{path}", self.url)).body(Body::wrap_stream(body));
        let request = request.header(CONTENT_TYPE, format!("multipart/form-data; boundary={mark}"));
        // A large file takes longer than an answer may.
        self.send(request.timeout(HAND_IN), &self.reader).await
    }

    /// POST of JSON by one person of the sandbox and then by another: a proposal and its confirmation.
    ///
    /// # Errors
    /// [`Refusal`]; also where no `sandbox.json` has their keys.
    pub async fn decide(&self, path: &str, body: &Value) -> Result<(), Refusal> {
        let Some(hands) = &self.hands else {
            let why = "start it from the data folder of a sandbox: its sandbox.json has two persons' keys";
            return Err(Refusal::Said(why.to_owned()));
        };
        for hand in hands {
            self.post_with(hand, path, body).await?;
        }
        Ok(())
    }

    /// Has the sandbox's PayPal take an approved order's money, past Straits.
    ///
    /// # Errors
    /// [`Refusal`]; also where no `sandbox.json` says who we are there.
    pub async fn capture_at_paypal(&self, order: &str) -> Result<Value, Refusal> {
        let Some((url, id, secret)) = &self.paypal else {
            let why = "start it from the data folder of a sandbox: its sandbox.json has PayPal's keys";
            return Err(Refusal::Said(why.to_owned()));
        };
        let token = self.http.post(format!("{url}/v1/oauth2/token"));
        let token = token.basic_auth(id, Some(secret.expose_secret()));
        let token: Value = self.read(token.form(&[("grant_type", "client_credentials")])).await?;
        let token = SecretString::from(token["access_token"].as_str().unwrap_or_default());
        let capture = self.http.post(format!("{url}/v2/checkout/orders/{order}/capture"));
        self.send(capture.json(&serde_json::json!({})), &token).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        key: &SecretString,
    ) -> Result<T, Refusal> {
        self.read(request.bearer_auth(key.expose_secret())).await
    }

    async fn read<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Refusal> {
        let away = |error: reqwest::Error| Refusal::Away(format!("{} does not answer: {error}", self.url));
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let text = answer.text().await.map_err(away)?;
        if status.is_success() {
            return serde_json::from_str(&text)
                .map_err(|error| Refusal::Said(format!("the answer cannot be read: {error}")));
        }
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let (code, detail) = (&problem["code"], &problem["detail"]);
        let words = format!(
            "{status}: {}: {}",
            code.as_str().unwrap_or("no problem document"),
            detail.as_str().unwrap_or_default()
        );
        Err(if status.is_server_error() { Refusal::Away(words) } else { Refusal::Said(words) })
    }
}
