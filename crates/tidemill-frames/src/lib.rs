//! JSON-RPC frames of a chain's node to heads, logs, receipts and answers; no I/O.
//!
//! Unknown fields are passed over, so that a newer node is understood; what is needed and missing, or spelt in
//! another way than the specification says, is refused by name.

mod announced;
mod answered;
mod batch;
mod error;
mod frame;
mod head;
mod hex;
mod log;
mod order;
mod receipts;
mod recorded;

pub use announced::LogPlace;
pub use batch::{read_frames, Heard, HeardIn};
pub use error::FrameError;
pub use frame::{read_frame, Frame};
pub use head::parse_head;
pub use hex::{parse_bytes, Hex};
pub use log::parse_logs;
pub use order::{blocks, merge, reject_duplicates, BlockLogs};
pub use receipts::{parse_receipts, BlockReceipts};
pub use recorded::{read_entries, Entry};
