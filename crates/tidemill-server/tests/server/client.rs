//! A server for one test, and plain sockets that ask it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};
use tidemill_server::{Config, Notify, Server};

use crate::chain::{hex, Address, Chain};

/// Longer than anything here takes that works, on a machine that others use as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Value,
}

/// A server, and what it told its operator.
pub struct Running {
    pub server: Server,
    pub address: SocketAddr,
    pub told: Arc<Mutex<Vec<String>>>,
}

/// Returns the settings of a server of these chains, numbered from 1, each with its endpoints.
pub fn settings(chains: &[&[&Chain]]) -> Value {
    let chains = chains.iter().enumerate().map(|(index, endpoints)| {
        for chain in *endpoints {
            chain.behaviour.chain_id.store(index as u64 + 1, Ordering::SeqCst);
        }
        let urls: Vec<_> = endpoints.iter().map(|chain| chain.url.clone()).collect();
        json!({"name": format!("chain{}", index + 1), "chain_id": index + 1, "http_urls": urls,
            "multicall": "0xcA11bde05977b3631167028862bE2a173976CA11", "multicall_calls": 500})
    });
    json!({"host": "127.0.0.1", "port": 0, "cache_duration_ms": 60_000, "cache_pools_max": 100, "batch_window_ms": 20,
        "connections_max": 64, "waiting_max": 64, "body_bytes_max": 1_024, "request_timeout_ms": 30_000,
        "idle_timeout_ms": 30_000, "answer_timeout_ms": 20_000, "stop_timeout_ms": 3_000, "threads": 2,
        "chains": chains.collect::<Vec<_>>()})
}

/// Starts a server of these chains with some settings changed.
pub fn start(chains: &[&[&Chain]], changes: &[(&str, u64)]) -> Running {
    let mut settings = settings(chains);
    for (name, value) in changes {
        settings[*name] = json!(value);
    }
    let config = Config::read(settings.to_string().as_bytes()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let notify: Notify = Arc::new(move |said: &str| kept.lock().unwrap().push(said.to_owned()));
    let server = Server::start(&config, &notify).unwrap();
    let address = server.address();
    Running { server, address, told }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request and returns the answer.
pub fn request(address: SocketAddr, head: &str, body: &str) -> Answer {
    let mut stream = connect(address);
    send(&mut stream, head, body);
    answer(&stream)
}

pub fn send(stream: &mut TcpStream, head: &str, body: &str) {
    let length = body.len();
    let text = format!("{head} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
}

pub fn answer(stream: &TcpStream) -> Answer {
    let mut reader = BufReader::new(stream);
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut headers).unwrap() > 0, "closed after {headers:?}");
    }
    let headers = headers.to_ascii_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

pub fn question(chain_id: u64, pool: Address) -> String {
    json!({"chain_id": chain_id, "pool_address": hex(&pool), "dex_type": "uniswap_v2"}).to_string()
}

pub fn ask(address: SocketAddr, chain_id: u64, pool: Address) -> Answer {
    request(address, "POST /api/pool", &question(chain_id, pool))
}

/// Returns one of the counters for Prometheus.
pub fn counter(address: SocketAddr, name: &str) -> u64 {
    let mut stream = connect(address);
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let start = format!("tidemill_pool_server_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().parse().unwrap()
}

/// Waits until `is_so`, within bounds.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
