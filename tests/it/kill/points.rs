//! The real program dies at named points, under load: as the random kills, but none of these moments is missed.

use straits::crash::VARIABLE;

use super::server::Server;
use super::{CROWD, LONGER, crowd, ends_well};
use crate::engines::TestDatabase;

/// Where, and the how manieth time it comes there.
const DEATHS: [&str; 14] = [
    "start.decided:3",
    "start.intended:3",
    "start.called:3",
    "notice.verified:2",
    "notice.kept:2",
    "ask.answered:4",
    "apply.decided:5",
    "apply.written:5",
    "complete.leased:2",
    "complete.prepared:3",
    "complete.called:2",
    "refund.intended:1",
    "refund.called:2",
    "refund.reported:1",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_program_dies_at_each_point_on_sqlite() {
    dies_everywhere(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_dies_at_each_point_on_postgres() {
    let Some(database) = TestDatabase::postgres(false).await else {
        println!("PostgreSQL skipped, STRAITS_TEST_POSTGRES is not set");
        return;
    };
    dies_everywhere(Some(database.url.clone())).await;
    database.drop_database().await;
}

async fn dies_everywhere(database: Option<String>) {
    let mut server = Server::start(database).await;
    let supplier = server.sandbox["supplier_id"].as_str().unwrap().to_owned();
    let (told, mut crowd) = crowd::send(&server.client(), CROWD, 7, &supplier);
    server.kill();
    for death in DEATHS {
        server.dies((VARIABLE, death)).await;
    }
    server.boot().await;
    ends_well(&server, &told, &mut crowd, (LONGER, &format!("{} deaths", DEATHS.len()))).await;
}
