//! A chain with V2 pairs, told over JSON-RPC, that can be made slow, dead, or unable to run large calls.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};

pub type Address = [u8; 20];

/// What the chain is and how it behaves.
#[derive(Default)]
pub struct Behaviour {
    /// Reserves of each pair; a pair's tokens are its address with another first byte.
    pub pairs: Mutex<HashMap<Address, (u64, u64)>>,
    /// What a token tells as its decimals, where that is not 18.
    pub decimals: Mutex<HashMap<Address, u64>>,
    /// A contract that takes all gas of the call it is part of.
    pub hog: Mutex<Option<Address>>,
    /// How long each answer takes.
    pub delay_ms: AtomicU64,
    /// Whether every answer is HTTP 500.
    pub is_broken: AtomicBool,
    /// Which chain it is.
    pub chain_id: AtomicU64,
    /// The newest block.
    pub number: AtomicU64,
    /// Whether blocks can be named by their number alone.
    pub is_old: AtomicBool,
    /// Whether Multicall3 is there.
    pub is_bare: AtomicBool,
    /// `eth_call`s taken.
    pub calls: AtomicUsize,
}

/// A running chain.
pub struct Chain {
    pub behaviour: Arc<Behaviour>,
    pub url: String,
}

pub fn pair(index: u8) -> Address {
    let mut address = [index; 20];
    address[0] = 0xaa;
    address
}

pub fn token(pair: Address, first_byte: u8) -> Address {
    let mut address = pair;
    address[0] = first_byte;
    address
}

pub fn hex(bytes: &[u8]) -> String {
    const_hex::encode_prefixed(bytes)
}

impl Chain {
    /// Starts a chain with `pairs` pairs, the reserves of each being its index and twice that.
    pub fn start(pairs: u8) -> Self {
        let behaviour = Arc::new(Behaviour::default());
        behaviour.number.store(1, Ordering::SeqCst);
        let reserves = |index: u8| (pair(index), (u64::from(index), 2 * u64::from(index)));
        behaviour.pairs.lock().unwrap().extend((1..=pairs).map(reserves));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&behaviour);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream.unwrap(), &shared));
            }
        });
        Self { behaviour, url }
    }

    pub fn calls(&self) -> usize {
        self.behaviour.calls.load(Ordering::SeqCst)
    }

    pub fn slow_down(&self, delay_ms: u64) {
        self.behaviour.delay_ms.store(delay_ms, Ordering::SeqCst);
    }
}

fn serve(stream: &TcpStream, behaviour: &Behaviour) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        std::thread::sleep(Duration::from_millis(behaviour.delay_ms.load(Ordering::SeqCst)));
        let is_broken = behaviour.is_broken.load(Ordering::SeqCst);
        let (status, answer) = if is_broken {
            ("500 Internal Server Error", String::new())
        } else {
            ("200 OK", behaviour.answer(&serde_json::from_slice(&body).unwrap()).to_string())
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", answer.len());
        if (&mut &*stream).write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

impl Behaviour {
    fn answer(&self, question: &Value) -> Value {
        let number = self.number.load(Ordering::SeqCst);
        match question["method"].as_str().unwrap() {
            "eth_getBlockByNumber" => {
                let hash = hex(&[u8::try_from(number).unwrap(); 32]);
                json!({"jsonrpc": "2.0", "id": 1, "result": {"number": format!("{number:#x}"), "hash": hash}})
            }
            "eth_chainId" => {
                let chain_id = self.chain_id.load(Ordering::SeqCst);
                json!({"jsonrpc": "2.0", "id": 1, "result": format!("{chain_id:#x}")})
            }
            "eth_call" => {
                self.calls.fetch_add(1, Ordering::SeqCst);
                if self.is_old.load(Ordering::SeqCst) && !question["params"][1].is_string() {
                    return json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "invalid block"}});
                }
                let data = const_hex::decode(question["params"][0]["data"].as_str().unwrap()).unwrap();
                if !data.starts_with(&[0x82, 0xad, 0x56, 0xcb]) {
                    return self.single(question["params"][0]["to"].as_str().unwrap(), &data);
                }
                if self.is_bare.load(Ordering::SeqCst) {
                    return json!({"jsonrpc": "2.0", "id": 1, "result": "0x"});
                }
                let calls = decode(&data);
                let hog = *self.hog.lock().unwrap();
                if calls.iter().any(|(to, _)| Some(*to) == hog) {
                    return json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "out of gas"}});
                }
                let answers: Vec<_> = calls.iter().map(|(to, data)| self.view(to, data)).collect();
                json!({"jsonrpc": "2.0", "id": 1, "result": hex(&encode(&answers))})
            }
            other => panic!("{other}"),
        }
    }

    fn single(&self, to: &str, data: &[u8]) -> Value {
        match self.view(&const_hex::decode_to_array(to).unwrap(), data) {
            Some(found) => json!({"jsonrpc": "2.0", "id": 1, "result": hex(&found)}),
            None => json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": "execution reverted"}}),
        }
    }

    /// What a contract answers; `None` where it reverts.
    fn view(&self, to: &Address, data: &[u8]) -> Option<Vec<u8>> {
        let pairs = self.pairs.lock().unwrap();
        if let Some((reserve0, reserve1)) = pairs.get(to) {
            return match data {
                [0x0d, 0xfe, 0x16, 0x81] => Some(address_word(token(*to, 1))),
                [0xd2, 0x12, 0x20, 0xa7] => Some(address_word(token(*to, 2))),
                [0xc4, 0x5a, 0x01, 0x55] => Some(address_word([0xfa; 20])),
                [0x09, 0x02, 0xf1, 0xac] => Some([word(*reserve0), word(*reserve1), word(0)].concat()),
                _ => None,
            };
        }
        let is_token = to[0] < 3;
        let decimals = self.decimals.lock().unwrap().get(to).copied().unwrap_or(18);
        match data {
            _ if !is_token => Some(Vec::new()),
            [0x31, 0x3c, 0xe5, 0x67] => Some(word(decimals)),
            _ => None,
        }
    }
}

fn word(value: u64) -> Vec<u8> {
    let mut bytes = vec![0; 24];
    bytes.extend(value.to_be_bytes());
    bytes
}

fn address_word(address: Address) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    bytes.extend(address);
    bytes
}

fn number(data: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_be_bytes(data[at + 24..at + 32].try_into().unwrap())).unwrap()
}

/// The calls in the calldata of `aggregate3`.
fn decode(data: &[u8]) -> Vec<(Address, Vec<u8>)> {
    let data = &data[4..];
    let array = number(data, 0);
    let base = array + 32;
    (0..number(data, array))
        .map(|index| {
            let at = base + number(data, base + 32 * index);
            let bytes = at + number(data, at + 64);
            let calldata = data[bytes + 32..bytes + 32 + number(data, bytes)].to_vec();
            (data[at + 12..at + 32].try_into().unwrap(), calldata)
        })
        .collect()
}

/// The results of `aggregate3`.
fn encode(answers: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut tails = Vec::new();
    let mut offsets = Vec::new();
    for answer in answers {
        offsets.extend(word((32 * answers.len() + tails.len()) as u64));
        let bytes = answer.clone().unwrap_or_default();
        tails.extend([word(u64::from(answer.is_some())), word(64), word(bytes.len() as u64)].concat());
        tails.extend(&bytes);
        tails.resize(tails.len().next_multiple_of(32), 0);
    }
    [word(32), word(answers.len() as u64), offsets, tails].concat()
}
