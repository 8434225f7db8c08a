//! Calls of small programs: what they need is asked for, what they do is told, and the state stays as it is.
#![allow(clippy::unwrap_used, clippy::panic)]

use ruint::aliases::U256;
use tidemill_evm::{
    run, run_each, spec_named, Block, Call, CannotRun, ChainState, Code, Missing, Outcome, Override,
    Overrides,
};

const SENDER: [u8; 20] = [1; 20];
const PROGRAM: [u8; 20] = [2; 20];
const MINER: [u8; 20] = [3; 20];

/// Returns slot 7, and puts 9 there: SLOAD, MSTORE, SSTORE, RETURN.
const SWAPS_SLOT: &str = "60075460005260096007556020 6000f3";
/// Reverts with the five bytes "wrong".
const REVERTS: &str = "6477726f6e67600052 6005601bfd";
/// Returns the hash of the block before.
const ASKS_HASH: &str = "6001430340600052 60206000f3";
/// Sends the ether that came to the miner: CALL(gas, miner, callvalue).
const PAYS_MINER: &str = "600060006000600034 730303030303030303030303030303030303030303 5af150 00";

fn code(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|one| !one.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn block() -> Block {
    Block {
        number: 100,
        timestamp_s: 1_000,
        base_fee_wei: 7,
        gas_limit: 30_000_000,
        fee_recipient: MINER,
        prev_randao: [0; 32],
    }
}

fn call(value_wei: u64) -> Call {
    Call {
        sender: SENDER,
        to: Some(PROGRAM),
        data: vec![],
        value_wei: U256::from(value_wei),
        gas_limit: 1_000_000,
        gas_price_wei: 0,
        watched: None,
    }
}

/// Runs until nothing is missing; returns what was, in order.
fn supplied(
    state: &mut ChainState,
    call: &Call,
    program: &str,
    overrides: &Overrides,
) -> (Outcome, Vec<Missing>) {
    let mut missed = vec![];
    loop {
        match run(state, &block(), call, overrides) {
            Ok(outcome) => return (outcome, missed),
            Err(CannotRun::Missing(missing)) => {
                missed.push(missing);
                match missing {
                    Missing::Account(PROGRAM) => {
                        state.put_account(PROGRAM, U256::ZERO, 1, Some(code(program)));
                    }
                    Missing::Account(address) => {
                        state.put_account(address, U256::from(1_000), 0, Some(vec![]));
                    }
                    Missing::Slot(address, slot) => state.put_slot(address, slot, U256::from(5)),
                    Missing::BlockHash(number) => state.put_block_hash(number, [8; 32]),
                }
            }
            Err(CannotRun::Invalid(why)) => panic!("{why}"),
        }
    }
}

fn fresh() -> ChainState {
    ChainState::new(1, spec_named("prague").unwrap())
}

#[test]
fn what_is_not_known_is_missing_and_never_zero() {
    let (outcome, missed) = supplied(&mut fresh(), &call(0), SWAPS_SLOT, &vec![]);
    assert!(outcome.is_success);
    assert_eq!(U256::from_be_slice(&outcome.output), U256::from(5));
    assert!(missed.contains(&Missing::Slot(PROGRAM, U256::from(7))));
    assert!(missed.contains(&Missing::Account(SENDER)));
    let (_, missed) = supplied(&mut fresh(), &call(0), ASKS_HASH, &vec![]);
    assert!(missed.contains(&Missing::BlockHash(99)));
}

#[test]
fn a_call_changes_the_state_only_where_it_is_kept() {
    let mut state = fresh();
    let (first, _) = supplied(&mut state, &call(0), SWAPS_SLOT, &vec![]);
    let again = run(&state, &block(), &call(0), &vec![]).unwrap();
    assert_eq!((again.output, again.gas_used), (first.output.clone(), first.gas_used));
    state.keep(&first.moved);
    let after = run(&state, &block(), &call(0), &vec![]).unwrap();
    assert_eq!(U256::from_be_slice(&after.output), U256::from(9));
}

#[test]
fn an_override_is_seen_by_its_call_alone() {
    let mut state = fresh();
    let made = Override { slots: vec![(U256::from(7), U256::from(77))], ..Override::default() };
    let (outcome, missed) = supplied(&mut state, &call(0), SWAPS_SLOT, &vec![(PROGRAM, made)]);
    assert_eq!(U256::from_be_slice(&outcome.output), U256::from(77));
    assert!(!missed.contains(&Missing::Slot(PROGRAM, U256::from(7))));
    let other = Override { code: Some(Code::new(code(REVERTS))), ..Override::default() };
    let reverted = run(&state, &block(), &call(0), &vec![(PROGRAM, other)]).unwrap();
    assert_eq!((reverted.is_success, reverted.output.as_ref()), (false, b"wrong".as_slice()));
    assert!(run(&state, &block(), &call(0), &vec![]).is_err(), "the slot is still not known");
}

#[test]
fn ether_that_moves_is_told_and_nothing_of_a_call_that_reverts() {
    let (outcome, _) = supplied(&mut fresh(), &call(40), PAYS_MINER, &vec![]);
    let told: Vec<_> =
        outcome.balance_changes.iter().map(|one| (one.holder, one.before, one.after)).collect();
    let (before, less, more) = (U256::from(1_000), U256::from(960), U256::from(1_040));
    assert_eq!(told, [(SENDER, before, less), (MINER, before, more)]);
    let (outcome, _) = supplied(&mut fresh(), &call(40), REVERTS, &vec![]);
    assert_eq!((outcome.is_success, outcome.balance_changes.len()), (false, 0));
}

#[test]
fn a_call_that_no_block_would_take_is_no_outcome() {
    let mut state = fresh();
    supplied(&mut state, &call(0), REVERTS, &vec![]);
    let rich = call(2_000);
    assert!(matches!(run(&state, &block(), &rich, &vec![]), Err(CannotRun::Invalid(_))));
    let mut long = call(0);
    long.gas_limit = 40_000_000;
    assert!(matches!(run(&state, &block(), &long, &vec![]), Err(CannotRun::Invalid(_))));
}

#[test]
fn out_of_gas_is_told_as_such_and_the_access_list_has_what_was_touched() {
    let mut state = fresh();
    let (outcome, _) = supplied(&mut state, &call(0), SWAPS_SLOT, &vec![]);
    assert_eq!(outcome.access_list(&[SENDER, PROGRAM, MINER]), [(PROGRAM, vec![U256::from(7)])]);
    let mut short = call(0);
    short.gas_limit = 23_300;
    let halted = run(&state, &block(), &short, &vec![]).unwrap();
    assert!(halted.halt.unwrap().contains("OutOfGas"));
}

#[test]
fn a_hard_fork_is_found_by_its_name() {
    assert!(spec_named("cancun").is_ok());
    assert_eq!(spec_named("no such fork"), Err("no such fork".to_owned()));
}

#[test]
fn a_state_agrees_with_what_was_read_elsewhere_only_where_all_of_it_is_the_same() {
    let mut state = fresh();
    let (outcome, _) = supplied(&mut state, &call(0), SWAPS_SLOT, &vec![]);
    assert!(state.agrees(&outcome.reads));
    let mut moved = state.clone();
    moved.put_slot(PROGRAM, U256::from(7), U256::from(6));
    assert!(!moved.agrees(&outcome.reads));
    let mut paid = state.clone();
    paid.put_account(PROGRAM, U256::from(1), 1, None);
    assert!(!paid.agrees(&outcome.reads));
    let mut elsewhere = state.clone();
    elsewhere.put_slot(PROGRAM, U256::from(8), U256::from(6));
    assert!(elsewhere.agrees(&outcome.reads));
    elsewhere.forget_values();
    assert!(!elsewhere.agrees(&outcome.reads), "what is not known is not the same");
}

#[test]
fn many_calls_do_each_what_it_does_alone() {
    let mut state = fresh();
    let (alone, _) = supplied(&mut state, &call(0), SWAPS_SLOT, &vec![]);
    let mut calls = vec![call(0); 50];
    calls[7].gas_limit = 40_000_000;
    let found = run_each(&state, &block(), &calls, &vec![]);
    assert_eq!(found.len(), calls.len());
    for (place, one) in found.iter().enumerate() {
        match one {
            Ok(outcome) => assert_eq!((&outcome.output, outcome.gas_used), (&alone.output, alone.gas_used)),
            Err(CannotRun::Invalid(_)) => assert_eq!(place, 7),
            Err(CannotRun::Missing(missing)) => panic!("{missing}"),
        }
    }
}

#[test]
fn code_that_only_begins_as_a_delegation_is_an_invalid_instruction() {
    let mut state = ChainState::new(1, spec_named("prague").unwrap());
    for begun in ["ef01", "ef0100", "ef0101 0000000000000000000000000000000000000000"] {
        state.put_account(SENDER, U256::ZERO, 0, None);
        state.put_account(MINER, U256::ZERO, 0, None);
        state.put_account(PROGRAM, U256::ZERO, 1, Some(code(begun)));
        let outcome = run(&state, &block(), &call(0), &Overrides::new()).unwrap();
        assert!(!outcome.is_success && outcome.halt.is_some(), "{begun}");
    }
}
