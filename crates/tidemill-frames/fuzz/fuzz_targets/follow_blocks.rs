//! Whatever logs and records come, pools follow, quote, step back and load, or refuse; nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{
    Address, Amount, Applied, EventColumns, Factory, Hash, Head, Log, Logs, Patch, PoolSet, U256,
};

const V2_FACTORY: Address = [0xf2; 20];
const V3_FACTORY: Address = [0xf3; 20];
const PAIR: Address = [0xa2; 20];
const POOL: Address = [0xa3; 20];
const STEPS_MAX: usize = 200;

/// Kinds of logs: who emits it, its first topic, how many topics and words of data it should have.
const KINDS: [(Address, &str, usize, usize); 11] = [
    (V2_FACTORY, "0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9", 3, 2),
    (V3_FACTORY, "783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118", 4, 2),
    (PAIR, "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1", 1, 2),
    (PAIR, "d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822", 3, 4),
    (PAIR, "4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f", 2, 2),
    (PAIR, "dccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496", 3, 2),
    (POOL, "98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95", 1, 2),
    (POOL, "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde", 4, 4),
    (POOL, "0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c", 4, 3),
    (POOL, "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67", 3, 5),
    (POOL, "19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83", 3, 7),
];

fuzz_target!(|bytes: &[u8]| Chain::new(bytes).run());

/// A chain whose every step is read from the input.
struct Chain<'a> {
    rest: &'a [u8],
    pools: PoolSet,
    waiting: Logs,
    applied: Vec<(Patch, Applied)>,
}

impl<'a> Chain<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, pools: set(), waiting: Logs::new(), applied: Vec::new() }
    }

    fn run(mut self) {
        // Most inputs would find no pool to change, so that these two are there from the start.
        self.log(0, &[address(&[1; 20]), address(&[2; 20]), address(&PAIR), U256::ONE]);
        let fee = [U256::from(3_000), U256::from(60), address(&POOL)];
        self.log(1, &[&[address(&[1; 20]), address(&[2; 20])], &fee[..]].concat());
        for _ in 0..STEPS_MAX {
            let Some(step) = self.byte() else { break };
            match step % 16 {
                kind @ 0..=10 => self.any_log(kind.into()),
                11 | 12 => self.seal(),
                13 => self.revert(),
                14 => self.quote(),
                _ => self.load(),
            }
        }
        self.seal();
        while !self.applied.is_empty() {
            self.revert();
        }
        assert!(self.pools.is_empty(), "what was undone to the first block is empty");
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Reads a word: mostly of a size that means something to a pool, sometimes any.
    fn word(&mut self) -> U256 {
        let value = U256::from(self.byte().unwrap_or(0));
        match self.byte().unwrap_or(0) % 8 {
            0 => value,
            1 => value * U256::from(60),
            2 => (value * U256::from(60)).wrapping_neg(),
            3 => U256::from(1_u8) << (value.to::<usize>() % 256),
            4 => (value + U256::ONE) << 92_usize,
            5 => address(&PAIR),
            6 => address(&POOL),
            _ => {
                let taken = self.rest.len().min(32);
                let (word, rest) = self.rest.split_at(taken);
                self.rest = rest;
                U256::from_be_slice(word)
            }
        }
    }

    fn any_log(&mut self, kind: usize) {
        let (_, _, topics, words) = KINDS[kind];
        let fields: Vec<_> = (1..topics + words).map(|_| self.word()).collect();
        self.log(kind, &fields);
    }

    fn log(&mut self, kind: usize, fields: &[U256]) {
        let (emitter, name, topic_count, _) = KINDS[kind];
        let mut topics = vec![hash(name)];
        topics.extend(fields.iter().take(topic_count - 1).map(U256::to_be_bytes::<32>));
        let words = fields.iter().skip(topic_count - 1);
        let mut data: Vec<u8> = words.flat_map(U256::to_be_bytes::<32>).collect();
        if self.rest.first() == Some(&0xee) {
            data.pop();
        }
        let head = self.head();
        let log_index = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.waiting.push(&Log {
            address: &emitter,
            topics: &topics,
            data: &data,
            block_number: head.number,
            block_hash: &head.hash,
            tx_hash: &[3; 32],
            tx_index: 0,
            log_index,
        });
    }

    fn head(&self) -> Head {
        let number = self.applied.len() as u64;
        Head {
            number,
            hash: [u8::try_from(number).unwrap_or(u8::MAX); 32],
            parent_hash: [0; 32],
            timestamp_s: number,
            ..Head::default()
        }
    }

    /// Applies the block; its redo must do to the state before what its logs did.
    fn seal(&mut self) {
        let before = self.pools.records();
        let mut again = self.pools.clone();
        let logs = std::mem::take(&mut self.waiting);
        let applied = self.pools.apply_block(&self.head(), logs.iter(), 0, &mut EventColumns::default());
        let applied = applied.expect("the logs are of the block and in order");
        again.patch(&applied.redo).expect("what we wrote can be read");
        assert_eq!(again.records(), self.pools.records(), "redone as it was done");
        self.applied.push((before, applied));
    }

    /// Undoes the newest block; the state must be what it was before it.
    fn revert(&mut self) {
        let Some((before, applied)) = self.applied.pop() else { return };
        self.waiting.clear();
        let undo = Patch::from_bytes(&applied.undo.to_bytes()).expect("what we wrote can be read");
        self.pools.patch(&undo).expect("what we wrote can be read");
        assert_eq!(self.pools.records(), before, "undone to what it was");
    }

    /// Quotes and swaps either way: what a whole amount costs, it buys at least.
    fn quote(&mut self) {
        let (size, side) = (self.word(), self.byte().unwrap_or(0));
        for tracked in self.pools.iter() {
            let mut pool = tracked.pool.clone();
            let _ = pool.spot_price();
            let _ = pool.quote(side % 2 == 0, Amount::In(size));
            if let Ok(quote) = pool.quote(side % 2 == 0, Amount::Out(size)) {
                assert_eq!(quote.amount_out, size);
            }
            let _ = pool.swap(side % 2 == 0, if side < 128 { Amount::In(size) } else { Amount::Out(size) });
        }
    }

    /// Loads the records as they are, which gives the same pools, and then with one of them spoilt.
    fn load(&mut self) {
        let records = self.pools.records();
        let mut loaded = set();
        loaded.patch(&records).expect("what we wrote can be read");
        assert_eq!(loaded.records(), records);
        let mut bytes = records.to_bytes();
        let place = usize::from(self.byte().unwrap_or(0)) * 7 % bytes.len().max(1);
        let spoiler = self.byte().unwrap_or(0);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= spoiler;
        }
        let Ok(spoilt) = Patch::from_bytes(&bytes) else { return };
        let mut odd = set();
        let _ = odd.patch(&spoilt);
        for tracked in odd.iter() {
            let _ = tracked.pool.quote(true, Amount::In(U256::from(1_000_000)));
            let _ = tracked.pool.quote(false, Amount::Out(U256::from(1_000_000)));
        }
    }
}

fn set() -> PoolSet {
    let factory = |address, protocol: &str| Factory {
        address,
        protocol: protocol.into(),
        dex: "fuzzed".into(),
        fee: Fee::UNISWAP,
    };
    PoolSet::new("fuzz", 1, [factory(V2_FACTORY, "uniswap_v2"), factory(V3_FACTORY, "uniswap_v3")])
}

fn address(bytes: &Address) -> U256 {
    U256::from_be_slice(bytes)
}

fn hash(hex: &str) -> Hash {
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap_or(0))
}
