//! Keccak-256 sponges side by side in the processor's wide registers: four in 256 bits, eight in 512.
//!
//! A block's proof is thousands of short hashes that do not wait for each other.
#![allow(unsafe_code)] // two calls of functions for processors with the registers, after asking for them

#[cfg(target_arch = "x86_64")]
mod permutation;

use tidemill_pools::Hash;

/// How many bytes a sponge takes in at a time.
const RATE_BYTES: usize = 136;

/// Several states, word by word.
type States<const LANES: usize> = [[u64; LANES]; 25];

/// Proof that the processor has the registers.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(Width);

#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // nothing makes one there
enum Width {
    Four,
    Eight,
}

/// A message on its way through one lane.
struct Running<'m> {
    place: usize,
    rest: &'m [u8],
    is_padded: bool,
}

impl Lanes {
    /// Returns all that the processor can do side by side, the widest first; empty where it has no such registers.
    pub(crate) fn able() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let able = {
            let four = std::arch::is_x86_feature_detected!("avx2");
            let eight = four && std::arch::is_x86_feature_detected!("avx512f");
            [(eight, Width::Eight), (four, Width::Four)]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let able: [(bool, Width); 0] = [];
        able.into_iter().filter_map(|(is_able, width)| is_able.then_some(Self(width)))
    }

    /// Returns the hash of each of `messages`; a lane that is done takes up the next.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn keccak256_each<'m>(self, messages: impl ExactSizeIterator<Item = &'m [u8]>) -> Vec<Hash> {
        use permutation::{avx2, avx512};
        match self.0 {
            // SAFETY: `able` is the only maker of `Lanes`, and asked the processor for AVX2.
            Width::Four => hash_each(messages, |states: &mut States<4>| unsafe { avx2::permute(states) }),
            // SAFETY: as above, and for AVX-512.
            Width::Eight => hash_each(messages, |states: &mut States<8>| unsafe { avx512::permute(states) }),
        }
    }

    /// Returns nothing, for nothing makes a `Lanes` here.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn keccak256_each<'m>(self, _: impl ExactSizeIterator<Item = &'m [u8]>) -> Vec<Hash> {
        Vec::new()
    }
}

#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
fn hash_each<'m, const LANES: usize>(
    messages: impl ExactSizeIterator<Item = &'m [u8]>,
    permute: impl Fn(&mut States<LANES>),
) -> Vec<Hash> {
    let mut hashes = vec![[0; 32]; messages.len()];
    let mut messages = messages.enumerate();
    let mut states: States<LANES> = [[0; LANES]; 25];
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
        permute(&mut states);
        for (lane, running) in lanes.iter_mut().enumerate() {
            if let Some(done) = running.take_if(|running| running.is_padded) {
                if let Some(hash) = hashes.get_mut(done.place) {
                    squeeze(&states, lane, hash);
                }
            }
        }
    }
}

impl Running<'_> {
    /// Takes in the next block of the message, or its padded end.
    fn absorb<const LANES: usize>(&mut self, states: &mut States<LANES>, lane: usize) {
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

fn squeeze<const LANES: usize>(states: &States<LANES>, lane: usize, hash: &mut Hash) {
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(states) {
        *bytes = word[lane].to_le_bytes();
    }
}
