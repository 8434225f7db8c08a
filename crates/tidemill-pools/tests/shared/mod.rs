//! Where the recordings are, and how a test says that they are absent.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub mod balancer;
pub mod chain;
pub mod curve;

use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use serde_json::Value;

/// Returns the path of a recording; `None`, said on the terminal, where there are none.
fn path_of(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TIDEMILL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if !root.is_dir() {
        eprintln!("not tested: expected recordings at {}, found no such folder", root.display());
        return None;
    }
    Some(root.join("data").join(path))
}

/// Reads a recording, decompressing it where its name ends in `.gz`.
pub fn read(path: &str) -> Option<String> {
    let path = path_of(path)?;
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(text)
}

/// Reads a recording of JSON, with its numbers as texts.
pub fn read_json(path: &str) -> Option<Value> {
    read(path).map(|text| serde_json::from_str(&quote_numbers(&text)).unwrap())
}

/// Puts bare numbers into quotes: JSON readers cut those beyond 64 bits.
fn quote_numbers(json: &str) -> String {
    let mut quoted = String::with_capacity(json.len() * 2);
    let (mut is_text, mut is_number) = (false, false);
    for character in json.chars() {
        is_text ^= character == '"';
        if !is_text && is_number != (character == '-' || character.is_ascii_digit()) {
            is_number = !is_number;
            quoted.push('"');
        }
        quoted.push(character);
    }
    quoted
}

/// Reads hex digits, with or without their prefix.
pub fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.trim_start_matches("0x");
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Reads exactly `N` bytes of hex.
pub fn array_of<const N: usize>(hex: &str) -> [u8; N] {
    bytes_of(hex).try_into().unwrap()
}
