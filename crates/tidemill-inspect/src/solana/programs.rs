//! The programs that are known by their addresses.

/// The native coin's mint, wrapped.
pub(crate) const WSOL: &str = "So11111111111111111111111111111111111111112";
/// The program that moves lamports.
pub(crate) const SYSTEM: &str = "11111111111111111111111111111111";
/// The programs that move tokens.
pub(crate) const TOKEN: [&str; 2] =
    ["TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"];
/// The bonding curves, which move lamports without an instruction.
pub(crate) const PUMP: &str = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P";

/// Exchanges, by address.
const EXCHANGES: [(&str, &str); 16] = [
    ("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8", "raydium_v4"),
    ("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK", "raydium_clmm"),
    ("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C", "raydium_cpmm"),
    ("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc", "orca_whirlpool"),
    ("9W959DqEETiGZocYWCQPaJ6sBmUzgfxXfqGeTEdp3aQP", "orca_v2"),
    ("DjVE6JNiYqPL2QXyCUUh8rNjHrbz9hXHNYt99MQ59qw1", "orca_v1"),
    ("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo", "meteora_dlmm"),
    ("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB", "meteora_damm_v1"),
    ("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG", "meteora_damm_v2"),
    ("PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY", "phoenix"),
    ("opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EQMQvR", "openbook_v2"),
    ("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX", "openbook_v1"),
    ("EewxydAPCCVuNEyrVN68PuSYdQ7wKn27V9Gjeoi8dy3S", "lifinity_v1"),
    ("2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c", "lifinity_v2"),
    ("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA", "pump_swap"),
    (PUMP, "pump_fun"),
];

/// Routers, by address.
const ROUTERS: [(&str, &str); 2] = [
    ("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4", "jupiter_v6"),
    ("6m2CDdhRgxpH4WjvdzxAYbGxwdGUz5MziiL5jek2kBma", "okx"),
];

/// Accounts that a block builder's auction is paid through.
const TIP_ACCOUNTS: [&str; 8] = [
    "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
    "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
    "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
    "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
    "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
    "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
    "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
    "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
];

/// Returns the name of the exchange at `address`.
pub(crate) fn exchange(address: &str) -> Option<&'static str> {
    EXCHANGES.iter().find(|(known, _)| *known == address).map(|(_, name)| *name)
}

/// Returns the name of the router at `address`.
pub(crate) fn router(address: &str) -> Option<&'static str> {
    ROUTERS.iter().find(|(known, _)| *known == address).map(|(_, name)| *name)
}

/// Says whether what is paid to `address` is a tip.
pub(crate) fn is_tip(address: &str) -> bool {
    TIP_ACCOUNTS.contains(&address)
}
