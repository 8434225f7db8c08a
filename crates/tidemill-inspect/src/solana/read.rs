//! Answers to `getTransaction` and `getBlock`, alone, in a list, or in an answer's `result`.

use serde::Deserialize;
use serde_json::value::RawValue;
use tidemill_frames::FrameError;

use super::{Held, Instruction, TokenAccount, Tx};

#[derive(Deserialize)]
#[serde(expecting = "an answer")]
struct Document<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    transactions: Option<&'a RawValue>,
    slot: Option<u64>,
    meta: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "a transaction and its meta")]
struct RawTx {
    slot: Option<u64>,
    transaction: RawSigned,
    meta: RawMeta,
}

#[derive(Deserialize)]
struct RawSigned {
    signatures: Vec<String>,
    message: RawMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    account_keys: Vec<RawKey>,
    instructions: Vec<RawInstruction>,
}

/// An account's address, alone or with what `jsonParsed` adds.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawKey {
    Plain(String),
    Parsed { pubkey: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawInstruction {
    program_id_index: usize,
    accounts: Vec<usize>,
    data: String,
    stack_height: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMeta {
    err: Option<serde::de::IgnoredAny>,
    fee: u64,
    pre_balances: Vec<u64>,
    post_balances: Vec<u64>,
    #[serde(default)]
    pre_token_balances: Option<Vec<RawBalance>>,
    #[serde(default)]
    post_token_balances: Option<Vec<RawBalance>>,
    #[serde(default)]
    inner_instructions: Option<Vec<RawInner>>,
    #[serde(default)]
    loaded_addresses: Option<RawLoaded>,
    #[serde(default)]
    compute_units_consumed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBalance {
    account_index: usize,
    mint: String,
    owner: Option<String>,
    ui_token_amount: RawAmount,
}

#[derive(Deserialize)]
struct RawAmount {
    amount: String,
}

#[derive(Deserialize)]
struct RawInner {
    index: usize,
    instructions: Vec<RawInstruction>,
}

#[derive(Deserialize, Default)]
struct RawLoaded {
    writable: Vec<String>,
    readonly: Vec<String>,
}

/// A list of answers, each with a block, which has a list of transactions.
const LEVELS_MAX: u8 = 5;

/// Reads the transactions of a document.
pub(super) fn read(document: &[u8]) -> Result<Vec<Tx>, FrameError> {
    read_within(document, None, LEVELS_MAX)
}

fn read_within(document: &[u8], slot: Option<u64>, levels: u8) -> Result<Vec<Tx>, FrameError> {
    let text = document.trim_ascii_start();
    let Some(levels) = levels.checked_sub(1) else {
        return Err(FrameError::new("transactions", "no more lists and answers within each other", text));
    };
    let json =
        |error| FrameError::json("transactions", "what getTransaction or getBlock answers", &error, text);
    if text.starts_with(b"[") {
        let txs: Vec<&RawValue> = serde_json::from_slice(text).map_err(json)?;
        let read = txs.into_iter().map(|raw| read_within(raw.get().as_bytes(), slot, levels));
        return Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
    }
    let parts: Document<'_> = serde_json::from_slice(text).map_err(json)?;
    if let Some(error) = parts.error {
        return Err(FrameError::new("transactions", "an answer", error.get().as_bytes()));
    }
    if let Some(within) = parts.result.or(parts.transactions) {
        return read_within(within.get().as_bytes(), parts.slot.or(slot), levels);
    }
    if parts.meta.is_none() {
        return Err(FrameError::new("transactions", "a transaction with its meta", text));
    }
    let raw: RawTx = serde_json::from_slice(text).map_err(json)?;
    Ok(vec![raw.tx(slot)?])
}

impl RawTx {
    fn tx(self, slot: Option<u64>) -> Result<Tx, FrameError> {
        let Self { slot: own_slot, transaction, meta } = self;
        let mut tx = Tx {
            signature: transaction.signatures.first().cloned().unwrap_or_default(),
            slot: own_slot.or(slot),
            is_success: meta.err.is_none(),
            fee_lamports: meta.fee,
            signature_count: u64::try_from(transaction.signatures.len()).unwrap_or(u64::MAX),
            compute_units: meta.compute_units_consumed,
            ..Tx::default()
        };
        accounts(&mut tx, transaction.message.account_keys, meta.loaded_addresses)?;
        if meta.pre_balances.len() != tx.accounts.len() || meta.post_balances.len() != tx.accounts.len() {
            let found = meta.pre_balances.len().to_string();
            return Err(odd("balances", format!("one of each of {} accounts", tx.accounts.len()), &found));
        }
        tx.lamports = meta.pre_balances.into_iter().zip(meta.post_balances).collect();
        balances(&mut tx, meta.pre_token_balances, |account, held| account.before = Some(held))?;
        balances(&mut tx, meta.post_token_balances, |account, held| account.after = Some(held))?;
        let inner = meta.inner_instructions.unwrap_or_default();
        instructions(&mut tx, transaction.message.instructions, inner)?;
        Ok(tx)
    }
}

fn accounts(tx: &mut Tx, keys: Vec<RawKey>, loaded: Option<RawLoaded>) -> Result<(), FrameError> {
    for key in keys {
        tx.accounts.push(match key {
            RawKey::Plain(address) | RawKey::Parsed { pubkey: address } => address,
        });
    }
    if let Some(loaded) = loaded {
        tx.accounts.extend(loaded.writable);
        tx.accounts.extend(loaded.readonly);
    }
    for address in &tx.accounts {
        let mut bytes = [0; 32];
        if bs58::decode(address).onto(&mut bytes) != Ok(32) {
            return Err(odd("account", "an address, 32 bytes in base 58".to_owned(), address));
        }
    }
    Ok(())
}

fn balances(
    tx: &mut Tx,
    told: Option<Vec<RawBalance>>,
    set: impl Fn(&mut TokenAccount, Held),
) -> Result<(), FrameError> {
    for raw in told.into_iter().flatten() {
        let amount = raw.ui_token_amount.amount.parse();
        let amount = amount.map_err(|_| {
            odd("token balance", "a number below 2^64".to_owned(), &raw.ui_token_amount.amount)
        })?;
        if raw.account_index >= tx.accounts.len() {
            return Err(odd(
                "token balance",
                "an account of the transaction".to_owned(),
                &raw.account_index.to_string(),
            ));
        }
        let account = tx.token_accounts.entry(raw.account_index).or_default();
        set(account, Held { mint: raw.mint, owner: raw.owner, amount });
    }
    Ok(())
}

/// Puts those that an instruction made right after it.
fn instructions(tx: &mut Tx, own: Vec<RawInstruction>, inner: Vec<RawInner>) -> Result<(), FrameError> {
    let mut inner_of: std::collections::BTreeMap<usize, Vec<RawInstruction>> =
        std::collections::BTreeMap::new();
    for made in inner {
        inner_of.entry(made.index).or_default().extend(made.instructions);
    }
    for (index, raw) in own.into_iter().enumerate() {
        let made = inner_of.remove(&index).unwrap_or_default();
        let own = raw.instruction(1, tx.accounts.len())?;
        tx.instructions.push(own);
        for raw in made {
            // Older nodes do not say how deep: then all are told as made by the instruction itself.
            let depth = raw.stack_height.unwrap_or(2);
            let made = raw.instruction(depth, tx.accounts.len())?;
            tx.instructions.push(made);
        }
    }
    match inner_of.keys().next() {
        Some(index) => {
            Err(odd("inner instructions", "an instruction that made them".to_owned(), &index.to_string()))
        }
        None => Ok(()),
    }
}

impl RawInstruction {
    fn instruction(self, depth: u32, account_count: usize) -> Result<Instruction, FrameError> {
        let data = bs58::decode(&self.data).into_vec();
        let data = data.map_err(|_| odd("instruction data", "base 58".to_owned(), &self.data))?;
        let highest = self.accounts.iter().copied().chain([self.program_id_index]).max();
        if let Some(index) = highest.filter(|index| *index >= account_count) {
            return Err(odd("instruction", "an account of the transaction".to_owned(), &index.to_string()));
        }
        Ok(Instruction { program: self.program_id_index, accounts: self.accounts, data, depth })
    }
}

fn odd(place: &'static str, expected: String, found: &str) -> FrameError {
    FrameError::new(place, expected, found.as_bytes())
}
