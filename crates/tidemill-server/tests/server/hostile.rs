//! What clients cannot do: hold a place for ever, or make the server keep what they send.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::chain::{pair, Chain};
use crate::client::{answer, ask, connect, question, start};

#[test]
fn a_body_that_never_ends_is_given_up() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[("request_timeout_ms", 300)]);
    let mut stream = connect(running.address);
    stream.write_all(b"POST /api/pool HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").unwrap();
    let told = answer(&stream);
    assert_eq!(told.status, 408);
    assert!(told.body["error"].as_str().unwrap().contains("within 300 ms, found a part"));
}

#[test]
fn a_body_without_a_length_is_cut_off_at_the_limit() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[]);
    let mut stream = connect(running.address);
    stream.write_all(b"POST /api/pool HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..200 {
        let chunk = format!("100\r\n{}\r\n", "x".repeat(256));
        if stream.write_all(chunk.as_bytes()).is_err() {
            break; // it hung up: that is the point
        }
    }
    let told = answer(&stream);
    assert_eq!(told.status, 413);
}

#[test]
fn a_body_whose_length_is_too_large_is_refused_before_it_is_sent() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[]);
    let mut stream = connect(running.address);
    stream.write_all(b"POST /api/pool HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n").unwrap();
    assert_eq!(answer(&stream).status, 413);
}

#[test]
fn connections_that_say_nothing_make_room_for_those_that_do() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[("connections_max", 4), ("idle_timeout_ms", 300)]);
    let mut silent: Vec<_> = (0..4).map(|_| connect(running.address)).collect();
    silent[0].write_all(b"POST /api/pool HTT").unwrap(); // a head that never ends
    let began = Instant::now();
    assert_eq!(ask(running.address, 1, pair(1)).status, 200);
    assert!(began.elapsed() > Duration::from_millis(100), "there was room before");
    for stream in &mut silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest); // closed or reset: either way over
    }
}

#[test]
fn a_connection_that_is_idle_after_an_answer_is_closed() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[("connections_max", 1), ("idle_timeout_ms", 300)]);
    let mut first = connect(running.address);
    first.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(answer(&first).status, 200);
    assert_eq!(ask(running.address, 1, pair(1)).status, 200, "the only place is free again");
}

#[test]
fn who_asks_and_never_listens_loses_the_connection() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[("connections_max", 1), ("idle_timeout_ms", 500)]);
    let mut deaf = connect(running.address);
    deaf.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let many = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    while deaf.write_all(&many).is_ok() {} // until every buffer between us is full
    assert_eq!(ask(running.address, 1, pair(1)).status, 200, "the only place is free again");
}

#[test]
fn bytes_that_are_no_http_end_their_own_connection_only() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[]);
    let long = "GET /".to_owned() + &"x".repeat(100_000);
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\r\n\r\n\0\0\0\0", long.as_bytes(), &[0xff; 5_000]]
    {
        let mut stream = connect(running.address);
        let _ = stream.write_all(bytes); // it may hang up before all is sent
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(ask(running.address, 1, pair(1)).status, 200);
}

#[test]
fn a_client_that_leaves_leaves_nothing_behind() {
    let chain = Chain::start(1);
    chain.slow_down(300);
    let running = start(&[&[&chain]], &[("waiting_max", 1)]);
    let mut gone = connect(running.address);
    crate::client::send(&mut gone, "POST /api/pool", &question(1, pair(1)));
    drop(gone);
    crate::client::until("its place is free", || ask(running.address, 1, pair(1)).status == 200);
}
