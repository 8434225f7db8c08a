//! Swaps as the calls of a transaction tell them: who paid the pool before or within the call, and what it gave within it.
//!
//! Source: the rules of flashbots/mev-inspect-py (classifiers and swaps), as published.

use ruint::aliases::U256;
use tidemill_pools::Address;

use super::{Protocol, Swap};
use crate::block::{Call, CallKind};
use crate::transfer::{native_of_call, token_of_call, Place, Transfer};

/// Who gets what a call of a pool buys.
#[derive(Clone, Copy)]
enum Recipient {
    /// The caller.
    Caller,
    /// The address that the word at this index says.
    Word(usize),
}

/// What a selector means.
#[derive(Clone, Copy)]
enum Meaning {
    Pool(Protocol, Recipient),
    /// A way through several pools of one network, for the caller; one for another is left out, as the rules have it.
    Way(Protocol),
    /// An order of a maker, its two tokens, maker's and taker's, being the first two words.
    Order,
}

/// Returns what a call with `selector` does.
const fn meaning(selector: [u8; 4]) -> Option<Meaning> {
    use Recipient::{Caller, Word};
    Some(match selector {
        // swap(uint256,uint256,address,bytes)
        [0x02, 0x2c, 0x0d, 0x9f] => Meaning::Pool(Protocol::UniswapV2Like, Word(2)),
        // swap(address,bool,int256,uint160,bytes)
        [0x12, 0x8a, 0xcb, 0x08] => Meaning::Pool(Protocol::UniswapV3Like, Word(0)),
        // swapExactAmountIn, swapExactAmountOut
        [0x82, 0x01, 0xaa, 0x3f] | [0x7c, 0x5e, 0x9e, 0xa4] => Meaning::Pool(Protocol::BalancerV1, Caller),
        // exchange and exchange_underlying, of int128 and of uint256, with and without the choice of the native coin
        [0x3d, 0xf0, 0x21, 0x24]
        | [0xa6, 0x41, 0x7e, 0xd6]
        | [0x5b, 0x41, 0xb9, 0x08]
        | [0x39, 0x47, 0x47, 0xc5]
        | [0x65, 0xb2, 0x48, 0x9b] => Meaning::Pool(Protocol::Curve, Caller),
        // exchange(int128,int128,uint256,uint256,address), exchange(uint256,uint256,uint256,uint256,bool,address)
        [0xdd, 0xc1, 0xf5, 0x9d] => Meaning::Pool(Protocol::Curve, Word(4)),
        [0xce, 0x7d, 0x65, 0x03] => Meaning::Pool(Protocol::Curve, Word(5)),
        // convertByPath(address[],uint256,uint256,address,address,uint256)
        [0xb7, 0x7d, 0x23, 0x9b] => Meaning::Way(Protocol::Bancor),
        // fillRfqOrder, _fillRfqOrder, fillLimitOrder, _fillLimitOrder
        [0xaa, 0x77, 0x47, 0x6c]
        | [0xaa, 0x6b, 0x21, 0xcd]
        | [0xa6, 0x56, 0x18, 0x6b]
        | [0xf6, 0x27, 0x4f, 0x66]
        | [0x41, 0x4e, 0x4c, 0xcf] => Meaning::Order,
        _ => return None,
    })
}

/// Returns the swaps of one transaction's calls, those that were undone too, in the order of their calls.
pub(crate) fn swaps_of_calls(calls: &[Call], wrapped: Option<Address>) -> Vec<Swap> {
    let mut swaps = Vec::new();
    let mut prior: Vec<Transfer> = Vec::new();
    let mut outer: Option<&Call> = None;
    for (at, call) in calls.iter().enumerate() {
        let found = call.selector.and_then(meaning).filter(|_| call.kind == CallKind::Call);
        if let Some(meaning) = found {
            let rest = calls.get(at + 1..).unwrap_or_default();
            let within = within(call, rest, wrapped);
            let swap = match meaning {
                Meaning::Pool(protocol, recipient) => of_pool(call, protocol, recipient, &prior, &within),
                Meaning::Way(protocol) => of_way(call, protocol, &prior, &within),
                Meaning::Order => of_order(call, &within),
            };
            swaps.extend(swap);
        }
        if !outer.is_some_and(|outer| outer.holds(call)) {
            if let Some(transfer) = token_of_call(call, wrapped) {
                outer = Some(call);
                prior.push(transfer);
            }
        }
    }
    swaps
}

/// Returns what moved within `call`: the native coin, and tokens without those within another transfer.
fn within(call: &Call, rest: &[Call], wrapped: Option<Address>) -> Vec<Transfer> {
    let mut found = Vec::new();
    let mut outer: Option<&Call> = None;
    for inner in rest.iter().take_while(|inner| call.holds(inner)) {
        if inner.is_undone && !call.is_undone || outer.is_some_and(|outer| outer.holds(inner)) {
            continue;
        }
        if let Some(transfer) = token_of_call(inner, wrapped) {
            outer = Some(inner);
            found.push(transfer);
        } else {
            found.extend(native_of_call(inner));
        }
    }
    found
}

fn of_pool(
    call: &Call,
    protocol: Protocol,
    recipient: Recipient,
    prior: &[Transfer],
    within: &[Transfer],
) -> Option<Swap> {
    let recipient = match recipient {
        Recipient::Caller => call.from,
        Recipient::Word(index) => call.address(index)?,
    };
    let to_pool = |transfers: &[Transfer]| transfers.iter().rfind(|one| one.to == call.to).cloned();
    let paid = native_of_call(call).or_else(|| to_pool(prior)).or_else(|| to_pool(within))?;
    let mut given = within.iter().filter(|one| one.from == call.to && one.to == recipient);
    let (bought, None) = (given.next()?, given.next()) else { return None };
    Some(swap(call, protocol, &paid, bought))
}

/// Returns the swap of a whole way: the one transfer from and the one to the caller.
fn of_way(call: &Call, protocol: Protocol, prior: &[Transfer], within: &[Transfer]) -> Option<Swap> {
    let trader = call.from;
    let mut given = prior.iter().chain(within).filter(|one| one.from == trader);
    let mut got = within.iter().filter(|one| one.to == trader);
    let (paid, None, bought, None) = (given.next()?, given.next(), got.next()?, got.next()) else {
        return None;
    };
    Some(swap(call, protocol, paid, bought))
}

/// Returns the swap of an order: the taker pays the maker's price in the taker's token, and gets the maker's.
fn of_order(call: &Call, within: &[Transfer]) -> Option<Swap> {
    let (maker_token, taker_token) = (call.address(0)?, call.address(1)?);
    let moved = |token: Address| within.iter().find(|one| one.token == token && one.amount != U256::ZERO);
    let (paid, bought) = (moved(taker_token)?, moved(maker_token)?);
    Some(swap(call, Protocol::ZeroEx, paid, bought))
}

fn swap(call: &Call, protocol: Protocol, paid: &Transfer, bought: &Transfer) -> Swap {
    Swap {
        protocol,
        pool: call.to,
        pool_id: None,
        from: paid.from,
        to: bought.to,
        token_in: Some(paid.token),
        amount_in: paid.amount,
        token_out: Some(bought.token),
        amount_out: bought.amount,
        is_undone: call.is_undone,
        place: Place::Call(call.place.clone()),
    }
}
