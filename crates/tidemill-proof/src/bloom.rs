//! The 2048-bit filter that a header keeps of its logs' addresses and topics.
//!
//! Source: Ethereum yellow paper, section 4.3.1.

use tidemill_pools::{Log, Logs};

use crate::keccak::keccak256_each;

/// A filter as a header spells it.
pub type Bloom = [u8; 256];

/// The bits that one word sets.
type Bits = [u16; 3];

/// How many words are remembered: those of a block's busiest tokens come again and again.
const SLOTS: usize = 1024;

/// Returns the filter of `logs`.
pub fn bloom(logs: &Logs) -> Bloom {
    let mut bloom = [0; 256];
    LogBits::of(logs).next(logs.len(), &mut bloom);
    bloom
}

/// Adds `other`'s bits to `bloom`.
pub(crate) fn unite(bloom: &mut Bloom, other: &Bloom) {
    for (byte, more) in bloom.iter_mut().zip(other) {
        *byte |= more;
    }
}

/// Which bits the words of many logs set, each word hashed once as far as it is remembered.
pub(crate) struct LogBits {
    bits: Vec<Bits>,
    /// For each log the end of its words in `words`.
    ends: Vec<usize>,
    /// For each word of each log, which of `bits` are its own.
    words: Vec<u32>,
    logs_taken: usize,
    words_taken: usize,
}

impl LogBits {
    pub(crate) fn of(logs: &Logs) -> Self {
        let mut addresses = Remembered::default();
        let mut topics = Remembered::default();
        let mut unlike: Vec<&[u8]> = Vec::with_capacity(logs.len());
        let mut words = Vec::with_capacity(4 * logs.len());
        let mut ends = Vec::with_capacity(logs.len());
        for log in logs.iter() {
            let Log { address, topics: each, .. } = log;
            words.push(addresses.place(address, &mut unlike));
            words.extend(each.iter().map(|topic| topics.place(topic, &mut unlike)));
            ends.push(words.len());
        }
        let bits = keccak256_each(unlike.into_iter()).into_iter().map(|hash| bits_of(&hash)).collect();
        Self { bits, ends, words, logs_taken: 0, words_taken: 0 }
    }

    /// Sets the bits of the next `log_count` logs in `bloom`.
    pub(crate) fn next(&mut self, log_count: usize, bloom: &mut Bloom) {
        self.logs_taken += log_count;
        let Some(end) = self.logs_taken.checked_sub(1).and_then(|last| self.ends.get(last)) else { return };
        for word in self.words.get(self.words_taken..*end).unwrap_or_default() {
            let bits = usize::try_from(*word).ok().and_then(|place| self.bits.get(place));
            set(bloom, *bits.unwrap_or(&[0; 3]));
        }
        self.words_taken = *end;
    }
}

/// Words seen last, and where their bits will be.
///
/// Each word has one slot, so that words chosen to collide cost a hash each and no more.
struct Remembered<'w, const N: usize>(Vec<Option<(&'w [u8; N], u32)>>);

impl<const N: usize> Default for Remembered<'_, N> {
    fn default() -> Self {
        Self(vec![None; SLOTS])
    }
}

impl<'w, const N: usize> Remembered<'w, N> {
    /// Returns where in `unlike` the word is, which is added where it is not remembered.
    fn place(&mut self, word: &'w [u8; N], unlike: &mut Vec<&'w [u8]>) -> u32 {
        let slot = self.0.get_mut(slot_of(word));
        if let Some(Some((before, place))) = &slot {
            if *before == word {
                return *place;
            }
        }
        // A block has far fewer than 2^32 words; were there more, their bits would be none and the filter another.
        let place = u32::try_from(unlike.len()).unwrap_or(u32::MAX);
        unlike.push(word);
        if let Some(slot) = slot {
            *slot = Some((word, place));
        }
        place
    }
}

fn slot_of(word: &[u8]) -> usize {
    let last = word.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    // Multiplying spreads words that differ in a few bits; the product's highest 10 bits name one of 1024 slots.
    usize::try_from(last.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54).unwrap_or_default()
}

fn bits_of(hash: &[u8; 32]) -> Bits {
    let [a, b, c, d, e, f, ..] = *hash;
    [[a, b], [c, d], [e, f]].map(|pair| u16::from_be_bytes(pair) & 0x07ff)
}

fn set(bloom: &mut Bloom, bits: Bits) {
    for bit in bits {
        // Bit 0 is the lowest of the last byte.
        if let Some(byte) = bloom.get_mut(255 - usize::from(bit >> 3)) {
            *byte |= 1 << (bit & 7);
        }
    }
}

#[cfg(test)]
mod tests {
    use tidemill_pools::Hash;

    use super::*;
    use crate::keccak256;

    fn logs(each: &[(u8, &[Hash])]) -> Logs {
        let mut logs = Logs::new();
        for (byte, topics) in each {
            logs.push(&Log {
                address: &[*byte; 20],
                topics,
                data: &[],
                block_number: 0,
                block_hash: &[0; 32],
                tx_hash: &[0; 32],
                tx_index: 0,
                log_index: 0,
            });
        }
        logs
    }

    /// Sets the bits of one word as the paper says.
    fn set_slowly(bloom: &mut Bloom, word: &[u8]) {
        for pair in keccak256(word)[..6].chunks(2) {
            let bit = (usize::from(pair[0]) * 256 + usize::from(pair[1])) % 2048;
            bloom[255 - bit / 8] |= 1 << (bit % 8);
        }
    }

    #[test]
    fn no_logs_set_no_bit() {
        assert_eq!(bloom(&Logs::new()), [0; 256]);
    }

    #[test]
    fn each_word_sets_the_bits_of_its_hash() {
        let mut expected = [0; 256];
        set_slowly(&mut expected, &[0x11; 20]);
        set_slowly(&mut expected, &[0x22; 32]);
        assert_eq!(bloom(&logs(&[(0x11, &[[0x22; 32]]), (0x11, &[])])), expected);
    }

    #[test]
    fn each_receipt_has_the_bits_of_its_own_logs() {
        let all = logs(&[(1, &[[2; 32]]), (3, &[]), (1, &[[4; 32], [2; 32]])]);
        let mut bits = LogBits::of(&all);
        for (count, own) in [(0, vec![]), (2, vec![(1, vec![[2; 32]]), (3, vec![])]), (0, vec![])] {
            let mut found = [0; 256];
            bits.next(count, &mut found);
            let own: Vec<(u8, &[Hash])> =
                own.iter().map(|(byte, topics)| (*byte, topics.as_slice())).collect();
            assert_eq!(found, bloom(&logs(&own)));
        }
    }

    #[test]
    fn words_that_share_a_slot_do_not_disturb_each_other() {
        let topics: Vec<Hash> = (0..5_000_u32)
            .map(|number| std::array::from_fn(|at| if at < 4 { number.to_le_bytes()[at] } else { 0 }))
            .collect();
        let each: Vec<(u8, &[Hash])> = topics.chunks(4).map(|topics| (1, topics)).collect();
        let mut expected = [0; 256];
        set_slowly(&mut expected, &[1; 20]);
        for topic in &topics {
            set_slowly(&mut expected, topic);
        }
        assert_eq!(bloom(&logs(&each)), expected);
    }
}
