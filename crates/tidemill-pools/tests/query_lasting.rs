//! Is a pool that is read with what lasts of an earlier reading the one that is read from nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use tidemill_pools::curve_stable::{Rules, StableSwap, Terms};
use tidemill_pools::multicall::{Answer, Call};
use tidemill_pools::query::{is_lasting, AnswersByCall, Detail, Expected, Kind, Progress, Query, Reading};
use tidemill_pools::{Address, U256};

use shared::chain::{address, argument, number, of_address, words, Chain};
use shared::curve::ONE;

const POOL: Address = [0x50; 20];
const GET_DY: u32 = 0x5e0d_443f;

/// A pool of two coins of 18 decimals that holds `held` of each and takes `fee`, in 10^-10.
fn curve(held: u64, fee: u64) -> Chain {
    let mut chain = Chain::default();
    let balance = ONE * number(held);
    for k in 0..2_u8 {
        let token = address(k + 1);
        chain.tell(POOL, 0xc661_0657, &[U256::from(k)], words(&[of_address(token)]));
        chain.tell(POOL, 0x4903_b0d1, &[U256::from(k)], words(&[balance]));
        chain.token(token, 18);
    }
    for (selector, value) in
        [(0xf446_c1d0, 200), (0x76a2_f0f0, 20_000), (0xddca_3f43, fee), (0xfee3_f7f9, 5_000_000_000)]
    {
        chain.tell(POOL, selector, &[], words(&[number(value)]));
    }
    let terms = Terms {
        amp: number(20_000),
        fee: number(fee),
        admin_fee: number(5_000_000_000),
        offpeg_fee_multiplier: U256::ZERO,
    };
    let pool = StableSwap::new(Rules::TEMPLATE, terms, &[balance; 2], &[ONE; 2]).unwrap();
    let quote = move |data: &[u8]| {
        let out = pool.amount_out(argument(data, 0).to(), argument(data, 1).to(), argument(data, 2));
        out.ok().map(|out| words(&[out]))
    };
    chain.swap(POOL, GET_DY, Box::new(quote));
    chain
}

/// Reads to the end; returns also what was asked and answered, and in how many rounds.
fn read(chain: &Chain, mut query: Query) -> (Reading, Vec<(Call, Answer)>, usize) {
    let mut told = Vec::new();
    for rounds in 1.. {
        let answers: Vec<_> = query.calls().iter().map(|call| chain.answer(call)).collect();
        told.extend(query.calls().iter().cloned().zip(answers.iter().cloned()));
        match query.take(answers) {
            Progress::Ask => {}
            Progress::Done(reading) => return (*reading, told, rounds),
            Progress::Failed(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

#[test]
fn what_lasts_is_not_asked_again_and_what_moved_is_read() {
    let kinds = [Kind::CurveStable];
    let (_, told, rounds) = read(&curve(1_000_000, 4_000_000), Query::new(POOL, &kinds, Detail::Exact));
    assert!(rounds > 1);
    let (answers, rest): (AnswersByCall, AnswersByCall) =
        told.into_iter().partition(|(call, answer)| is_lasting(call, answer));
    let later = curve(1_000_100, 5_000_000);
    let (anew, ..) = read(&later, Query::new(POOL, &kinds, Detail::Exact));
    let calls: Vec<_> = rest.iter().map(|(call, _)| call.clone()).collect();
    for calls in [calls, Vec::new()] {
        let is_expecting = !calls.is_empty();
        let expected = Expected { answers: answers.clone(), calls };
        let query = Query::expecting(POOL, &kinds, Detail::Exact, &expected);
        let (found, asked, rounds) = read(&later, query);
        assert_eq!(found, anew);
        assert_eq!(rounds == 1, is_expecting);
        assert!(asked.iter().all(|(call, _)| !answers.contains_key(call)));
        assert!(asked.len() < 16 && answers.len() > 14, "{} {}", asked.len(), answers.len());
    }
}

#[test]
fn only_what_a_contract_cannot_change_lasts() {
    let call = |selector: u32| Call { to: POOL, data: selector.to_be_bytes().to_vec() };
    let told: Answer = Ok(words(&[U256::ONE]));
    let absent: Answer = Ok(Vec::new());
    for (selector, when_told, when_absent) in [
        (0x313c_e567, true, true),   // decimals
        (0xf89f_27ed, false, true),  // weights, which some pools move
        (0xddca_3f43, false, false), // a fee
        (GET_DY, false, false),
    ] {
        assert_eq!(is_lasting(&call(selector), &told), when_told, "{selector:x}");
        assert_eq!(is_lasting(&call(selector), &absent), when_absent, "{selector:x}");
    }
}
