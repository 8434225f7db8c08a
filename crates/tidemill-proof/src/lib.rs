//! What a block's header commits to, recomputed from what a node told: receipts root, logs bloom, block hash.
//!
//! Nothing here reads JSON, and nothing is believed: a root that equals the header's proves every log of the block,
//! because no other list of receipts has it.

mod bloom;
mod header;
mod keccak;
mod keccak_lanes;
mod receipts;
mod rlp;
mod trie;

pub use bloom::{bloom, Bloom};
pub use header::{Header, LaterFields};
pub use keccak::keccak256;
pub use receipts::{prove, Deposit, Outcome, Proof, Receipt};
pub use trie::ordered_root;
