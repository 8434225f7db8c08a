//! A chain of made contracts: each answers its views, whatever the pools' maths say of its swaps, and reverts else.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::HashMap;

use tidemill_pools::balancer_v3::{VaultTerms, MIN_TRADE};
use tidemill_pools::multicall::{Answer, Call, Reverted};
use tidemill_pools::query::{Progress, Query, QueryError, Reading};
use tidemill_pools::{Address, U256};

pub type Swap = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

/// Contracts by their addresses; a call of any other address gives nothing, as one without code does.
#[derive(Default)]
pub struct Chain {
    answers: HashMap<(Address, Vec<u8>), Vec<u8>>,
    swaps: HashMap<(Address, [u8; 4]), Swap>,
    reasons: HashMap<(Address, [u8; 4]), Vec<u8>>,
    pub calls: usize,
    pub rounds: usize,
}

pub fn address(seed: u8) -> Address {
    [seed; 20]
}

pub fn words(values: &[U256]) -> Vec<u8> {
    values.iter().flat_map(U256::to_be_bytes::<32>).collect()
}

pub fn number(value: u64) -> U256 {
    U256::from(value)
}

pub fn of_address(address: Address) -> U256 {
    U256::from_be_slice(&address)
}

/// Encodes dynamic arrays, with `fixed` words between the first and the others where there are any.
pub fn arrays(lists: &[&[U256]]) -> Vec<u8> {
    let mut offset = lists.len() * 32;
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for list in lists {
        head.push(U256::from(offset));
        tail.push(U256::from(list.len()));
        tail.extend_from_slice(list);
        offset += 32 * (list.len() + 1);
    }
    head.extend(tail);
    words(&head)
}

impl Chain {
    /// Makes `contract` answer a call of this selector and these words.
    pub fn tell(&mut self, contract: Address, selector: u32, arguments: &[U256], answer: Vec<u8>) {
        let mut data = selector.to_be_bytes().to_vec();
        data.extend(words(arguments));
        self.answers.insert((contract, data), answer);
    }

    /// Makes `contract` answer every call of this selector by `swap`, which sees the words after it.
    pub fn swap(&mut self, contract: Address, selector: u32, swap: Swap) {
        self.swaps.insert((contract, selector.to_be_bytes()), swap);
    }

    /// Makes `contract` refuse every call of this selector and say why.
    pub fn refuse(&mut self, contract: Address, selector: u32, reason: Vec<u8>) {
        self.reasons.insert((contract, selector.to_be_bytes()), reason);
    }

    pub fn token(&mut self, token: Address, decimals: u64) {
        self.tell(token, 0x313c_e567, &[], words(&[number(decimals)]));
    }

    /// Makes `pool` one of Balancer's V3 vault, of tokens 1 and 2 with 18 decimals and no rates; returns its terms.
    pub fn tell_vault_v3(
        &mut self,
        pool: Address,
        vault: Address,
        fee: U256,
        balances: [U256; 2],
        hook: U256,
    ) -> VaultTerms {
        let (me, zero, one) = (of_address(pool), U256::ZERO, U256::from(10).pow(U256::from(18)));
        self.tell(pool, 0x8d92_8af8, &[], words(&[of_address(vault)]));
        let tokens = [of_address(address(1)), of_address(address(2))];
        let infos = [zero; 6];
        let offsets = [4 * 32, 7 * 32, 14 * 32, 17 * 32].map(number);
        let told = [
            offsets.as_slice(),
            &[number(2)],
            &tokens,
            &[number(2)],
            &infos,
            &[number(2)],
            &balances,
            &[number(2)],
            &balances,
        ];
        self.tell(vault, 0x67e0_e076, &[me], words(&told.concat()));
        self.tell(vault, 0xb450_90f9, &[me], words(&[fee]));
        self.tell(vault, 0x7e36_1bde, &[me], arrays(&[&[U256::ONE, U256::ONE], &[one, one]]));
        let mut hooks = vec![zero; 10];
        hooks.push(hook);
        self.tell(vault, 0xce86_30d4, &[me], words(&hooks));
        let half = one / number(2);
        let config = [zero, zero, zero, zero, fee, half, zero, zero, zero, U256::ONE, U256::ONE, zero, zero];
        self.tell(vault, 0xf294_86a1, &[me], words(&config));
        self.tell(vault, 0xe2cb_0ba0, &[], words(&[MIN_TRADE]));
        self.token(address(1), 18);
        self.token(address(2), 18);
        VaultTerms {
            scaling_factors: vec![U256::ONE; 2],
            rates: vec![one; 2],
            fee,
            aggregate_fee: half,
            min_trade: MIN_TRADE,
        }
    }

    pub fn answer(&self, call: &Call) -> Answer {
        let refused = || Reverted(Vec::new());
        if let Some(answer) = self.answers.get(&(call.to, call.data.clone())) {
            return Ok(answer.clone());
        }
        let selector: [u8; 4] = call.data[..4].try_into().unwrap();
        if let Some(swap) = self.swaps.get(&(call.to, selector)) {
            return swap(&call.data[4..]).ok_or_else(refused);
        }
        if let Some(reason) = self.reasons.get(&(call.to, selector)) {
            return Err(Reverted(reason.clone()));
        }
        let is_contract = self.answers.keys().any(|(contract, _)| *contract == call.to);
        if is_contract {
            Err(refused())
        } else {
            Ok(Vec::new())
        }
    }

    /// Answers a query to its end.
    pub fn run(&mut self, mut query: Query) -> Result<Reading, QueryError> {
        loop {
            self.rounds += 1;
            self.calls += query.calls().len();
            let answers = query.calls().iter().map(|call| self.answer(call)).collect();
            match query.take(answers) {
                Progress::Ask => {}
                Progress::Done(reading) => return Ok(*reading),
                Progress::Failed(error) => return Err(error),
            }
        }
    }
}

/// Reads the word at `index` of calldata after its selector.
pub fn argument(data: &[u8], index: usize) -> U256 {
    U256::from_be_slice(&data[32 * index..32 * index + 32])
}
