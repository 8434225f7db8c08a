//! Do Curve pools that were recorded on their chains, read by their addresses, give the recorded answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use std::collections::HashMap;

use serde_json::Value;
use tidemill_pools::curve_stable::{ramped, Rules, StableSwap, Terms};
use tidemill_pools::query::{Detail, Kind, Query, Reading};
use tidemill_pools::{Address, U256};

use shared::chain::{argument, arrays, number, of_address, words, Chain};
use shared::curve::number as decimal;
use shared::read;

const POOL: Address = [0x50; 20];

/// A recorded pool: its name, its tokens, and a field of its two spellings.
struct Recorded<'a> {
    state: &'a Value,
    extra: Value,
    fixed: Value,
}

fn of<'a>(value: &'a Value, name: &str) -> &'a Value {
    let lower = name[..1].to_lowercase() + &name[1..];
    value.get(name).or_else(|| value.get(&lower)).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl<'a> Recorded<'a> {
    fn new(state: &'a Value) -> Self {
        let parsed = |name: &str| serde_json::from_str(state[name].as_str().unwrap()).unwrap();
        Self { state, extra: parsed("extra"), fixed: parsed("staticExtra") }
    }

    fn uint(&self, name: &str) -> U256 {
        decimal(&text(of(&self.extra, name)))
    }

    fn tokens(&self) -> Vec<(String, u64)> {
        let tokens = self.state["tokens"].as_array().unwrap().iter();
        tokens.map(|token| (text(&token["address"]), token["decimals"].as_u64().unwrap())).collect()
    }

    /// Puts the pool's views on a chain; what it quotes is `pool`'s.
    fn chain(&self) -> Chain {
        let mut chain = Chain::default();
        let is_ng = self.state["type"] == "curve-stable-ng";
        let a_precision = decimal(&text(of(&self.fixed, "APrecision")));
        let seconds = |name| self.uint(name).to::<u64>();
        let ramp = (seconds("InitialATime"), seconds("FutureATime"));
        let now_s = text(&self.state["timestamp"]).parse().unwrap();
        let amp = ramped(self.uint("InitialA"), self.uint("FutureA"), ramp, now_s).unwrap();
        let tokens = self.tokens();
        let scale = |decimals: u64| U256::from(10).pow(U256::from(36 - decimals));
        let rates: Vec<_> = match of(&self.extra, "RateMultipliers") {
            Value::Null => tokens.iter().map(|(_, decimals)| scale(*decimals)).collect(),
            told => told.as_array().unwrap().iter().map(|rate| decimal(&text(rate))).collect(),
        };
        let balances: Vec<_> = self.state["reserves"]
            .as_array()
            .unwrap()
            .iter()
            .take(tokens.len())
            .map(|held| decimal(&text(held)))
            .collect();
        for (k, ((_, decimals), balance)) in tokens.iter().zip(&balances).enumerate() {
            let token = shared::chain::address(u8::try_from(k).unwrap() + 1);
            chain.tell(POOL, 0xc661_0657, &[U256::from(k)], words(&[of_address(token)]));
            chain.tell(POOL, 0x4903_b0d1, &[U256::from(k)], words(&[*balance]));
            chain.token(token, *decimals);
        }
        let (fee, admin_fee) = (self.uint("SwapFee"), self.uint("AdminFee"));
        chain.tell(POOL, 0xf446_c1d0, &[], words(&[amp / a_precision]));
        chain.tell(POOL, 0xddca_3f43, &[], words(&[fee]));
        chain.tell(POOL, 0xfee3_f7f9, &[], words(&[admin_fee]));
        if a_precision > U256::ONE {
            chain.tell(POOL, 0x76a2_f0f0, &[], words(&[amp]));
        }
        let mut offpeg_fee_multiplier = U256::ZERO;
        if is_ng {
            offpeg_fee_multiplier = self.uint("OffpegFeeMultiplier");
            chain.tell(POOL, 0x8edf_dd5f, &[], words(&[offpeg_fee_multiplier]));
        }
        let plain: Vec<_> = tokens.iter().map(|(_, decimals)| scale(*decimals)).collect();
        if is_ng || rates != plain {
            chain.tell(POOL, 0xfd06_84b1, &[], arrays(&[&rates]));
        }
        let rules = match (is_ng, a_precision == U256::ONE) {
            (true, _) => Rules::NG,
            (_, true) => Rules::THREE_POOL,
            _ => Rules::TEMPLATE,
        };
        let terms = Terms { amp, fee, admin_fee, offpeg_fee_multiplier };
        let pool = StableSwap::new(rules, terms, &balances, &rates).unwrap();
        let quote = move |data: &[u8]| {
            let coins = (argument(data, 0).to(), argument(data, 1).to());
            Some(words(&[pool.amount_out(coins.0, coins.1, argument(data, 2)).ok()?]))
        };
        chain.swap(POOL, 0x5e0d_443f, Box::new(quote));
        chain
    }
}

#[test]
fn recorded_pools_that_are_read_by_address_give_the_recorded_answers() {
    let Some(all) = read("curve/kyber_vectors.json") else { return };
    let all: Value = serde_json::from_str(&all).unwrap();
    let mut readings: HashMap<String, Reading> = HashMap::new();
    let mut count = 0;
    for vector in all["vectors"].as_array().unwrap() {
        let file = text(&vector["file"]);
        let is_ours = (file.ends_with("plain/pool_simulator_compare_test.go")
            && vector["test"] == "TestCalcAmountOutSnapshot")
            || (file.ends_with("plain/pool_simulator_test.go") && vector["test"] == "TestCalcAmountOutPlain")
            || (file.ends_with("curve/stable-ng/pool_simulator_test.go")
                && vector["test"] == "TestCalcAmountOut");
        if !is_ours {
            continue;
        }
        let name = text(&vector["pool_ref"]);
        let recorded = Recorded::new(&all["pools"][&name]);
        let reading = readings.entry(name.clone()).or_insert_with(|| {
            let found = recorded.chain().run(Query::new(POOL, &[], Detail::Exact));
            found.unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        assert_eq!(reading.kind, Kind::CurveStable);
        let exact = reading.exact.as_ref().unwrap_or_else(|doubt| panic!("{name}: {doubt}"));
        let tokens = recorded.tokens();
        let place =
            |field: &str| tokens.iter().position(|(token, _)| *token == text(&vector[field])).unwrap();
        let found =
            exact.amount_out(place("token_in"), place("token_out"), decimal(&text(&vector["amount_in"])));
        assert_eq!(found, Ok(decimal(&text(&vector["expected"]))), "{vector}");
        count += 1;
    }
    assert_eq!(count, 262);
    assert!(readings.values().all(|reading| reading.fee_e18 > Some(number(0))));
}
