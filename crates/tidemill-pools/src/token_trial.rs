//! Does a token move as an ordinary one does: tried on the chain's own state, in questions that change nothing.
//!
//! A holder of the token is made to pay a stranger and to be paid back (state overrides put `probe.vy` where the two
//! are); whoever gets less than was paid meets a fee. Then each number in storage that the balances of several holders
//! depend on is made a sixteenth larger and smaller; a balance that follows is one that rebases.

use ruint::aliases::U256;
use rustc_hash::FxHashSet;
use serde::Deserialize;

use crate::chain::Address;

/// The probe's code as a contract has it, compiled with Vyper 0.4.3.
const PROBE: &str = include_str!("token_trial/probe.hex");
const PROBE_CALL: &str = "28082048";
const BALANCE_OF: &str = "70a08231";
/// Where nobody is.
const STRANGER: Address = [0x74; 20];
/// Holders whose balances show which numbers are shared, beside the token itself.
const OTHERS: [Address; 3] =
    [[0; 20], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xde, 0xad], STRANGER];
const PLACES_MAX: usize = 8;
/// Units by which a balance that is kept in shares misses an amount.
const ROUNDING: U256 = U256::from_limbs([2, 0, 0, 0]);
/// What stands for the chain's own token.
const NATIVE: [Address; 2] = [[0; 20], [0xee; 20]];

/// How a token's balances move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenNature {
    /// As a pool reckons: what one gives the other gets, and nothing changes by itself.
    Ordinary,
    /// Who is paid gets less than who pays gives.
    FeeOnTransfer,
    /// Balances can change without a transfer.
    Rebasing,
    /// Its balances are not told, or it refuses to be paid out or back.
    Unmovable,
}

impl TokenNature {
    /// Returns its name in events and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::FeeOnTransfer => "fee_on_transfer",
            Self::Rebasing => "rebasing",
            Self::Unmovable => "unmovable",
        }
    }
}

/// A JSON-RPC question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialQuestion {
    /// Its method.
    pub method: &'static str,
    /// Its parameters, a JSON array.
    pub params: String,
}

/// A number in storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    address: String,
    slot: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessLists {
    access_list: Vec<Access>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    address: String,
    storage_keys: Vec<String>,
}

#[derive(Debug, Clone)]
enum Stage {
    Moving,
    Listing { balance: U256 },
    Reading { balance: U256, places: Vec<Place> },
    Changing { balance: U256 },
    Over(Option<TokenNature>),
}

/// The trial of one token.
#[derive(Debug, Clone)]
pub struct TokenTrial {
    token: Address,
    holder: Address,
    block: u64,
    stage: Stage,
    questions: Vec<TrialQuestion>,
}

impl TokenTrial {
    /// Returns the trial of a token that `holder` has, on the state after `block`.
    pub fn new(token: Address, holder: Address, block: u64) -> Self {
        let mut trial = Self { token, holder, block, stage: Stage::Moving, questions: Vec::new() };
        if NATIVE.contains(&token) {
            trial.end(Some(TokenNature::Ordinary));
        } else {
            trial.questions.push(trial.probe());
        }
        trial
    }

    /// Returns what to ask next; nothing once it is over.
    pub fn questions(&self) -> &[TrialQuestion] {
        &self.questions
    }

    /// Returns what was found, once it is over; `Some(None)` where that cannot be told: the holder has none of the
    /// token, or the node knows no state overrides or no access lists.
    pub const fn found(&self) -> Option<Option<TokenNature>> {
        match self.stage {
            Stage::Over(found) => Some(found),
            _ => None,
        }
    }

    /// Takes the results of the questions in their order, as JSON; `None` where the node refused one.
    pub fn answer(&mut self, answers: &[Option<&[u8]>]) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over(None));
        self.questions.clear();
        match stage {
            Stage::Moving => self.on_moved(answers),
            Stage::Listing { balance } => self.on_lists(balance, answers),
            Stage::Reading { balance, places } => self.on_values(balance, &places, answers),
            Stage::Changing { balance } => {
                let follows = |answer: Option<&[u8]>| {
                    word(answer).is_some_and(|found| !found.is_zero() && found != balance)
                };
                let is_rebasing = answers.iter().copied().any(follows);
                self.end(Some(if is_rebasing { TokenNature::Rebasing } else { TokenNature::Ordinary }));
            }
            Stage::Over(found) => self.end(found),
        }
    }

    fn end(&mut self, found: Option<TokenNature>) {
        self.stage = Stage::Over(found);
    }

    fn on_moved(&mut self, answers: &[Option<&[u8]>]) {
        let numbers = answers.first().copied().flatten().and_then(numbers);
        let nature = numbers.as_deref().and_then(nature_of);
        let balance = numbers.as_deref().and_then(|numbers| numbers.first().copied());
        match (nature, balance) {
            (Some(TokenNature::Ordinary), Some(balance)) => {
                let owners = [self.holder].into_iter().chain(OTHERS).chain([self.token]);
                self.questions = owners.map(|owner| self.access_list(&owner)).collect();
                self.stage = Stage::Listing { balance };
            }
            _ => self.end(nature),
        }
    }

    fn on_lists(&mut self, balance: U256, answers: &[Option<&[u8]>]) {
        let mut lists = answers.iter().map(|answer| places(*answer));
        let own = lists.next().unwrap_or_default();
        if own.is_empty() {
            return self.end(None); // a balance is kept somewhere: the node does not say where
        }
        let others: FxHashSet<Place> = lists.flatten().collect();
        let mut shared: Vec<Place> = own.intersection(&others).cloned().collect();
        shared.sort();
        shared.truncate(PLACES_MAX);
        if shared.is_empty() {
            return self.end(Some(TokenNature::Ordinary));
        }
        let block = self.block;
        let stored = |place: &Place| TrialQuestion {
            method: "eth_getStorageAt",
            params: format!(r#"["{}","{}","{block:#x}"]"#, place.address, place.slot),
        };
        self.questions = shared.iter().map(stored).collect();
        self.stage = Stage::Reading { balance, places: shared };
    }

    fn on_values(&mut self, balance: U256, places: &[Place], answers: &[Option<&[u8]>]) {
        let mut asked = Vec::new();
        for (place, answer) in places.iter().zip(answers) {
            let Some(value) = word(*answer).filter(|value| !value.is_zero()) else { continue };
            let part = (value >> 4usize) + U256::ONE;
            for other in [value.wrapping_add(part), value.wrapping_sub(part)] {
                asked.push(self.balance_where(place, other));
            }
        }
        if asked.is_empty() {
            return self.end(Some(TokenNature::Ordinary));
        }
        self.questions = asked;
        self.stage = Stage::Changing { balance };
    }

    fn probe(&self) -> TrialQuestion {
        let (holder, stranger) = (hex(&self.holder), hex(&STRANGER));
        let data = format!("{PROBE_CALL}{}{}", padded(&self.token), padded(&STRANGER));
        let code = PROBE.trim();
        let overrides =
            format!(r#"{{"0x{holder}":{{"code":"0x{code}"}},"0x{stranger}":{{"code":"0x{code}"}}}}"#);
        let block = self.block;
        let params = format!(r#"[{{"to":"0x{holder}","data":"0x{data}"}},"{block:#x}",{overrides}]"#);
        TrialQuestion { method: "eth_call", params }
    }

    fn access_list(&self, owner: &Address) -> TrialQuestion {
        let params = format!(r#"[{},"{:#x}"]"#, self.balance_call(owner), self.block);
        TrialQuestion { method: "eth_createAccessList", params }
    }

    fn balance_where(&self, place: &Place, value: U256) -> TrialQuestion {
        let Place { address, slot } = place;
        let overrides = format!(r#"{{"{address}":{{"stateDiff":{{"{slot}":"0x{value:064x}"}}}}}}"#);
        let params = format!(r#"[{},"{:#x}",{overrides}]"#, self.balance_call(&self.holder), self.block);
        TrialQuestion { method: "eth_call", params }
    }

    fn balance_call(&self, owner: &Address) -> String {
        format!(r#"{{"to":"0x{}","data":"0x{BALANCE_OF}{}"}}"#, hex(&self.token), padded(owner))
    }
}

/// Returns what the probe's numbers say of a token; `None` where the holder has none of it.
fn nature_of(numbers: &[U256]) -> Option<TokenNature> {
    if numbers.first().is_some_and(U256::is_zero) {
        return None;
    }
    let &[holder0, stranger0, given, holder1, stranger1, ref rest @ ..] = numbers else {
        return Some(TokenNature::Unmovable);
    };
    let mut misses = vec![missed(holder0, holder1, given), missed(stranger1, stranger0, given)];
    if let &[back, holder2, stranger2] = rest {
        misses.extend([missed(holder2, holder1, back), missed(stranger1, stranger2, back)]);
    }
    let most = misses.into_iter().max().unwrap_or_default();
    Some(if most > ROUNDING {
        TokenNature::FeeOnTransfer
    } else if rest.is_empty() {
        TokenNature::Unmovable
    } else if most.is_zero() {
        TokenNature::Ordinary
    } else {
        TokenNature::Rebasing
    })
}

/// Returns by how much `more` less `less` misses `amount`.
fn missed(more: U256, less: U256, amount: U256) -> U256 {
    more.checked_sub(less).map_or(U256::MAX, |moved| moved.abs_diff(amount))
}

/// Returns the numbers of the probe's answer; `None` where another code answered, or none.
fn numbers(result: &[u8]) -> Option<Vec<U256>> {
    let found = bytes(result)?;
    let words: Vec<U256> = found.chunks(32).map(U256::try_from_be_slice).collect::<Option<_>>()?;
    let [offset, count, numbers @ ..] = words.as_slice() else { return None };
    let is_told = found.len() % 32 == 0 && *offset == U256::from(32) && *count == U256::from(numbers.len());
    (is_told && matches!(numbers.len(), 0 | 2 | 5 | 8)).then(|| numbers.to_vec())
}

/// Returns what a balance is read from.
fn places(result: Option<&[u8]>) -> FxHashSet<Place> {
    let told = result.and_then(|result| serde_json::from_slice::<AccessLists>(result).ok());
    let accesses = told.into_iter().flat_map(|told| told.access_list);
    let of = |access: Access| {
        let address = access.address;
        access.storage_keys.into_iter().map(move |slot| Place { address: address.clone(), slot })
    };
    // What is put into questions again is hexadecimal, or it is none.
    let is_plain = |text: &str| text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    accesses.flat_map(of).filter(|place| is_plain(&place.address) && is_plain(&place.slot)).collect()
}

fn word(result: Option<&[u8]>) -> Option<U256> {
    let found = bytes(result?)?;
    (found.len() == 32).then(|| U256::try_from_be_slice(&found))?
}

/// Returns the bytes of a JSON string such as "0x12ab".
fn bytes(result: &[u8]) -> Option<Vec<u8>> {
    let text: &str = serde_json::from_slice(result).ok()?;
    const_hex::decode(text.strip_prefix("0x")?).ok()
}

fn hex(address: &Address) -> String {
    const_hex::encode(address)
}

fn padded(address: &Address) -> String {
    format!("{:0>64}", hex(address))
}

#[cfg(test)]
#[path = "token_trial/tests.rs"]
mod tests;
