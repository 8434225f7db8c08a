//! Which recorded answers are not tried, and why: the guide lists them, and says no more than there is.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use std::collections::BTreeMap;

use serde_json::Value;
use shared::balancer::{buffer_answers, BUFFERS};
use shared::read;

/// Answers that are not tried, by what they are and why.
type Unanswered = BTreeMap<(String, String), usize>;

/// Answers of blocks other than the one whose state was recorded.
fn without_state(found: &mut Unanswered) -> Option<()> {
    for line in read("amm_onchain_golden/vectors.jsonl")?.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let state = vector["pool_state"].as_str().unwrap().trim_end_matches(".json");
        let Some((_, block)) = state.rsplit_once("_block_") else { continue };
        if vector["block"].as_u64() != block.parse().ok() {
            let name =
                state.rsplit('/').next().unwrap().trim_end_matches(&format!("_block_{block}")).to_owned();
            let reason = format!("told at other blocks than {block}, the only one whose state was recorded");
            *found.entry((format!("amm_onchain_golden, {name}"), reason)).or_default() += 1;
        }
    }
    Some(())
}

/// Answers of buffers that the recorded rate, cut to a unit, does not settle.
fn of_cut_rates(found: &mut Unanswered) -> Option<()> {
    for (recording, is_cautious) in BUFFERS {
        let answers = buffer_answers(recording, is_cautious)?;
        let unsettled = answers.iter().filter(|answer| answer.found != answer.told).count();
        if unsettled > 0 {
            let reason =
                "asked at a rate that was recorded cut to a unit: between what it and the next one give";
            found.insert((format!("balancer/maths, {recording}"), reason.to_owned()), unsettled);
        }
    }
    Some(())
}

#[test]
fn the_guide_lists_every_recorded_answer_that_is_not_tried_and_why() {
    let mut found = Unanswered::new();
    if without_state(&mut found).and_then(|()| of_cut_rates(&mut found)).is_none() {
        return;
    }
    let guide = include_str!("../../../docs/guide/pools.md");
    let listed: Vec<&str> = guide
        .lines()
        .skip_while(|line| *line != "| recorded answers | how many | why not |")
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected: Vec<String> =
        found.iter().map(|((what, why), count)| format!("| {what} | {count} | {why} |")).collect();
    println!("recorded answers that are not tried:\n{}", expected.join("\n"));
    assert_eq!(listed, expected);
}
