//! How many requests a second does an HTTP server answer, and how fast: any server, the same request over and over.
//!
//! `load ADDRESS METHOD PATH BODY CONNECTIONS SECONDS`; prints one line of JSON. Each connection has one request in
//! flight. One thread does it all, so that a machine of two cores has the other one for the server.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A second that is not counted: connections open, caches fill.
const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Counted {
    took_us: Vec<u32>,
    refused: u64,
}

fn main() -> Result<(), Failed> {
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [address, method, path, body, connections, seconds] = given.as_slice() else {
        return Ok(()); // run by `cargo test` or `cargo bench` for all crates: there is no server to load
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (connections, seconds): (usize, u64) = (connections.parse()?, seconds.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let counted = runtime.block_on(load(address, &request, connections, Duration::from_secs(seconds)))?;
    print(counted, seconds);
    Ok(())
}

async fn load(
    address: &str,
    request: &str,
    connections: usize,
    duration: Duration,
) -> Result<Counted, Failed> {
    let begin = Instant::now() + WARM_UP;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        tasks.spawn(ask(stream, request.to_owned(), begin, begin + duration));
    }
    let mut all = Counted::default();
    while let Some(done) = tasks.join_next().await {
        let counted = done??;
        all.took_us.extend(counted.took_us);
        all.refused += counted.refused;
    }
    Ok(all)
}

/// Asks over one connection until `end`; counts what was asked after `begin`.
async fn ask(
    mut stream: TcpStream,
    request: String,
    begin: Instant,
    end: Instant,
) -> Result<Counted, Failed> {
    let mut counted = Counted::default();
    let mut buffer = Vec::with_capacity(4_096);
    loop {
        let started = Instant::now();
        if started >= end {
            return Ok(counted);
        }
        stream.write_all(request.as_bytes()).await?;
        let is_success = answer(&mut stream, &mut buffer).await?;
        if started >= begin {
            counted.took_us.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            counted.refused += u64::from(!is_success);
        }
    }
}

/// Reads one whole answer; returns whether its status is 200.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<bool, Failed> {
    buffer.clear();
    loop {
        if let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let text = std::str::from_utf8(buffer.get(..head).unwrap_or_default())?.to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.ok_or("expected content-length")?.trim().parse()?;
            while buffer.len() < head + 4 + length {
                more(stream, buffer).await?;
            }
            return Ok(text.starts_with("http/1.1 200"));
        }
        more(stream, buffer).await?;
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Failed> {
    let size = stream.read_buf(buffer).await?;
    if size == 0 {
        return Err("expected an answer, the server closed the connection".into());
    }
    Ok(())
}

fn print(mut counted: Counted, seconds: u64) {
    counted.took_us.sort_unstable();
    let requests = counted.took_us.len();
    let at = |share: usize| {
        counted.took_us.get((requests * share / 100).min(requests.saturating_sub(1))).copied().unwrap_or(0)
    };
    let per_s = requests as u64 / seconds.max(1);
    let (p50, p99, refused) = (at(50), at(99), counted.refused);
    println!(
        r#"{{"requests":{requests},"refused":{refused},"per_s":{per_s},"p50_us":{p50},"p99_us":{p99}}}"#
    );
}
