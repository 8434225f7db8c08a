//! Who gained and who lost what: the sum over all parties of every token is zero by how it is kept.

use std::collections::BTreeMap;

use ruint::Uint;
use rustc_hash::FxHashSet;
use tidemill_pools::Address;

use crate::transfer::{Transfer, NATIVE};

/// Wide enough for 2^63 amounts of 256 bits.
pub type Sum = Uint<320, 5>;

/// What one party got and gave of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// All that it got.
    pub gained: Sum,
    /// All that it gave.
    pub given: Sum,
}

impl Flow {
    /// Returns whether less came in than went out, and the difference.
    pub fn net(&self) -> (bool, Sum) {
        if self.gained >= self.given {
            (false, self.gained - self.given)
        } else {
            (true, self.given - self.gained)
        }
    }

    /// Says whether as much came as went.
    pub fn is_even(&self) -> bool {
        self.gained == self.given
    }

    /// Says whether more came than went.
    pub fn is_gain(&self) -> bool {
        self.gained > self.given
    }

    /// Says whether more went than came.
    pub fn is_loss(&self) -> bool {
        self.gained < self.given
    }

    fn add(&mut self, other: &Self) {
        self.gained += other.gained;
        self.given += other.given;
    }
}

/// The flows of one transaction, by party and token; the wrapped native coin and the native coin are one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    flows: BTreeMap<(Address, Address), Flow>,
}

impl Ledger {
    /// Enters `transfers`; those of `wrapped` are entered as the native coin.
    pub fn of(transfers: &[Transfer], wrapped: Option<Address>) -> Self {
        let mut ledger = Self::default();
        for transfer in transfers {
            let token = if Some(transfer.token) == wrapped { NATIVE } else { transfer.token };
            let amount = Sum::from(transfer.amount);
            ledger.flows.entry((transfer.from, token)).or_default().given += amount;
            ledger.flows.entry((transfer.to, token)).or_default().gained += amount;
        }
        ledger
    }

    /// Returns each party, token and flow that is not even.
    pub fn deltas(&self) -> impl Iterator<Item = (&Address, &Address, &Flow)> {
        self.flows
            .iter()
            .filter(|(_, flow)| !flow.is_even())
            .map(|((party, token), flow)| (party, token, flow))
    }

    /// Returns what `parties` together gained or lost, by token; what they gave each other is even.
    pub fn of_parties(&self, parties: &[Address]) -> BTreeMap<Address, Flow> {
        let parties: FxHashSet<&Address> = parties.iter().collect();
        let mut found: BTreeMap<Address, Flow> = BTreeMap::new();
        for ((party, token), flow) in &self.flows {
            if parties.contains(party) {
                found.entry(*token).or_default().add(flow);
            }
        }
        found.retain(|_, flow| !flow.is_even());
        found
    }

    /// Returns what `party` gained or lost of `token`.
    pub fn of_party(&self, party: Address, token: Address) -> Flow {
        self.flows.get(&(party, token)).copied().unwrap_or_default()
    }

    /// Returns every party.
    pub fn parties(&self) -> Vec<Address> {
        let mut parties: Vec<Address> = self.flows.keys().map(|(party, _)| *party).collect();
        parties.dedup();
        parties
    }

    /// Returns the flows of `party`, by token, with those that are even.
    pub fn of_one(&self, party: Address) -> impl Iterator<Item = (&Address, &Flow)> {
        let range = (party, [0; 20])..=(party, [0xff; 20]);
        self.flows.range(range).map(|((_, token), flow)| (token, flow))
    }
}
