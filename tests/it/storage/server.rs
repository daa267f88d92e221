//! The database server itself is stopped and started again under a running service: a server of the test's own.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{assert_recovered, assert_refused, buy};
use crate::app::TestApp;

/// A throw-away PostgreSQL.
struct Server {
    programs: PathBuf,
    /// Below it the cluster, owned by whoever the server runs as.
    folder: tempfile::TempDir,
    port: u16,
    /// The server refuses to run as root.
    user: Option<u32>,
}

/// Where `initdb` lies: `PATH`, else the newest of the usual places.
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut usual: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    usual.sort_unstable();
    on_path
        .chain(usual.into_iter().rev())
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}

fn number(program: &str, arguments: &[&str]) -> Option<u32> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

impl Server {
    /// Makes a cluster; `None` with the reason where there is no PostgreSQL to do it with.
    fn make() -> Result<Server, String> {
        let programs = programs().ok_or("there is no initdb here")?;
        let is_root = number("id", &["-u"]) == Some(0);
        let user = if is_root {
            Some(number("id", &["-u", "postgres"]).ok_or("nobody is `postgres`")?)
        } else {
            None
        };
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), user, None).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Server { programs, folder, port, user };
        let cluster = server.cluster();
        let arguments =
            ["-D", &cluster, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"];
        server.run("initdb", &arguments)?;
        Ok(server)
    }

    fn cluster(&self) -> String {
        self.folder.path().join("cluster").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path());
        if let Some(user) = self.user {
            command.uid(user);
        }
        let output = command.output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn start(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=100",
            self.port
        );
        let log = self.folder.path().join("log").display().to_string();
        let started = self.run("pg_ctl", &["-D", &self.cluster(), "-l", &log, "-w", "-o", &options, "start"]);
        started.unwrap_or_else(|why| panic!("{why}: {}", std::fs::read_to_string(&log).unwrap_or_default()));
    }

    /// `fast` ends every connection in order, `immediate` is a crash.
    fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["-D", &self.cluster(), "-w", "-m", mode, "stop"]).unwrap();
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if Path::new(&self.cluster()).join("postmaster.pid").exists() {
            let _ = self.run("pg_ctl", &["-D", &self.cluster(), "-w", "-m", "immediate", "stop"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_and_started_again_and_again() {
    let server = match Server::make() {
        Ok(server) => server,
        Err(why) => return println!("skipped: {why}"),
    };
    server.start();
    let folder = tempfile::tempdir().unwrap();
    let url = server.url();
    let app = TestApp::on(folder.path(), &[("database.url", url.as_str())]).await;
    assert_eq!(buy(&app, "before").await.status, 201);
    let mut known = vec!["before".to_owned()];
    // What recovered once recovers again, whether the server ended in order or was killed.
    for (time, mode) in ["fast", "immediate", "fast"].into_iter().enumerate() {
        // Some are on their way when it ends.
        let names: Vec<String> = (0..8).map(|nth| format!("amid-{time}-{nth}")).collect();
        let under_way = futures_util::future::join_all(names.iter().map(|name| buy(&app, name)));
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            tokio::task::block_in_place(|| server.stop(mode));
        };
        let begun = Instant::now();
        let (answers, ()) = tokio::join!(under_way, stopping);
        println!("{mode}: what was on its way heard after {:?}", begun.elapsed());
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert_refused(answer);
        }
        let begun = Instant::now();
        let name = format!("meanwhile-{time}");
        assert_refused(&buy(&app, &name).await);
        let write = begun.elapsed();
        let begun = Instant::now();
        assert_refused(&app.get("storefront", "/v1/payments").await);
        let read = begun.elapsed();
        let begun = Instant::now();
        assert_eq!(app.get("", "/readyz").await.status, 503);
        let unready = begun.elapsed();
        assert_eq!(app.get("", "/livez").await.status, 200, "the process itself is well");
        let soon = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 4 });
        assert!(
            write < soon && read < soon && unready < Duration::from_secs(2),
            "{write:?} {read:?} {unready:?}"
        );
        // Duties, too, have asked in vain by now, and a crowd of shops waits.
        let crowd: Vec<_> = (0..40).map(|_| app.get("storefront", "/v1/payments")).collect();
        for answer in futures_util::future::join_all(crowd).await {
            assert_refused(&answer);
        }
        tokio::task::block_in_place(|| server.start());
        let begun = Instant::now();
        while app.get("", "/readyz").await.status != 200 && begun.elapsed() < Duration::from_secs(40) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let ready = begun.elapsed();
        let begun = Instant::now();
        let first = buy(&app, &name).await;
        println!(
            "{mode}: refused a write after {write:?}, a read after {read:?}, readyz after {unready:?}; ready {ready:?} after the start, first write {} in {:?}",
            first.status,
            begun.elapsed()
        );
        known.extend(names);
        known.push(name);
        let all: Vec<&str> = known.iter().map(String::as_str).collect();
        assert_recovered(&app, &all).await;
    }
    app.stop().await;
}
