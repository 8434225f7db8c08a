//! A block's header to its hash, for chains whose headers have the standard's fields.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::bloom::Bloom;
use crate::keccak256;
use crate::rlp::{list_len, write_list, write_number, write_string, write_uint256};

/// What every header has, in the order in which it is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// Hash of the block before it.
    pub parent_hash: Hash,
    /// Hash of the list of uncles.
    pub uncles_hash: Hash,
    /// Who gets the fees.
    pub miner: Address,
    /// Root of the state after the block.
    pub state_root: Hash,
    /// Root of the transactions.
    pub transactions_root: Hash,
    /// Root of the receipts.
    pub receipts_root: Hash,
    /// Filter of the logs.
    pub logs_bloom: &'a Bloom,
    /// Difficulty; zero since the merge.
    pub difficulty: U256,
    /// Block number.
    pub number: u64,
    /// Gas its transactions might have used.
    pub gas_limit: u64,
    /// Gas its transactions used.
    pub gas_used: u64,
    /// The block's time, s since 1970-01-01 UTC.
    pub timestamp_s: u64,
    /// Whatever its maker wrote there.
    pub extra_data: &'a [u8],
    /// Mix hash, the beacon's randomness since the merge.
    pub mix_hash: Hash,
    /// Nonce.
    pub nonce: [u8; 8],
    /// What later forks added; what a block does not have is left out.
    pub later: LaterFields,
}

/// What forks added to the header, in the order in which it is hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaterFields {
    /// Base fee, wei per gas: since London.
    pub base_fee_wei: Option<U256>,
    /// Root of the withdrawals: since Shanghai.
    pub withdrawals_root: Option<Hash>,
    /// Gas its blobs used: since Cancun.
    pub blob_gas_used: Option<u64>,
    /// Gas of blobs above the target: since Cancun.
    pub excess_blob_gas: Option<u64>,
    /// Root of the beacon's block before it: since Cancun.
    pub parent_beacon_block_root: Option<Hash>,
    /// Hash of the requests to the beacon: since Prague.
    pub requests_hash: Option<Hash>,
}

impl Header<'_> {
    /// Returns the block's hash.
    pub fn hash(&self) -> Hash {
        let mut fields = Vec::with_capacity(1024);
        write_string(&mut fields, &self.parent_hash);
        write_string(&mut fields, &self.uncles_hash);
        write_string(&mut fields, &self.miner);
        write_string(&mut fields, &self.state_root);
        write_string(&mut fields, &self.transactions_root);
        write_string(&mut fields, &self.receipts_root);
        write_string(&mut fields, self.logs_bloom);
        write_uint256(&mut fields, self.difficulty);
        for number in [self.number, self.gas_limit, self.gas_used, self.timestamp_s] {
            write_number(&mut fields, number);
        }
        write_string(&mut fields, self.extra_data);
        write_string(&mut fields, &self.mix_hash);
        write_string(&mut fields, &self.nonce);
        self.later.write_into(&mut fields);
        let mut header = Vec::with_capacity(list_len(fields.len()));
        write_list(&mut header, fields.len());
        header.extend_from_slice(&fields);
        keccak256(&header)
    }
}

impl LaterFields {
    fn write_into(&self, fields: &mut Vec<u8>) {
        if let Some(fee) = self.base_fee_wei {
            write_uint256(fields, fee);
        }
        if let Some(root) = &self.withdrawals_root {
            write_string(fields, root);
        }
        for gas in [self.blob_gas_used, self.excess_blob_gas].into_iter().flatten() {
            write_number(fields, gas);
        }
        for hash in [&self.parent_beacon_block_root, &self.requests_hash].into_iter().flatten() {
            write_string(fields, hash);
        }
    }
}
