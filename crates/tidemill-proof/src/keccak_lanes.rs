//! Four Keccak-256 sponges side by side in the processor's 256-bit registers.
//!
//! A block's proof is thousands of short hashes that do not wait for each other: taken four at a time they cost
//! about a third. Source of the permutation: the Keccak reference, version 3.0, section 1.2.
#![allow(unsafe_code)] // one call of a function for processors with AVX2, after asking whether this is one

use tidemill_pools::Hash;

const LANES: usize = 4;
/// How many bytes a sponge takes in at a time.
const RATE_BYTES: usize = 136;

/// Four states, word by word.
type States = [[u64; LANES]; 25];

/// Proof that the processor has the registers.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(());

/// A message on its way through one lane.
struct Running<'m> {
    place: usize,
    rest: &'m [u8],
    is_padded: bool,
}

impl Lanes {
    /// Returns absent where the processor does not have the registers.
    pub(crate) fn new() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Some(Self(()));
        }
        None
    }

    /// Returns the hash of each of `messages`; a lane that is done takes up the next.
    pub(crate) fn keccak256_each<'m>(self, messages: impl ExactSizeIterator<Item = &'m [u8]>) -> Vec<Hash> {
        let mut hashes = vec![[0; 32]; messages.len()];
        let mut messages = messages.enumerate();
        let mut states: States = [[0; LANES]; 25];
        let mut lanes: [Option<Running<'m>>; LANES] = [const { None }; LANES];
        loop {
            for (lane, running) in lanes.iter_mut().enumerate() {
                if running.is_none() {
                    for word in &mut states {
                        word[lane] = 0;
                    }
                    *running = messages.next().map(|(place, rest)| Running { place, rest, is_padded: false });
                }
                if let Some(running) = running {
                    running.absorb(&mut states, lane);
                }
            }
            if lanes.iter().all(Option::is_none) {
                return hashes;
            }
            self.permute(&mut states);
            for (lane, running) in lanes.iter_mut().enumerate() {
                if let Some(done) = running.take_if(|running| running.is_padded) {
                    if let Some(hash) = hashes.get_mut(done.place) {
                        squeeze(&states, lane, hash);
                    }
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[allow(clippy::unused_self)] // it is the proof that AVX2 is here
    fn permute(self, states: &mut States) {
        // SAFETY: `new` is the only maker of `Lanes`, and asked the processor for AVX2.
        unsafe { avx2::permute(states) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[allow(clippy::unused_self)] // nothing makes a `Lanes` here
    fn permute(self, _states: &mut States) {}
}

impl Running<'_> {
    /// Takes in the next block of the message, or its padded end.
    fn absorb(&mut self, states: &mut States, lane: usize) {
        let mut block = [0; RATE_BYTES];
        if let Some((whole, rest)) = self.rest.split_first_chunk() {
            self.rest = rest;
            block = *whole;
        } else {
            for (byte, from) in block.iter_mut().zip(self.rest) {
                *byte = *from;
            }
            block[self.rest.len()] = 0x01;
            block[RATE_BYTES - 1] |= 0x80;
            self.is_padded = true;
        }
        for (word, bytes) in states.iter_mut().zip(block.as_chunks().0) {
            word[lane] ^= u64::from_le_bytes(*bytes);
        }
    }
}

fn squeeze(states: &States, lane: usize, hash: &mut Hash) {
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(states) {
        *bytes = word[lane].to_le_bytes();
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_andnot_si256, _mm256_extract_epi64, _mm256_or_si256, _mm256_set1_epi64x,
        _mm256_set_epi64x, _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_xor_si256,
    };

    use super::States;

    const ROUND_CONSTANTS: [u64; 24] = [
        0x0000_0000_0000_0001,
        0x0000_0000_0000_8082,
        0x8000_0000_0000_808a,
        0x8000_0000_8000_8000,
        0x0000_0000_0000_808b,
        0x0000_0000_8000_0001,
        0x8000_0000_8000_8081,
        0x8000_0000_0000_8009,
        0x0000_0000_0000_008a,
        0x0000_0000_0000_0088,
        0x0000_0000_8000_8009,
        0x0000_0000_8000_000a,
        0x0000_0000_8000_808b,
        0x8000_0000_0000_008b,
        0x8000_0000_0000_8089,
        0x8000_0000_0000_8003,
        0x8000_0000_0000_8002,
        0x8000_0000_0000_0080,
        0x0000_0000_0000_800a,
        0x8000_0000_8000_000a,
        0x8000_0000_8000_8081,
        0x8000_0000_0000_8080,
        0x0000_0000_8000_0001,
        0x8000_0000_8000_8008,
    ];

    /// How far each word is turned, by x + 5y.
    const TURNS: [i32; 25] =
        [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14];

    /// Does what follows for each of five places, written out: the registers are too few to count in.
    macro_rules! each {
        ($at:ident => $does:block) => {{
            {
                const $at: usize = 0;
                $does
            }
            {
                const $at: usize = 1;
                $does
            }
            {
                const $at: usize = 2;
                $does
            }
            {
                const $at: usize = 3;
                $does
            }
            {
                const $at: usize = 4;
                $does
            }
        }};
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn turn<const LEFT: i32, const RIGHT: i32>(word: __m256i) -> __m256i {
        _mm256_or_si256(_mm256_slli_epi64::<LEFT>(word), _mm256_srli_epi64::<RIGHT>(word))
    }

    /// Permutes the four states.
    #[target_feature(enable = "avx2")]
    pub(super) fn permute(states: &mut States) {
        let mut words = [_mm256_setzero_si256(); 25];
        for (word, [a, b, c, d]) in words.iter_mut().zip(states.iter()) {
            *word = _mm256_set_epi64x(d.cast_signed(), c.cast_signed(), b.cast_signed(), a.cast_signed());
        }
        for constant in ROUND_CONSTANTS {
            words = round(&words);
            words[0] = _mm256_xor_si256(words[0], _mm256_set1_epi64x(constant.cast_signed()));
        }
        for (word, state) in words.into_iter().zip(states) {
            *state = [
                _mm256_extract_epi64::<0>(word).cast_unsigned(),
                _mm256_extract_epi64::<1>(word).cast_unsigned(),
                _mm256_extract_epi64::<2>(word).cast_unsigned(),
                _mm256_extract_epi64::<3>(word).cast_unsigned(),
            ];
        }
    }

    /// Returns the words after theta, rho, pi and chi.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn round(words: &[__m256i; 25]) -> [__m256i; 25] {
        let zero = _mm256_setzero_si256();
        let mut columns = [zero; 5];
        each!(X => {
            let upper = _mm256_xor_si256(words[X], words[X + 5]);
            let lower = _mm256_xor_si256(words[X + 10], words[X + 15]);
            columns[X] = _mm256_xor_si256(_mm256_xor_si256(upper, lower), words[X + 20]);
        });
        let mut moved = [zero; 25];
        each!(X => {
            let change = _mm256_xor_si256(columns[(X + 4) % 5], turn::<1, 63>(columns[(X + 1) % 5]));
            each!(Y => {
                let word = _mm256_xor_si256(words[X + 5 * Y], change);
                let turned = turn::<{ TURNS[X + 5 * Y] }, { 64 - TURNS[X + 5 * Y] }>(word);
                moved[Y + 5 * ((2 * X + 3 * Y) % 5)] = turned;
            });
        });
        let mut next = [zero; 25];
        each!(Y => {
            each!(X => {
                let mixed = _mm256_andnot_si256(moved[(X + 1) % 5 + 5 * Y], moved[(X + 2) % 5 + 5 * Y]);
                next[X + 5 * Y] = _mm256_xor_si256(moved[X + 5 * Y], mixed);
            });
        });
        next
    }
}
