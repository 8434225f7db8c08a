//! The circles through a pool that may pay, by the rates of small amounts alone.
//!
//! A circle can pay only where the product of its rates, fees included, is above one. Rates are floats, so a circle is
//! kept while the sum of their logarithms is above a margin below zero; whether it pays is for the exact maths to say.
//! Of the pools between two tokens the best rate is known, so that a whole pair is passed over by one comparison.

use rustc_hash::FxHashSet;

use crate::cycle::Cycle;
use crate::graph::Graph;
use crate::market::Hop;

/// How far below zero a sum of logarithms may be: far more than they err, far less than a fee.
const MARGIN: f64 = 1e-9;

/// Circles found, each once.
#[derive(Debug, Default)]
pub(crate) struct Cycles {
    found: FxHashSet<Cycle>,
}

/// A circle not closed yet: the hop through the pool that was touched, and its rate.
#[derive(Clone, Copy)]
struct Opened {
    hop: Hop,
    rate: f64,
}

impl Cycles {
    /// Returns the circles, in an order that depends on the circles alone.
    pub(crate) fn into_sorted(self) -> Vec<Cycle> {
        let mut cycles: Vec<Cycle> = self.found.into_iter().collect();
        cycles.sort_unstable_by(|a, b| a.hops().cmp(b.hops()));
        cycles
    }

    /// Adds all circles of up to `hops_max` hops through a pool.
    pub(crate) fn through(&mut self, graph: &Graph, pool: u32, hops_max: usize) {
        let tokens = graph.tokens(pool);
        for token_in in tokens {
            for token_out in tokens.iter().filter(|token| *token != token_in) {
                let Some(rate) = graph.rate(pool, *token_in, *token_out) else { continue };
                let opened = Opened { hop: Hop { pool, token_in: *token_in, token_out: *token_out }, rate };
                self.of_two(graph, opened);
                if hops_max >= 3 {
                    self.of_three(graph, opened);
                }
                if hops_max >= 4 {
                    self.of_four(graph, opened);
                }
            }
        }
    }

    fn of_two(&mut self, graph: &Graph, Opened { hop, rate }: Opened) {
        let (start, middle) = (hop.token_in, hop.token_out);
        let Some(back) = graph.way(middle, start) else { return };
        for (pool, last) in back.edges() {
            if pool != hop.pool && rate + last > -MARGIN {
                self.found.insert(Cycle::new(&[hop, Hop { pool, token_in: middle, token_out: start }]));
            }
        }
    }

    fn of_three(&mut self, graph: &Graph, Opened { hop, rate }: Opened) {
        let (start, a) = (hop.token_in, hop.token_out);
        // Tokens next to both: looked for among the neighbours of the one that has fewer.
        let (fewer, other) = fewest(graph, start, a);
        for neighbour in graph.neighbours(fewer) {
            let b = neighbour.token;
            if b == other {
                continue;
            }
            let Some(near) = graph.way_of(neighbour.pair, if fewer == a { a } else { b }) else { continue };
            let far = if fewer == a { graph.way(b, start) } else { graph.way(a, b) };
            let Some(far) = far else { continue };
            if rate + near.best() + far.best() <= -MARGIN {
                continue;
            }
            let (out, back) = if fewer == a { (near, far) } else { (far, near) };
            for (second, second_rate) in out.edges() {
                let so_far = rate + second_rate;
                if second == hop.pool || so_far + back.best() <= -MARGIN {
                    continue;
                }
                for (third, third_rate) in back.edges() {
                    if third != hop.pool && third != second && so_far + third_rate > -MARGIN {
                        let second = Hop { pool: second, token_in: a, token_out: b };
                        let third = Hop { pool: third, token_in: b, token_out: start };
                        self.found.insert(Cycle::new(&[hop, second, third]));
                    }
                }
            }
        }
    }

    fn of_four(&mut self, graph: &Graph, opened: Opened) {
        let (start, a) = (opened.hop.token_in, opened.hop.token_out);
        for neighbour in graph.neighbours(a) {
            let b = neighbour.token;
            let Some(out) =
                graph.way_of(neighbour.pair, a).filter(|way| b != start && way.best().is_finite())
            else {
                continue;
            };
            let (fewer, other) = fewest(graph, b, start);
            for next in graph.neighbours(fewer) {
                let c = next.token;
                if c == other || c == a {
                    continue;
                }
                let (Some(over), Some(back)) = (graph.way(b, c), graph.way(c, start)) else { continue };
                if opened.rate + out.best() + over.best() + back.best() > -MARGIN {
                    self.close_four(opened, (b, c), [&out, &over, &back]);
                }
            }
        }
    }

    fn close_four(&mut self, opened: Opened, (b, c): (u32, u32), ways: [&crate::graph::Way<'_>; 3]) {
        let Opened { hop, rate } = opened;
        let (start, a) = (hop.token_in, hop.token_out);
        let [out, over, back] = ways;
        for (second, second_rate) in out.edges().filter(|(pool, _)| *pool != hop.pool) {
            for (third, third_rate) in over.edges().filter(|(pool, _)| *pool != hop.pool && *pool != second) {
                let so_far = rate + second_rate + third_rate;
                if so_far + back.best() <= -MARGIN {
                    continue;
                }
                for (fourth, fourth_rate) in back.edges() {
                    let is_new = fourth != hop.pool && fourth != second && fourth != third;
                    if is_new && so_far + fourth_rate > -MARGIN {
                        let second = Hop { pool: second, token_in: a, token_out: b };
                        let third = Hop { pool: third, token_in: b, token_out: c };
                        let fourth = Hop { pool: fourth, token_in: c, token_out: start };
                        self.found.insert(Cycle::new(&[hop, second, third, fourth]));
                    }
                }
            }
        }
    }
}

/// Returns the token with fewer neighbours, then the other.
fn fewest(graph: &Graph, a: u32, b: u32) -> (u32, u32) {
    if graph.neighbours(a).len() <= graph.neighbours(b).len() {
        (a, b)
    } else {
        (b, a)
    }
}
