//! The permutation Keccak-f[1600] on several states at once, in registers of 256 or of 512 bits.
//!
//! Source: the Keccak reference, version 3.0, section 1.2.

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

/// Writes out the permutation with the enclosing module's `Word` and what it does with words.
macro_rules! permutation {
    ($feature:literal, $lanes:literal) => {
        /// Permutes the states.
        #[target_feature(enable = $feature)]
        pub(in super::super) fn permute(states: &mut States<$lanes>) {
            let mut words = [zero(); 25];
            for (word, state) in words.iter_mut().zip(states.iter()) {
                *word = load(*state);
            }
            for constant in ROUND_CONSTANTS {
                words = round(&words);
                words[0] = xor(words[0], load([constant; $lanes]));
            }
            for (word, state) in words.into_iter().zip(states) {
                *state = store(word);
            }
        }

        /// Returns the words after theta, rho, pi and chi.
        #[inline]
        #[target_feature(enable = $feature)]
        fn round(words: &[Word; 25]) -> [Word; 25] {
            let mut columns = [zero(); 5];
            each!(X => {
                columns[X] = xor3(xor3(words[X], words[X + 5], words[X + 10]), words[X + 15], words[X + 20]);
            });
            let mut moved = [zero(); 25];
            each!(X => {
                let turned = turn::<1, 63>(columns[(X + 1) % 5]);
                each!(Y => {
                    let word = xor3(words[X + 5 * Y], columns[(X + 4) % 5], turned);
                    let turned = turn::<{ TURNS[X + 5 * Y] }, { 64 - TURNS[X + 5 * Y] }>(word);
                    moved[Y + 5 * ((2 * X + 3 * Y) % 5)] = turned;
                });
            });
            let mut next = [zero(); 25];
            each!(Y => {
                each!(X => {
                    let (second, third) = (moved[(X + 1) % 5 + 5 * Y], moved[(X + 2) % 5 + 5 * Y]);
                    next[X + 5 * Y] = chi(moved[X + 5 * Y], second, third);
                });
            });
            next
        }
    };
}

/// Four states.
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m256i as Word, _mm256_andnot_si256 as and_not, _mm256_extract_epi64 as extract,
        _mm256_or_si256 as or, _mm256_set_epi64x, _mm256_setzero_si256 as zero, _mm256_slli_epi64 as left,
        _mm256_srli_epi64 as right, _mm256_xor_si256 as xor,
    };

    use super::{States, ROUND_CONSTANTS, TURNS};

    permutation!("avx2", 4);

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(state: [u64; 4]) -> Word {
        let [a, b, c, d] = state.map(u64::cast_signed);
        _mm256_set_epi64x(d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(word: Word) -> [u64; 4] {
        [extract::<0>(word), extract::<1>(word), extract::<2>(word), extract::<3>(word)]
            .map(i64::cast_unsigned)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn xor3(one: Word, two: Word, three: Word) -> Word {
        xor(xor(one, two), three)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn turn<const LEFT: i32, const RIGHT: i32>(word: Word) -> Word {
        or(left::<LEFT>(word), right::<RIGHT>(word))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn chi(first: Word, second: Word, third: Word) -> Word {
        xor(first, and_not(second, third))
    }
}

/// Eight states.
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512i as Word, _mm256_extract_epi64 as extract, _mm512_extracti64x4_epi64 as half,
        _mm512_rol_epi64, _mm512_set_epi64, _mm512_setzero_si512 as zero, _mm512_ternarylogic_epi64 as logic,
        _mm512_xor_si512 as xor,
    };

    use super::{States, ROUND_CONSTANTS, TURNS};

    permutation!("avx512f,avx2", 8);

    #[inline]
    #[target_feature(enable = "avx512f,avx2")]
    fn load(state: [u64; 8]) -> Word {
        let [a, b, c, d, e, f, g, h] = state.map(u64::cast_signed);
        _mm512_set_epi64(h, g, f, e, d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx2")]
    fn store(word: Word) -> [u64; 8] {
        let (low, high) = (half::<0>(word), half::<1>(word));
        let low = [extract::<0>(low), extract::<1>(low), extract::<2>(low), extract::<3>(low)];
        let high = [extract::<0>(high), extract::<1>(high), extract::<2>(high), extract::<3>(high)];
        let [[a, b, c, d], [e, f, g, h]] = [low, high];
        [a, b, c, d, e, f, g, h].map(i64::cast_unsigned)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx2")]
    fn xor3(one: Word, two: Word, three: Word) -> Word {
        logic::<0b1001_0110>(one, two, three)
    }

    /// `RIGHT` is what the other module needs beside it.
    #[inline]
    #[target_feature(enable = "avx512f,avx2")]
    fn turn<const LEFT: i32, const RIGHT: i32>(word: Word) -> Word {
        _mm512_rol_epi64::<LEFT>(word)
    }

    /// The truth table of: first, xor not second and third.
    #[inline]
    #[target_feature(enable = "avx512f,avx2")]
    fn chi(first: Word, second: Word, third: Word) -> Word {
        logic::<0b1101_0010>(first, second, third)
    }
}
