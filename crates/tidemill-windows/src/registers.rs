//! The registers of some asked rows beside each other, so that each step is made of all of them at once.

use crate::plan::Plan;

/// So many rows at most: their registers fit the second-level cache.
const ROWS_MAX: usize = 64;

/// Registers, each of some rows.
pub struct Registers {
    rows: usize,
    values: Vec<f64>,
    /// Where in the answer each of the filled rows is told.
    filled: Vec<usize>,
    /// The first register of what is computed.
    first: usize,
}

impl Registers {
    /// Makes those of so many rows of a plan, or of as many as are made at once.
    pub fn new(plan: &Plan, rows: usize) -> Self {
        let rows = rows.clamp(1, ROWS_MAX);
        let read = plan.facts.len() + plan.constants.len();
        let computed = read + plan.reads.len();
        let mut values = vec![f64::NAN; (computed + plan.steps.len()) * rows];
        let constants = values.chunks_exact_mut(rows).skip(plan.facts.len());
        for (constant, held) in plan.constants.iter().zip(constants) {
            held.fill(*constant);
        }
        Self { rows, values, filled: Vec::with_capacity(rows), first: computed }
    }

    /// Sets a register of the row that is filled.
    pub fn set(&mut self, register: usize, value: f64) {
        if let Some(held) = self.values.get_mut(register * self.rows + self.filled.len()) {
            *held = value;
        }
    }

    /// Ends a row, whose features are told at `at`.
    pub fn next(&mut self, at: usize, plan: &Plan, features: &mut [Vec<f64>]) {
        self.filled.push(at);
        if self.filled.len() == self.rows {
            self.tell(plan, features);
        }
    }

    /// Tells the features of all rows that are filled.
    pub fn tell(&mut self, plan: &Plan, features: &mut [Vec<f64>]) {
        let (rows, filled) = (self.rows, self.filled.len());
        for (step, register) in plan.steps.iter().zip(self.first..) {
            let Some((before, rest)) = self.values.split_at_mut_checked(register * rows) else { return };
            if let Some(into) = rest.get_mut(..filled) {
                step.apply(before, rows, into);
            }
        }
        for (output, column) in plan.outputs.iter().zip(features) {
            let first = output.register * rows;
            for (value, at) in
                self.values.get(first..first + filled).unwrap_or_default().iter().zip(&self.filled)
            {
                if let Some(cell) = column.get_mut(*at) {
                    *cell = output.told(*value);
                }
            }
        }
        self.filled.clear();
    }
}
