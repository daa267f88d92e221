//! Two programs, as processes of their own, on one PostgreSQL: both migrate an empty database at once, do what they are
//! both asked to do once, and when one is stopped at its work the other goes on, whereupon the first finds nothing left
//! to write.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Row};

use crate::callbacks::senders::Grab;
use crate::engines::TestDatabase;

/// One of the two.
struct Program {
    url: String,
    folder: tempfile::TempDir,
    child: Child,
    sandbox: Value,
    http: reqwest::Client,
}

impl Program {
    /// Starts it; `far` says under which address shoppers and gateways reach the two, and where PayPal's and Grab's far
    /// sides are, if not in this program.
    fn start(database: &str, far: Option<[&str; 3]>) -> Program {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_straits"));
        command.env_clear().args(["--listen", &address, "--database-url", database, "--data-dir"]);
        command.arg(folder.path()).env("STRAITS__FX__SOURCES", "bundled");
        // Two of one database share the key that seals its secrets.
        command.env("STRAITS_MASTER_KEY", "5a".repeat(32)).env("STRAITS__SERVER__WORKERS", "2");
        if let Some([public, paypal, grabpay]) = far {
            command.env("STRAITS_PUBLIC_URL", public);
            command.env("STRAITS__GATEWAYS__PAYPAL__BASE_URL", paypal);
            command.env("STRAITS__GATEWAYS__GRABPAY__BASE_URL", grabpay);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::from(log)).spawn().unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        Program { url: format!("http://{address}"), folder, child, sandbox: Value::Null, http }
    }

    async fn ready(&mut self) {
        let begun = Instant::now();
        while self.call(Method::GET, "/readyz", "", None, None).await.0 != 200 {
            let alive = self.child.try_wait().unwrap().is_none();
            assert!(alive && begun.elapsed() < Duration::from_secs(60), "it does not start:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let text = std::fs::read_to_string(self.folder.path().join("sandbox.json")).unwrap();
        self.sandbox = serde_json::from_str(&text).unwrap();
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        once: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let key = self.sandbox["keys"][key].as_str().unwrap_or_default();
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(key);
        if let Some(once) = once {
            request = request.header("Idempotency-Key", once);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let Ok(answer) = request.send().await else { return (0, Value::Null) };
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn get(&self, key: &str, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, key, None, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, once: &str, body: &Value) -> (u16, Value) {
        self.call(Method::POST, path, "storefront", Some(once), Some(body)).await
    }

    async fn pay(&self, gateway: &str, order: &str) -> String {
        let body = json!({"order_ref": order, "amount": {"amount": "100.00", "currency": "SGD"}, "gateway": gateway});
        let (status, payment) = self.post("/v1/payments", order, &body).await;
        assert_eq!(status, 201, "{payment}\n{}", self.log());
        payment["id"].as_str().unwrap().to_owned()
    }

    async fn sandbox(&self, path: &str, body: Value) {
        let (status, answer) = self.call(Method::POST, path, "storefront", None, Some(&body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }

    async fn events(&self, payment: &str) -> Vec<String> {
        let page = self.get("finance", &format!("/v1/ledger/transactions?subject={payment}&limit=100")).await;
        page["data"].as_array().unwrap().iter().map(|row| row["event"].as_str().unwrap().to_owned()).collect()
    }

    /// `STOP`, `CONT`.
    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), id.as_str()]).status().unwrap().success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two programs on a database that neither of them has seen; the second one's gateways are the first one's far sides.
async fn pair(database: &TestDatabase, black_hole: Option<&str>) -> [Program; 2] {
    let mut first = Program::start(&database.url, None);
    let (paypal, grabpay) =
        (format!("{}/sandbox/paypal", first.url), format!("{}/sandbox/grabpay", first.url));
    let mut second =
        Program::start(&database.url, Some([&first.url, black_hole.unwrap_or(&paypal), &grabpay]));
    tokio::join!(first.ready(), second.ready());
    [first, second]
}

async fn text(connection: &mut AnyConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.try_get::<Option<String>, _>(0).unwrap().unwrap_or_default()).collect()
}

async fn eventually(
    what: &str,
    patience: Duration,
    programs: &[Program; 2],
    mut holds: impl AsyncFnMut() -> bool,
) {
    let begun = Instant::now();
    while !holds().await {
        let logs = || programs.iter().map(Program::log).collect::<Vec<_>>().join("\n=====\n");
        assert!(begun.elapsed() < patience, "{what}: not within {patience:?}\n{}", logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_are_asked_to_do_is_done_once() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("two programs: PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    let programs = pair(&database, None).await;
    let [first, second] = &programs;
    assert_eq!(first.sandbox["keys"], second.sandbox["keys"], "one database, one set of keys");
    let mut connection = database.connect().await;
    let migrated =
        text(&mut connection, "SELECT CAST(COUNT(*) AS TEXT) FROM _sqlx_migrations WHERE success").await;
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
    let files = files.filter(|file| {
        file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|end| end == "sql"))
    });
    assert_eq!(migrated, [files.count().to_string()], "both migrated at once, each migration once");

    // The same key to both, many times at once.
    let body =
        json!({"order_ref": "once", "amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "grabpay"});
    let same = (0..20).map(|nth| programs[nth % 2].post("/v1/payments", "same-key", &body));
    let answers = join_all(same).await;
    let mut ids: Vec<_> =
        answers.iter().filter(|(status, _)| *status == 201).map(|(_, body)| body["id"].to_string()).collect();
    assert!(
        answers
            .iter()
            .all(|(status, answer)| *status == 201 || answer["code"] == "idempotency_key_in_flight"),
        "{answers:?}"
    );
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1, "one payment for one key");
    let payments = first.get("storefront", "/v1/payments?order_ref=once").await;
    assert_eq!(payments["data"].as_array().unwrap().len(), 1);
    // The answer of one is known to the other.
    assert_eq!(second.post("/v1/payments", "same-key", &body).await.1["id"].to_string(), ids[0]);

    // A hundred notices about one payment, to both.
    let id = ids[0].trim_matches('"').to_owned();
    first.sandbox("/v1/sandbox/scenarios/lost_callback", json!({"payment": id})).await;
    first.sandbox(&format!("/v1/sandbox/payments/{id}"), json!({"shopper": "approve"})).await;
    let grab = Grab::of(&first.sandbox["gateways"]["grabpay"]);
    let notices = (0..100).map(|nth| {
        let notice = grab.notice(&grab.numbered(&id, nth / 2));
        let program = &programs[nth % 2];
        async move {
            let mut request =
                program.http.post(format!("{}/v1/notifications/grabpay", program.url)).body(notice.body);
            for (name, value) in &notice.headers {
                request = request.header(name, value);
            }
            request.send().await.unwrap().status().as_u16()
        }
    });
    let heard = join_all(notices).await;
    assert!(heard.iter().all(|status| *status == 200), "{heard:?}");
    eventually("captured", Duration::from_secs(20), &programs, async || {
        second.get("storefront", &format!("/v1/payments/{id}")).await["state"] == "captured"
    })
    .await;
    let booked = second.events(&id).await;
    assert_eq!(booked.iter().filter(|event| *event == "captured").count(), 1, "{booked:?}");
    let told = format!("SELECT type FROM event WHERE subject = '{id}' AND type = 'payment.captured'");
    assert_eq!(text(&mut connection, &told).await.len(), 1, "the outbox tells it once");

    // Every recurring duty has one row however many programs there are, and both go on working.
    let rows = "SELECT kind || ' ' || payload FROM job WHERE done_at IS NULL ORDER BY 1";
    let jobs = text(&mut connection, rows).await;
    let mut names = jobs.clone();
    names.dedup();
    assert_eq!(jobs, names, "a row twice");
    let verified = second.get("finance", "/v1/ledger/verify").await;
    assert_eq!(verified["ok"], true, "{verified}");
    assert!(first.folder().join("sandbox.json").exists());
    drop(programs);
    database.drop_database().await;
}

/// Takes connections and never answers.
async fn black_hole() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    format!("http://{address}")
}

/// The one stalls at a question to PayPal under its lease and is stopped there; the other takes over; woken, the one
/// finds its writes refused.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_stopped_past_its_lease_writes_nothing_when_it_wakes() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("stopped: PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    let programs = pair(&database, Some(&black_hole().await)).await;
    let [able, stuck] = &programs;
    let mut connection = database.connect().await;
    let id = able.pay("paypal", "order-1").await;
    able.sandbox("/v1/sandbox/scenarios/lost_callback", json!({"payment": id})).await;
    able.sandbox(&format!("/v1/sandbox/payments/{id}"), json!({"shopper": "approve"})).await;
    // Before its first rung, so that the other one climbs it.
    able.signal("STOP");
    let lane = "SELECT lease_owner FROM job WHERE kind = 'climb_ladders' AND payload = 'paypal'";
    let claimed = "SELECT CAST(version AS TEXT) || ' ' || CAST(in_vain AS TEXT) FROM payment_watch";
    let mut owner = String::new();
    eventually("the stuck one is at it", Duration::from_secs(40), &programs, async || {
        owner = text(&mut connection, lane).await.remove(0);
        !owner.is_empty() && text(&mut connection, claimed).await == ["2 0"]
    })
    .await;
    stuck.signal("STOP");
    assert_eq!(
        text(&mut connection, lane).await[0],
        owner,
        "it was stopped at its work, the question claimed"
    );
    able.signal("CONT");
    eventually("taken over and captured", Duration::from_secs(60), &programs, async || {
        text(&mut connection, "SELECT state FROM payment").await == ["captured"]
    })
    .await;
    let row = "SELECT CAST(version AS TEXT) FROM job WHERE kind = 'climb_ladders' AND payload = 'paypal'";
    eventually("the lane has moved on", Duration::from_secs(40), &programs, async || {
        text(&mut connection, lane).await[0].is_empty()
    })
    .await;
    let (watch, job) = (text(&mut connection, claimed).await, text(&mut connection, row).await);
    stuck.signal("CONT");
    eventually("the woken one notices", Duration::from_secs(40), &programs, async || {
        let log = stuck.log();
        log.contains("the lease of a job went to another program") || log.contains("a job failed")
    })
    .await;
    assert_eq!(text(&mut connection, claimed).await, watch, "it wrote nothing about the question");
    let (before, after): (i64, i64) =
        (job[0].parse().unwrap(), text(&mut connection, row).await[0].parse().unwrap());
    assert!(after >= before, "{after}");
    let booked = able.events(&id).await;
    assert_eq!(booked.iter().filter(|event| *event == "captured").count(), 1, "{booked:?}");
    let verified = able.get("finance", "/v1/ledger/verify").await;
    assert_eq!(verified["ok"], true, "{verified}");
    drop(programs);
    database.drop_database().await;
}
