//! A seeded sandbox's day through the real program: `straits sandbox seed`, the bill handed in over HTTP, every planted
//! difference among the findings and none besides; how long it takes beside merely reading the same file in the same
//! run; the program's peak memory.
//!
//! `cargo bench --bench seeded [-- PAYMENTS]`; a million payments are seeded for a quarter of an hour. Linux only: peak
//! memory is read from `/proc`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use straits::clock::Clock;
use straits::gateways::{AccountSettings, Context, Gateway, Trust, call, registry};
use straits::ids::IdSource;

const PROGRAM: &str = env!("CARGO_BIN_EXE_straits");
/// What a run of a million lines may take at most.
const MOST_MIB: u64 = 256;

fn main() {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let payments: u32 = asked.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let seeded = Command::new(PROGRAM)
        .args(["sandbox", "seed", "--payments", &payments.to_string(), "--data-dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .status();
    assert!(seeded.unwrap().success());
    println!("{payments} payments seeded in {} s", began.elapsed().as_secs());
    let (bill, list) = (folder.path().join("seed-1.csv"), folder.path().join("seed-1-differences.jsonl"));
    let (lines, reading) = read(&bill);
    let server = Server::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (run, took, peak) = runtime.block_on(server.reconcile(&bill));
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(run["lines"].as_u64(), Some(lines), "{run}");
    let mut found = runtime.block_on(server.found(&run));
    // What no bill names within three days is missing: yesterday's says so.
    let later = runtime.block_on(server.yesterday());
    assert_eq!(later["state"], "done", "{later}");
    found.extend(runtime.block_on(server.found(&later)));
    // The daily duty may have looked at yesterday first: then its run has them.
    found.extend(runtime.block_on(server.missing()));
    let planted = planted(&list);
    let differ: Vec<_> = planted.symmetric_difference(&found).take(5).collect();
    assert!(differ.is_empty(), "all found, none invented: {differ:?}");
    let ratio = took.as_millis() * 100 / reading.as_millis().max(1);
    println!("{lines} lines, {} planted differences: all found, none invented", planted.len());
    println!(
        "reading {} ms; handed in, matched and written down {} ms: {}.{:02} times",
        reading.as_millis(),
        took.as_millis(),
        ratio / 100,
        ratio % 100
    );
    println!("peak memory of the program {peak} MiB");
    assert!(peak <= MOST_MIB, "more than {MOST_MIB} MiB");
}

/// Lines of the file, and how long merely reading it takes.
fn read(bill: &Path) -> (u64, Duration) {
    let clock = Clock::system();
    let context = Context {
        http: call::client().unwrap().into(),
        clock: clock.clone(),
        ids: IdSource::seeded(clock, 1),
        trust: Trust::Live,
    };
    let public = json!({
        "base_url": "https://api-m.paypal.com", "client_id": "c", "webhook_id": "w", "merchant_id": receiver(bill),
    });
    let account = AccountSettings {
        name: "paypal".into(),
        public: public.as_object().unwrap().clone(),
        secrets: [("client_secret".to_owned(), vec!["s".into()])].into(),
    };
    let gateway: std::sync::Arc<dyn Gateway> = registry::build("paypal", &account, &context).unwrap();
    let bills = gateway.bills().unwrap();
    let began = Instant::now();
    let file = BufReader::with_capacity(1 << 16, File::open(bill).unwrap());
    let lines = bills.read(Box::new(file)).inspect(|line| assert!(line.is_ok())).count();
    (lines as u64, began.elapsed())
}

/// Whose bill it is: the report's head names the account.
fn receiver(bill: &Path) -> String {
    let head = BufReader::new(File::open(bill).unwrap()).lines().next().unwrap().unwrap();
    head.split(',').nth(3).unwrap().trim_matches('"').to_owned()
}

/// What was planted: kind and the gateway's reference of the payment.
fn planted(list: &Path) -> BTreeSet<(String, String)> {
    let lines = BufReader::new(File::open(list).unwrap()).lines();
    let rows = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    rows.map(|row| (text(&row["kind"]), text(&row["capture"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

struct Server {
    process: Child,
    url: String,
    key: String,
    http: reqwest::Client,
}

impl Server {
    fn start(folder: &Path) -> Server {
        let mut process = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .env("STRAITS__FX__SOURCES", "bundled")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            Some(format!("http://{}", rest.split_whitespace().next()?))
        });
        let file: PathBuf = folder.join("sandbox.json");
        let file: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let key = text(&file["keys"]["finance"]);
        Server { process, url: url.unwrap(), key, http: reqwest::Client::new() }
    }

    /// Hands the bill in and waits for its run: the run, how long it took, and the program's peak memory in MiB.
    async fn reconcile(&self, bill: &Path) -> (Value, Duration, u64) {
        const BOUNDARY: &str = "straits-bench";
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"gateway\"\r\n\r\npaypal\r\n--{BOUNDARY}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"bill.csv\"\r\n\r\n"
        );
        let file = std::fs::read(bill).unwrap();
        let body = [head.as_bytes(), &file, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        drop(file);
        let began = Instant::now();
        let request = self.http.post(format!("{}/v1/reconciliations", self.url)).bearer_auth(&self.key);
        let request = request
            .header("idempotency-key", "seeded-bench")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        let begun = json_of(request.body(body)).await;
        let run = self.ended(&begun).await;
        (run, began.elapsed(), self.peak())
    }

    /// The run of yesterday's bill.
    async fn yesterday(&self) -> Value {
        let now = Clock::system().now().with_timezone(&chrono_tz::America::Los_Angeles).date_naive();
        // Half a day after its end a day's bill is complete.
        let day = now - chrono::Days::new(2);
        let request = self.http.post(format!("{}/v1/reconciliations", self.url)).bearer_auth(&self.key);
        let request = request.header("idempotency-key", "seeded-bench-later");
        let begun = json_of(request.json(&json!({ "gateway": "paypal", "date": day.to_string() }))).await;
        self.ended(&begun).await
    }

    async fn ended(&self, begun: &Value) -> Value {
        let path = format!("/v1/reconciliations/{}", text(&begun["id"]));
        loop {
            let run = self.get(&path).await;
            if run["state"] != "running" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// What the run found, in the words of the list of what was planted.
    async fn found(&self, run: &Value) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        let mut after = String::new();
        loop {
            let path = format!("/v1/reconciliations/{}/findings?limit=100{after}", text(&run["id"]));
            let page = self.get(&path).await;
            let items = page["data"].as_array().unwrap();
            for item in items {
                let (kind, evidence) = (text(&item["kind"]), &item["evidence"]);
                let line = &evidence["line"];
                let reference = match kind.as_str() {
                    "refund_only_there" | "unknown_movement" => text(&line["related_ref"]),
                    // No line names it: the books do.
                    "missing_there" => self.reference_of(&item["finding"]).await,
                    _ => text(&line["gateway_ref"]),
                };
                assert!(found.insert((kind, reference)), "found twice: {item}");
            }
            let Some(last) = items.last() else { return found };
            after = format!("&starting_after={}", last["position"]);
        }
    }

    /// What no bill named, whichever run found it.
    async fn missing(&self) -> BTreeSet<(String, String)> {
        let mut missing = BTreeSet::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/v1/findings?kind=missing_there&limit=100{after}")).await;
            let items = page["data"].as_array().unwrap();
            missing.extend(items.iter().map(|item| ("missing_there".to_owned(), text(&item["fact"]))));
            let Some(last) = items.last() else { return missing };
            after = format!("&starting_after={}", text(&last["id"]));
        }
    }

    async fn reference_of(&self, finding: &Value) -> String {
        text(&self.get(&format!("/v1/findings/{}", text(finding))).await["fact"])
    }

    async fn get(&self, path: &str) -> Value {
        json_of(self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key)).await
    }

    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    serde_json::from_str(&body).unwrap()
}
