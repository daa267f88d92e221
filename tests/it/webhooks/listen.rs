//! `straits trigger` makes events really happen, and `straits listen` forwards them, signed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use standardwebhooks::Webhook;

use super::receiver::Receiver;
use crate::app::TestApp;

fn straits(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straits"));
    command.env_clear().args(arguments).arg("--data-dir").arg(folder);
    command
}

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = straits(folder, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

struct Listener(Child);

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_triggered_really_happens_and_is_forwarded() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    let receiver = Receiver::start().await;
    let events = "payment.captured,refund.*,payment.failed,payment.cancelled";
    let mut command = straits(folder.path(), &["listen", "--forward-to", &receiver.url, "--events", events]);
    let mut listener = Listener(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(listener.0.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    let secret = line().split_whitespace().last().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && line().contains(&receiver.url));

    let listed = run(folder.path(), &["trigger"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().count() >= 18);
    let mut expected = vec![];
    for event in listed.lines() {
        let triggered = run(folder.path(), &["trigger", event]).await;
        let (out, err) =
            (String::from_utf8_lossy(&triggered.stdout), String::from_utf8_lossy(&triggered.stderr));
        assert!(triggered.status.success() && out.starts_with(event), "{event}: {out}{err}");
        let filtered = event.starts_with("refund.")
            || ["payment.captured", "payment.failed", "payment.cancelled"].contains(&event);
        if filtered {
            expected.push(event.to_owned());
        }
    }
    let unknown = run(folder.path(), &["trigger", "payment.caught"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("payment.captured"));

    // Some stories tell more than the event they are named for.
    let mut count = expected.len();
    let heard = loop {
        let heard = receiver.wait_for(count).await;
        let types = receiver.types();
        if expected.iter().all(|event| types.contains(event)) {
            break heard;
        }
        count = heard.len() + 1;
    };
    let verifier = Webhook::new(&secret).unwrap();
    for heard in &heard {
        verifier.verify(&heard.body, &heard.headers).unwrap();
        let shown = app.get("admin", &format!("/v1/events/{}", heard.header("webhook-id"))).await;
        assert_eq!(shown.text.as_bytes(), heard.body);
    }
    let types = receiver.types();
    assert!(types.iter().all(|kind| kind.starts_with("refund.") || expected.contains(kind)), "{types:?}");
    let shown = line();
    assert!(types.iter().any(|kind| shown.starts_with(kind)) && shown.contains(" 204 "), "{shown}");
    app.stop().await;
}
