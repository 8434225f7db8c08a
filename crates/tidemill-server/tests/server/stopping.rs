//! How the server starts where it cannot, and how it stops while it is busy.

use std::net::TcpStream;
use std::sync::Arc;

use serde_json::json;
use tidemill_server::{Config, Notify, Server};

use crate::chain::{pair, Chain};
use crate::client::{answer, ask, connect, counter, question, send, settings, start, until};

#[test]
fn requests_in_flight_finish_and_nobody_else_is_let_in() {
    let chain = Chain::start(30);
    chain.slow_down(300);
    // longer than a busy machine may take for them all
    let patient = ["stop_timeout_ms", "answer_timeout_ms", "request_timeout_ms"].map(|name| (name, 60_000));
    let mut running = start(&[&[&chain]], &patient);
    let address = running.address;
    let asking: Vec<_> = (1..=30)
        .map(|index| {
            let mut stream = connect(address);
            send(&mut stream, "POST /api/pool", &question(1, pair(index)));
            std::thread::spawn(move || answer(&stream).status)
        })
        .collect();
    until("all are asked", || counter(address, "questions_total") > 0);
    assert!(running.server.stop());
    assert!(asking.into_iter().all(|thread| thread.join().unwrap() == 200));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_chain_that_never_answers_does_not_keep_the_server_from_stopping() {
    let chain = Chain::start(1);
    chain.slow_down(600_000);
    let changes = [("stop_timeout_ms", 300), ("answer_timeout_ms", 600_000), ("request_timeout_ms", 600_000)];
    let mut running = start(&[&[&chain]], &changes);
    let address = running.address;
    let mut stream = connect(address);
    send(&mut stream, "POST /api/pool", &question(1, pair(1)));
    until("it is asked", || counter(address, "questions_total") > 0);
    assert!(!running.server.stop());
    assert!(running.server.stop(), "a second stop has nothing to do");
}

#[test]
fn idle_and_half_open_connections_do_not_delay_the_stop() {
    let chain = Chain::start(1);
    let mut running = start(&[&[&chain]], &[("stop_timeout_ms", 60_000), ("idle_timeout_ms", 600_000)]);
    let idle = connect(running.address);
    assert_eq!(ask(running.address, 1, pair(1)).status, 200);
    assert!(running.server.stop(), "it waited for them, and gave up");
    drop(idle);
}

#[test]
fn a_taken_port_says_which_setting_changes_it() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[]);
    let mut taken = settings(&[&[&chain]]);
    taken["port"] = json!(running.address.port());
    let error = refused(&taken);
    assert!(error.contains("expected a free port, found it taken; set RUST_SERVER_PORT"), "{error}");
}

#[test]
fn what_does_not_fit_together_is_refused_without_a_word_of_the_url() {
    let secret = "ftp://user:hunter2@node.example/key-0123456789";
    let mut wrong = settings(&[&[]]);
    assert!(refused(&wrong).contains("chain chain1: expected at least one endpoint"));
    wrong["chains"][0]["http_urls"] = json!([secret]);
    let error = refused(&wrong);
    assert!(error.contains("chain chain1: endpoint 1: expected http:// or https://"), "{error}");
    assert!(!error.contains("hunter2") && !error.contains("key-0"), "{error}");
    wrong["chains"] = json!(secret);
    let error = Config::read(wrong.to_string().as_bytes()).map(|_| ()).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

fn refused(settings: &serde_json::Value) -> String {
    let config = Config::read(settings.to_string().as_bytes()).unwrap();
    let notify: Notify = Arc::new(|_: &str| {});
    Server::start(&config, &notify).map(|_| ()).unwrap_err().to_string()
}
