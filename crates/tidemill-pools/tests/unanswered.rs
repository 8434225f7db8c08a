//! Which recorded answers are not tried, and why: the guide lists them, and says no more than there is.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use std::collections::BTreeMap;

use serde_json::Value;
use shared::read;

/// Kinds of Balancer's V3 pools whose swaps are tried elsewhere.
const BALANCER_V3: [&str; 4] = ["WEIGHTED", "STABLE", "LIQUIDITY_BOOTSTRAPPING", "QUANT_AMM_WEIGHTED"];

const BALANCER_MATHS: [&str; 17] = [
    "1-21671845-Buffer-csUSDC",
    "1-21671845-Buffer-waEthLidoWETH",
    "1-21671845-Buffer-waEthUSDC",
    "1-22247251-StableSurgeHook",
    "1-22524240-QuantAMM",
    "1-23511249-GyroECLP-Barter",
    "11155111-10434442-FixedPriceLBP-MTK-USDC",
    "11155111-7439300-Stable-stataUSDC-stataUSDT",
    "11155111-7439300-Weighted-USDC-DAI",
    "11155111-7748718-GyroECLP",
    "11155111-8085514-LBP-BAL-DAI",
    "8453-31094200-ReClamm-WETH-USDC-In-Range",
    "8453-31094380-ReClamm-WETH-USDC-Same-Timestamp",
    "8453-31094381-ReClamm-WETH-USDC-Out-Of-Range",
    "8453-32632378-ReClamm-V2",
    "8453-32641745-ReClamm-V2-Out-Of-Range",
    "buffer-manual",
];

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

/// Swaps in pools of kinds that are not built in.
fn of_other_kinds(found: &mut Unanswered) -> Option<()> {
    for name in BALANCER_MATHS {
        let recording: Value = serde_json::from_str(&read(&format!("balancer/maths/{name}.json"))?).unwrap();
        let kind = recording["pool"]["poolType"].as_str().unwrap();
        if !BALANCER_V3.contains(&kind) {
            let reason = "a kind of pool that is not built in".to_owned();
            let count = recording["swaps"].as_array().unwrap().len();
            *found.entry((format!("balancer/maths, {kind}"), reason)).or_default() += count;
        }
    }
    Some(())
}

#[test]
fn the_guide_lists_every_recorded_answer_that_is_not_tried_and_why() {
    let mut found = Unanswered::new();
    if without_state(&mut found).and_then(|()| of_other_kinds(&mut found)).is_none() {
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
