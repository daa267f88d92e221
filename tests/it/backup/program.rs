//! `straits backup` and `straits restore`, as an operator runs them.

use serde_json::json;

use crate::app::TestApp;
use crate::program::run;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_backs_up_a_running_service_and_restores_it_elsewhere() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let app = TestApp::on(here.path(), &[]).await;
    let payment = app.pay("paypal", "order-1").await;
    let approve = json!({"shopper": "approve"});
    let id = payment["id"].as_str().unwrap().to_owned();
    app.post("storefront", &format!("/v1/sandbox/payments/{id}"), &approve).await;
    let before = app.get("storefront", &format!("/v1/payments/{id}")).await.json();
    assert_eq!(before["state"], "captured");

    let data = here.path().display().to_string();
    let file = there.path().join("shop.backup").display().to_string();
    let backup = run(here.path(), &[], &["--data-dir", &data, "backup", &file]);
    assert!(backup.status.success(), "{backup:?}");
    let said = String::from_utf8(backup.stdout).unwrap();
    assert!(said.contains("backed up") && said.contains("not in it: the master key"), "{said}");
    app.stop().await;

    // Without the key the secrets would never open.
    let place = there.path().join("data");
    let data = place.display().to_string();
    let restore = ["--data-dir", &data, "restore", &file, "--verify"];
    let refused = run(there.path(), &[], &restore);
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && words.contains("sealed under the master key"), "{words}");
    assert!(!place.join("straits.db").exists());

    // The far sides' file is the other party's: it is what it is.
    for file in ["master.key", "sandbox.db"] {
        std::fs::copy(here.path().join(file), place.join(file)).unwrap();
    }
    let restored = run(there.path(), &[], &restore);
    assert!(restored.status.success(), "{restored:?}");
    let said = String::from_utf8(restored.stdout).unwrap();
    assert!(said.contains("the books hold") && said.contains("nothing is sent before"), "{said}");
    assert!(!place.join("straits.db.restoring").exists());

    let app = TestApp::on(&place, &[]).await;
    let after = app.get("storefront", &format!("/v1/payments/{id}")).await.json();
    assert_eq!((&after["state"], &after["captured"]), (&before["state"], &before["captured"]));
    let begun = std::time::Instant::now();
    loop {
        let body = json!({"order_ref": "order-2", "gateway": "paypal", "amount": {"amount": "5.00", "currency": "SGD"}});
        let answer = app.post_once("storefront", "/v1/payments", "order-2", &body).await;
        if answer.status == 201 {
            break;
        }
        assert_eq!((answer.status, answer.header("retry-after")), (503, "30"), "{}", answer.text);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "nothing is ever sent again");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(app.get("finance", "/v1/ledger/verify").await.json()["ok"], true);
    app.stop().await;
}
