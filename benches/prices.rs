//! What a localized price costs the server: processor time of one `/v1/prices` request with 1, 20 and 100 items (key,
//! limits, metrics, log line, text and all) against a bare actix handler without middleware, in one run.
//!
//! Before that, a catalogue of 1,000,000 prices at one rate: time and memory, against `rust_decimal` for each price.
//!
//! `cargo bench --bench prices`. The servers are processes of their own (the real program, and this file as the bare
//! one); the load comes from here. Rounds alternate between them, ratios are medians of the rounds: trust them, not the
//! figures, since the machine is shared. Linux only: processor time is read from `/proc`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::future::Either;
use rust_decimal::{Decimal, RoundingStrategy};
use straits::money::{Currency, Money, Rate, Repricing, Rounding};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The bare server has the allocator of the real one.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 25;
const REPRICINGS: usize = 7;
const REQUESTS: [(usize, usize); 3] = [(1, 8_000), (20, 4_000), (100, 2_000)];
const BARE_REQUESTS: usize = 8_000;
/// The words with which this program is started as the bare server.
const BARE: &str = "serve-bare";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    if let Some(place) = arguments.iter().position(|argument| argument == BARE) {
        return serve_bare(arguments[place + 1].parse().unwrap());
    }
    reprice();
    let runtime =
        tokio::runtime::Builder::new_current_thread().event_interval(1).enable_all().build().unwrap();
    println!("| cores | request | server CPU us | x bare | requests/s | p50 us | p99 us |");
    println!("|---|---|---|---|---|---|---|");
    for cores in [1, 2] {
        runtime.block_on(compare(cores));
    }
}

/// A million dollar prices in baht, three ways; the sums must agree.
fn reprice() {
    const PRICES: i64 = 1_000_000;
    let (usd, thb) = (Currency::find("USD").unwrap(), Currency::find("THB").unwrap());
    let rate = Rate::parse(usd, thb, "33.7298603651987111").unwrap();
    let own: Vec<i64> = (0..PRICES).map(|place| 99 + place * 7_919 % 4_999_901).collect();
    let repricing = Repricing::new(rate, 2, Rounding::HalfUp);
    let mut prices = Vec::new();
    let before = resident_kib();
    let (mut decimals, mut singles, mut bulks) = (Vec::new(), Vec::new(), Vec::new());
    let mut sums = [0_i128; 3];
    let mut grown = 0;
    for _ in 0..REPRICINGS {
        let begun = Instant::now();
        sums[0] = own
            .iter()
            .map(|minor| {
                let exact = Decimal::new(*minor, 2) * rate.value();
                let price = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
                price.mantissa() * 10_i128.pow(2 - price.scale())
            })
            .sum();
        decimals.push(begun.elapsed());
        let begun = Instant::now();
        let single = |minor: &i64| rate.convert(Money::from_minor(*minor, usd)).unwrap();
        sums[1] = own.iter().map(|minor| i128::from(single(minor).round(Rounding::HalfUp).minor())).sum();
        singles.push(begun.elapsed());
        let begun = Instant::now();
        repricing.all(&own, &mut prices).unwrap();
        bulks.push(begun.elapsed());
        sums[2] = prices.iter().map(|minor| i128::from(*minor)).sum();
        grown = grown.max(resident_kib().saturating_sub(before));
    }
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (decimal, single, bulk) = (median(&mut decimals), median(&mut singles), median(&mut bulks));
    println!("1,000,000 prices | ns each | decimal / it");
    for (name, took) in
        [("rust_decimal", decimal), ("Rate::convert and round", single), ("Repricing::all", bulk)]
    {
        let ratio = decimal.as_nanos() * 100 / took.as_nanos();
        println!("{name} | {} | {}.{:02}", took.as_nanos() / PRICES as u128, ratio / 100, ratio % 100);
    }
    println!("memory grows by {grown} KiB, of which the prices themselves are {} KiB", PRICES * 8 / 1_024);
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The bare handler: the least that actix does for a request with a JSON answer.
fn serve_bare(workers: usize) {
    async fn answer() -> HttpResponse {
        HttpResponse::Ok().content_type("application/json").body(r#"{"currency":"THB","items":[]}"#)
    }
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().route("/v1/prices", web::get().to(answer)))
            .workers(workers)
            .bind("127.0.0.1:0")
            .unwrap();
        println!("http://{}", server.addrs()[0]);
        server.run().await.unwrap();
    });
}

async fn compare(cores: usize) {
    let bare = Server::bare(cores);
    let straits = Server::straits(cores);
    let bare_request = request("GET", "/v1/prices", &straits.key, "");
    let asked: Vec<(usize, usize, Vec<u8>)> =
        REQUESTS.iter().map(|&(items, count)| (items, count, priced(items, &straits.key))).collect();
    // Caches, connections and the processor's clock warm up first.
    load(&bare, &bare_request, 2_000).await;
    for (_, _, request) in &asked {
        load(&straits, request, 1_000).await;
    }
    let mut rounds: Vec<(Measured, Vec<Measured>)> = Vec::new();
    for _ in 0..ROUNDS {
        let least = load(&bare, &bare_request, BARE_REQUESTS).await;
        let mut own = Vec::new();
        for (_, count, request) in &asked {
            own.push(load(&straits, request, *count).await);
        }
        rounds.push((least, own));
    }
    let bare_rounds: Vec<Measured> = rounds.iter().map(|(bare, _)| *bare).collect();
    print(cores, "bare handler", &bare_rounds, &bare_rounds);
    for (place, (items, ..)) in asked.iter().enumerate() {
        let own: Vec<Measured> = rounds.iter().map(|(_, own)| own[place]).collect();
        print(cores, &format!("{items} items"), &own, &bare_rounds);
    }
}

fn print(cores: usize, what: &str, own: &[Measured], bare: &[Measured]) {
    let median = |values: &mut Vec<u64>| {
        values.sort_unstable();
        values[values.len() / 2]
    };
    let of = |pick: fn(&Measured) -> u64| median(&mut own.iter().map(pick).collect());
    let ratio = median(&mut own.iter().zip(bare).map(|(a, b)| a.cpu_ns * 100 / b.cpu_ns).collect());
    println!(
        "| {cores} | {what} | {}.{} | {}.{:02} | {} | {} | {} |",
        of(|m| m.cpu_ns) / 1_000,
        of(|m| m.cpu_ns) % 1_000 / 100,
        ratio / 100,
        ratio % 100,
        of(|m| m.per_second),
        of(|m| m.median_us),
        of(|m| m.slow_us),
    );
}

fn priced(items: usize, key: &str) -> Vec<u8> {
    if items == 1 {
        return request("GET", "/v1/prices?amount=19.90&currency=USD&country=TH", key, "");
    }
    let mut list = String::new();
    for item in 0..items {
        let comma = if item == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"sku":"sku-{item:04}","amount":"{}.{:02}","currency":"USD"}}"#,
            5 + item,
            item % 100
        )
        .unwrap();
    }
    request("POST", "/v1/prices", key, &format!(r#"{{"items":[{list}],"country":"TH"}}"#))
}

fn request(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n");
    let rest = match body {
        "" => "\r\n".to_owned(),
        body => format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
    };
    (head + &rest).into_bytes()
}

struct Server {
    process: Child,
    address: String,
    key: String,
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    fn bare(cores: usize) -> Server {
        let mut process = pinned(cores, &std::env::current_exe().unwrap().display().to_string())
            .args([BARE, &cores.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let address = first_address(&mut process);
        Server { process, address, key: String::new(), _folder: None }
    }

    fn straits(cores: usize) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut process = pinned(cores, env!("CARGO_BIN_EXE_straits"))
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path())
            .env("STRAITS__FX__SOURCES", "bundled")
            .env("STRAITS__SERVER__WORKERS", cores.to_string())
            .env("STRAITS__LIMITS__SANDBOX_PER_KEY_PER_SECOND", "1000000")
            .env("STRAITS__LIMITS__SANDBOX_PER_KEY_BURST", "1000000")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = first_address(&mut process);
        let file = std::fs::read_to_string(folder.path().join("sandbox.json")).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        let key = file["keys"]["storefront"].as_str().unwrap().to_owned();
        Server { process, address, key, _folder: Some(folder) }
    }

    /// Nanoseconds that all its threads have run, in the kernel too.
    fn processor_time(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
            .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
            .sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// With one core the server has a core of its own; the load has the other.
fn pinned(cores: usize, program: &str) -> Command {
    if cores > 1 {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0", program]);
    command
}

fn first_address(process: &mut Child) -> String {
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if let Some((_, rest)) = line.split_once("http://") {
            return rest.split_whitespace().next().unwrap().to_owned();
        }
    }
    panic!("the server ended before it said where it listens");
}

#[derive(Clone, Copy)]
struct Measured {
    cpu_ns: u64,
    per_second: u64,
    median_us: u64,
    slow_us: u64,
}

async fn load(server: &Server, request: &[u8], count: usize) -> Measured {
    let each = count / CONNECTIONS;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(TcpStream::connect(&server.address).await.unwrap());
    }
    let (before, begun) = (server.processor_time(), Instant::now());
    let tasks = connections.into_iter().map(|stream| ask(stream, request, each));
    let all = std::pin::pin!(futures_util::future::join_all(tasks));
    // Waking a load that sleeps would be work of the server's processor that is none of the server's.
    let awake = std::pin::pin!(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let Either::Left((times, _)) = futures_util::future::select(all, awake).await;
    let mut times: Vec<Duration> = times.concat();
    let (took, spent) = (begun.elapsed(), server.processor_time() - before);
    times.sort_unstable();
    let done = times.len();
    Measured {
        cpu_ns: spent / done as u64,
        per_second: (done as u128 * 1_000_000 / took.as_micros()) as u64,
        median_us: times[done / 2].as_micros() as u64,
        slow_us: times[done * 99 / 100].as_micros() as u64,
    }
}

/// Asks again and again over one connection; every answer must be a 200.
async fn ask(mut stream: TcpStream, request: &[u8], count: usize) -> Vec<Duration> {
    stream.set_nodelay(true).unwrap();
    let (mut times, mut buffer) = (Vec::with_capacity(count), vec![0; 1 << 16]);
    for _ in 0..count {
        let begun = Instant::now();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the connection was closed: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
            if is_whole(&answer) {
                break;
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        times.push(begun.elapsed());
    }
    times
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    answer.len() - end - 4 >= length.unwrap().parse::<usize>().unwrap()
}
