//! Swaps as the logs of a transaction tell them; what a pool's log leaves out, its tokens, its transfers say.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use super::sides::{Side, Sides, Wanted};
use super::{Protocol, Swap};
use crate::block::Event;
use crate::transfer::{hash, Place, Transfer};

const V2: Hash = hash("d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822");
const SOLIDLY: Hash = hash("b3e2773606abfd36b5bd91394b3a54d1398336c65005baf7bf7a05efeffaf75b");
const V3: Hash = hash("c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67");
const PANCAKE_V3: Hash = hash("19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83");
const V4: Hash = hash("40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f");
const BALANCER_V1: Hash = hash("908fb5ee8f16c6bc9bc3690973819f32a4d4b10188134543c88706e0e1d43378");
const BALANCER_V2: Hash = hash("2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b");
const CURVE: Hash = hash("8b3e96f2b889fa771c53c981b40daf005f63f637f1869f707052d15a3dd97140");
const CURVE_UNDERLYING: Hash = hash("d013ca23e77a65003c2c659c5442c00c805371b7fc1ebd4c206c41d1536bd90b");
const CURVE_CRYPTO: Hash = hash("b2e76ae99761dc136e598d4a629bb347eccb9532a5f8bbd72e18467c3c34cc98");
const CURVE_CRYPTO_NG: Hash = hash("143f1f8e861fbdeddd5b46e844b7d3ac7b86a122f36e8c463859ee6811b1f29c");
const BANCOR: Hash = hash("7154b38b5dd31bb3122436a96d4e09aba5b323ae1fd580025fab55074334c095");
const DODO: Hash = hash("c2c0245e056d5fb095f04cd6373bc770802ebd1e6c918eb78fdef843cdb37b0f");
const BALANCER_V3: Hash = hash("0874b2d545cb271cdbda4e093020c452328b24af12382ed62c4d00f5c26709db");
const ZERO_EX_LIMIT: Hash = hash("ab614d2b738543c0ea21f56347cf696a3a0c42a7cbec3212a5ca22a4dcff2124");
const ZERO_EX_RFQ: Hash = hash("829fa99d94dc4636925b38632e625736a614c154d55006b7ab6bea979c210c32");

/// What a log says by itself.
struct Told {
    protocol: Protocol,
    pool_id: Option<Hash>,
    /// Who called and who was paid, as the log names them; the transfers know better who paid.
    named: (Option<Address>, Option<Address>),
    tokens: Option<(Address, Address)>,
    amount_in: U256,
    amount_out: U256,
}

/// Returns the swaps of one transaction's logs, in their order.
pub(crate) fn swaps_of_logs(logs: &[Event], transfers: &[Transfer]) -> Vec<Swap> {
    let sides = Sides::of(transfers);
    logs.iter().filter_map(|log| told(log).map(|told| swap(log, &told, &sides))).collect()
}

fn told(log: &Event) -> Option<Told> {
    let one = |protocol, amount_in, amount_out| Told {
        protocol,
        pool_id: None,
        named: (log.topic_address(1), log.topic_address(2)),
        tokens: None,
        amount_in,
        amount_out,
    };
    Some(match *log.topics.first()? {
        V2 => pair(log, Protocol::UniswapV2Like)?,
        SOLIDLY => pair(log, Protocol::SolidlyLike)?,
        V3 | PANCAKE_V3 => {
            let (amount_in, amount_out) = opposite(log.word(0)?, log.word(1)?)?;
            one(Protocol::UniswapV3Like, amount_in, amount_out)
        }
        V4 => {
            // The pool manager counts from its caller's side: what the caller owes is below zero.
            let (amount_out, amount_in) = opposite(log.word(0)?, log.word(1)?)?;
            let pool_id = log.topics.get(1).copied();
            Told {
                pool_id,
                named: (log.topic_address(2), log.topic_address(2)),
                ..one(Protocol::UniswapV4, amount_in, amount_out)
            }
        }
        BALANCER_V1 => {
            let tokens = Some((log.topic_address(2)?, log.topic_address(3)?));
            let named = (log.topic_address(1), log.topic_address(1));
            Told { named, tokens, ..one(Protocol::BalancerV1, log.word(0)?, log.word(1)?) }
        }
        topic @ (BALANCER_V2 | BALANCER_V3) => {
            let protocol = if topic == BALANCER_V2 { Protocol::BalancerV2 } else { Protocol::BalancerV3 };
            let tokens = Some((log.topic_address(2)?, log.topic_address(3)?));
            let pool_id = log.topics.get(1).copied();
            Told { tokens, pool_id, named: (None, None), ..one(protocol, log.word(0)?, log.word(1)?) }
        }
        CURVE | CURVE_UNDERLYING | CURVE_CRYPTO | CURVE_CRYPTO_NG => {
            let named = (log.topic_address(1), log.topic_address(1));
            Told { named, ..one(Protocol::Curve, log.word(1)?, log.word(3)?) }
        }
        BANCOR => {
            let tokens = Some((log.topic_address(2)?, log.topic_address(3)?));
            let trader = log.address_at(2);
            Told { tokens, named: (trader, trader), ..one(Protocol::Bancor, log.word(0)?, log.word(1)?) }
        }
        DODO => {
            let tokens = Some((log.address_at(0)?, log.address_at(1)?));
            let named = (log.address_at(4), log.address_at(5));
            Told { named, tokens, ..one(Protocol::Dodo, log.word(2)?, log.word(3)?) }
        }
        topic @ (ZERO_EX_RFQ | ZERO_EX_LIMIT) => {
            // Words: order, maker, taker, (whoever gets a fee,) maker's token, taker's token, taker's amount, maker's amount.
            let at = if topic == ZERO_EX_RFQ { 3 } else { 4 };
            let tokens = Some((log.address_at(at + 1)?, log.address_at(at)?));
            let named = (log.address_at(2), log.address_at(2));
            Told { named, tokens, ..one(Protocol::ZeroEx, log.word(at + 2)?, log.word(at + 3)?) }
        }
        _ => return None,
    })
}

/// Returns what a pair's log says: two amounts in, two out. Where both tokens went in, the one that went in more than out counts.
fn pair(log: &Event, protocol: Protocol) -> Option<Told> {
    let [in0, in1, out0, out1] = [log.word(0)?, log.word(1)?, log.word(2)?, log.word(3)?];
    let (amount_in, amount_out) = match (in0 > out0, in1 > out1) {
        (true, false) => (in0 - out0, out1 - in1),
        (false, true) => (in1 - out1, out0 - in0),
        _ => return None,
    };
    Some(Told {
        protocol,
        pool_id: None,
        named: (log.topic_address(1), log.topic_address(2)),
        tokens: None,
        amount_in,
        amount_out,
    })
}

/// Returns the positive of two signed words, and what the other one is below zero.
fn opposite(one: U256, other: U256) -> Option<(U256, U256)> {
    let is_negative = |word: U256| word.bit(255);
    match (is_negative(one), is_negative(other)) {
        (false, true) => Some((one, other.wrapping_neg())),
        (true, false) => Some((other, one.wrapping_neg())),
        _ => None,
    }
}

fn swap(log: &Event, told: &Told, sides: &Sides<'_>) -> Swap {
    let (token_in, token_out) = told.tokens.unzip();
    let got = Wanted { side: Side::Got, amount: told.amount_in, token: token_in, apart: None };
    let paid = sides.nearest(log, got);
    let gave = Wanted {
        side: Side::Gave,
        amount: told.amount_out,
        token: token_out,
        apart: paid.map(|one| one.token),
    };
    let bought = sides.nearest(log, gave);
    let named = told.named;
    Swap {
        protocol: told.protocol,
        pool: log.address,
        pool_id: told.pool_id,
        from: paid.map(|one| one.from).or(named.0).unwrap_or(log.address),
        to: bought.map(|one| one.to).or(named.1).unwrap_or(log.address),
        token_in: token_in.or(paid.map(|one| one.token)),
        amount_in: told.amount_in,
        token_out: token_out.or(bought.map(|one| one.token)),
        amount_out: told.amount_out,
        is_undone: false,
        place: Place::Log(log.log_index),
    }
}
