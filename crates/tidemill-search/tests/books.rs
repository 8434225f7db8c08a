//! Order books as legs: what a taker is paid, sized with pools against brute force, and told with their levels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pools;

use pools::{product, ranged, stable, weighted, AnyPool};
use proptest::prelude::*;
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::{Address, Head, PoolError, PoolSet, PoolSpec, U256};
use tidemill_search::{
    size, BookTerms, ChainOptions, ChainSearch, Effort, HopKind, Leg, Level, NamedBook, OrderBook, Trade,
};

const ONE: u128 = 1_000_000_000_000_000_000;

fn book_terms(quote_decimals: u8, taker_fee_ppm: u32, lot_size: u128) -> BookTerms {
    BookTerms { base_decimals: 18, quote_decimals, taker_fee_ppm, lot_size, size_min: 0 }
}

fn book_of(terms: BookTerms, bids: &[(u128, u128)], asks: &[(u128, u128)]) -> OrderBook {
    let mut book = OrderBook::new(terms).unwrap();
    let [bids, asks] = [bids, asks]
        .map(|side| side.iter().map(|(price, size)| Level { price: *price, size: *size }).collect());
    book.set_levels(bids, asks).unwrap();
    book
}

fn book(terms: (u8, u8, u32, u128), bids: &[(u128, u128)], asks: &[(u128, u128)]) -> OrderBook {
    let (base_decimals, quote_decimals, taker_fee_ppm, lot_size) = terms;
    let terms = BookTerms { base_decimals, quote_decimals, taker_fee_ppm, lot_size, size_min: 0 };
    book_of(terms, bids, asks)
}

#[test]
fn a_taker_walks_the_levels_pays_the_fee_and_trades_whole_lots() {
    // WBTC of 8 decimals in USDC of 6: bids of 60000 for 0.5 and 59900 for 1, asks of 60100 for 0.25 and 60200 for 2.
    let deep = book(
        (8, 6, 1_000, ONE / 1_000),
        &[(60_000 * ONE, ONE / 2), (59_900 * ONE, ONE)],
        &[(60_100 * ONE, ONE / 4), (60_200 * ONE, 2 * ONE)],
    );
    let out = |trade, amount: u64| deep.amount_out(trade, U256::from(amount));
    // 0.7005 BTC is 0.700 in lots: 0.5 at 60000 and 0.2 at 59900 are 41980, less a thousandth.
    assert_eq!(out(Trade::Sell, 70_050_000), Ok(U256::from(41_938_020_000_u64)));
    assert_eq!(out(Trade::Sell, 70_000_000), out(Trade::Sell, 70_099_999));
    // 21045 USDC buy 0.25 for 15025 and 0.1 for 6020.
    assert_eq!(out(Trade::Buy, 21_045_000_000), Ok(U256::from(34_965_000)));
    assert_eq!(out(Trade::Buy, 21_044_999_999), Ok(U256::from(34_865_100)), "a unit less buys a lot less");
    let least = BookTerms { size_min: ONE / 4, ..*deep.terms() };
    let refuses = OrderBook::new(least).map(|mut book| {
        book.set_levels(deep.levels(Trade::Sell).to_vec(), deep.levels(Trade::Buy).to_vec()).unwrap();
        [
            (Trade::Sell, 25_099_999),
            (Trade::Sell, 24_999_999),
            (Trade::Buy, 15_024_999_999),
            (Trade::Buy, 15_025_000_000),
        ]
        .map(|(trade, amount): (Trade, u64)| book.amount_out(trade, U256::from(amount)).err())
    });
    assert_eq!(
        refuses,
        Ok([None, Some(PoolError::Small), Some(PoolError::Small), None]),
        "a least size of 0.25"
    );
    assert_eq!(out(Trade::Sell, 99_999), Err(PoolError::Small));
    assert_eq!(out(Trade::Buy, 60_099_999), Err(PoolError::Small));
    assert_eq!(out(Trade::Sell, 150_100_000), Err(PoolError::Insufficient));
    assert_eq!(out(Trade::Buy, 135_425_000_001), Err(PoolError::Insufficient));
    assert_eq!(deep.taken(Trade::Sell, U256::from(50_000_000)).len(), 1);
    assert_eq!(deep.taken(Trade::Sell, U256::from(50_000_001)).len(), 2);
    assert_eq!(deep.taken(Trade::Buy, U256::from(15_025_000_000_u64)).len(), 1);
}

#[test]
fn levels_out_of_order_and_terms_out_of_range_are_refused() {
    let level = |price, size| Level { price, size };
    let mut flat = book((18, 18, 0, 1), &[], &[]);
    assert_eq!(flat.amount_out(Trade::Sell, U256::from(1)), Err(PoolError::Insufficient));
    for (bids, asks, problem) in [
        (vec![level(1, 1), level(2, 1)], vec![], PoolError::PriceLimit),
        (vec![], vec![level(2, 1), level(2, 1)], PoolError::PriceLimit),
        (vec![level(1, 0)], vec![], PoolError::Empty),
    ] {
        assert_eq!(flat.set_levels(bids, asks), Err(problem));
    }
    let terms = book_terms(18, 0, 1);
    assert!(OrderBook::new(BookTerms { taker_fee_ppm: 1_000_000, ..terms }).is_err());
    assert!(OrderBook::new(BookTerms { lot_size: 0, ..terms }).is_err());
    assert!(OrderBook::new(BookTerms { base_decimals: 39, ..terms }).is_err());
}

/// Books of tokens without decimals, whose prices are around one.
fn small_book() -> impl Strategy<Value = OrderBook> {
    book_of_lots(prop_oneof![Just((1_u128, 0_u128)), Just((3, 0)), Just((10, 0)), Just((3, 200))])
}

/// The same where lots are worth much, and an order must have several.
fn coarse_book() -> impl Strategy<Value = OrderBook> {
    book_of_lots((40_u128..160, 0_u128..400))
}

fn book_of_lots(lots: impl Strategy<Value = (u128, u128)>) -> impl Strategy<Value = OrderBook> {
    let levels = || proptest::collection::vec((1_u128..60, 20_u128..900), 1..6);
    (levels(), levels(), 800_u128..1_250, lots, prop_oneof![Just(0_u32), Just(500), Just(2_500)]).prop_map(
        |(bids, asks, start, (lot, size_min), fee)| {
            let walk = |steps: &[(u128, u128)], is_up: bool| {
                let mut price = start;
                let mut side = Vec::new();
                for (step, size) in steps {
                    price = if is_up { price + step } else { price.saturating_sub(*step).max(1) };
                    side.push((price * ONE / 1_000, *size * ONE));
                }
                side.dedup_by_key(|(price, _)| *price);
                side
            };
            let terms = BookTerms {
                base_decimals: 0,
                quote_decimals: 0,
                taker_fee_ppm: fee,
                lot_size: lot * ONE,
                size_min: size_min * ONE,
            };
            book_of(terms, &walk(&bids, false), &walk(&asks, true))
        },
    )
}

fn out(legs: &[Leg<'_>], amount_in: u64) -> Option<U256> {
    legs.iter()
        .try_fold(U256::from(amount_in), |amount, leg| leg.amount_out(amount).ok().map(|found| found.0))
}

fn best(legs: &[Leg<'_>], most: u64) -> Option<U256> {
    let profit = |amount: u64| out(legs, amount).map(|paid| paid.saturating_sub(U256::from(amount)));
    (1..=most).filter_map(profit).filter(|profit| !profit.is_zero()).max()
}

fn check(legs: &[Leg<'_>]) -> Result<(), TestCaseError> {
    let expected = best(legs, 8_000);
    let sized = match size(legs, Effort::EXACT) {
        Ok(sized) => sized,
        Err(refused) => {
            prop_assert_eq!(expected, None, "refused: {:?}", refused);
            return Ok(());
        }
    };
    prop_assert_eq!(sized.map(|sized| sized.gross_profit()), expected, "{:?}", sized);
    if let Some(sized) = sized {
        for (leg, hop) in legs.iter().zip(sized.amounts().windows(2)) {
            prop_assert_eq!(leg.amount_out(hop[0]).map(|found| found.0), Ok(hop[1]));
        }
    }
    if let Some(quick) = size(legs, Effort::QUICK).unwrap() {
        if quick.is_proven {
            prop_assert_eq!(Some(quick.gross_profit()), expected);
        }
        for (leg, hop) in legs.iter().zip(quick.amounts().windows(2)) {
            prop_assert_eq!(leg.amount_out(hop[0]).map(|found| found.0), Ok(hop[1]));
        }
    }
    Ok(())
}

fn check_quick(legs: &[Leg<'_>]) -> Result<(), TestCaseError> {
    let expected = best(legs, 8_000);
    let sized = size(legs, Effort::QUICK).unwrap_or(None);
    prop_assert_eq!(sized.map(|sized| sized.gross_profit()), expected, "{:?}", sized);
    prop_assert!(sized.is_none_or(|sized| sized.is_proven));
    Ok(())
}

fn check_both_ways(pool: &AnyPool, book: &OrderBook) -> Result<(), TestCaseError> {
    check(&[pool.leg(true), Leg::levels(book, Trade::Sell)])?;
    check(&[Leg::levels(book, Trade::Buy), pool.leg(false)])?;
    check(&[Leg::levels(book, Trade::Sell), pool.leg(true)])?;
    check(&[pool.leg(false), Leg::levels(book, Trade::Buy)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn brute_force_never_beats_a_book_and_a_product(pool in product(500..6_000), book in small_book()) {
        check_both_ways(&pool, &book)?;
    }

    #[test]
    fn brute_force_never_beats_a_book_and_ranges(pool in ranged(), book in small_book()) {
        check_both_ways(&pool, &book)?;
    }

    #[test]
    fn brute_force_never_beats_a_book_and_a_weighted_pool(pool in weighted(), book in small_book()) {
        check_both_ways(&pool, &book)?;
    }

    #[test]
    fn brute_force_never_beats_a_book_and_a_stable_pool(pool in stable(), book in small_book()) {
        check_both_ways(&pool, &book)?;
    }

    #[test]
    fn brute_force_never_beats_a_book_among_three_pools(
        a in product(1_000..6_000), b in ranged(), c in weighted(), book in small_book(),
    ) {
        check(&[a.leg(true), Leg::levels(&book, Trade::Buy), b.leg(true), c.leg(false)])?;
        check(&[c.leg(true), a.leg(false), Leg::levels(&book, Trade::Sell)])?;
    }

    #[test]
    fn brute_force_never_beats_two_books(one in small_book(), other in small_book()) {
        check(&[Leg::levels(&one, Trade::Buy), Leg::levels(&other, Trade::Sell)])?;
    }

    #[test]
    fn brute_force_never_beats_a_quick_size_of_coarse_lots_at_one_book_or_two(
        a in product(1_000..6_000), b in ranged(), one in coarse_book(), other in coarse_book(),
    ) {
        let (buy, sell) = (Leg::levels(&one, Trade::Buy), Leg::levels(&other, Trade::Sell));
        for legs in [
            &[buy, a.leg(false)][..],
            &[a.leg(true), sell],
            &[buy, sell],
            &[sell, b.leg(true), buy],
            &[a.leg(true), buy, b.leg(false), sell],
        ] {
            check(legs)?;
            check_quick(legs)?;
        }
    }

    #[test]
    fn more_in_never_buys_less(book in small_book(), amount in 1_u64..5_000, more in 1_u64..500) {
        for trade in [Trade::Sell, Trade::Buy] {
            let amounts = [amount, amount + more].map(|amount| book.amount_out(trade, U256::from(amount)));
            if let [Ok(less), Ok(more)] = amounts {
                prop_assert!(less <= more);
            }
        }
    }
}

#[test]
fn a_book_that_is_taken_whole_and_a_pool_that_takes_a_part_of_its_balance_are_sized() {
    let deep = book((0, 0, 0, 10 * ONE), &[(ONE, ONE)], &[(ONE, 71 * ONE), (1_001 * ONE / 1_000, 470 * ONE)]);
    let pool = AnyPool::of_weights((20, 4_697), (80, 1_777), 1);
    let legs = [Leg::levels(&deep, Trade::Buy), pool.leg(false)];
    assert_eq!(best(&legs, 8_000), Some(U256::from(2_509)));
    check(&legs).unwrap();
    assert!(size(&legs, Effort::QUICK).unwrap().is_some());
    let one = book((0, 0, 2_500, ONE), &[], &[(998 * ONE / 1_000, 40 * ONE)]);
    let other = book((0, 0, 0, ONE), &[(1_057 * ONE / 1_000, 40 * ONE)], &[]);
    let legs = [Leg::levels(&one, Trade::Buy), Leg::levels(&other, Trade::Sell)];
    assert_eq!(best(&legs, 8_000), Some(U256::from(1)));
    check(&legs).unwrap();
}

#[test]
fn an_order_of_the_least_that_a_book_takes_pays_where_smaller_ones_would_pay_more() {
    let terms = BookTerms { base_decimals: 0, size_min: 200 * ONE, ..book_terms(0, 0, 3 * ONE) };
    let bids = [(987 * ONE / 1_000, 63 * ONE), (949 * ONE / 1_000, 336 * ONE)];
    let strict = book_of(terms, &bids, &[(998 * ONE / 1_000, 20 * ONE)]);
    let pool = AnyPool::of_product(2_591, 2_914, 1_000);
    let legs = [pool.leg(true), Leg::levels(&strict, Trade::Sell)];
    assert_eq!(best(&legs, 8_000), Some(U256::from(1)));
    check_both_ways(&pool, &strict).unwrap();
}

/// A pool of 1,000 WETH at 3,000 USDC, and a book of lots of a tenth beside it.
fn lots() -> (AnyPool, OrderBook) {
    let pool = AnyPool::of_product_u128(1_000 * ONE, 3_000_000_000_000, 997);
    let bids = [(3_060 * ONE, 2 * ONE), (3_050 * ONE, 5 * ONE), (2_000 * ONE, 50 * ONE)];
    let asks = [(2_940 * ONE, 3 * ONE), (2_950 * ONE, 4 * ONE), (4_000 * ONE, 50 * ONE)];
    (pool, book((18, 6, 500, ONE / 10), &bids, &asks))
}

#[test]
fn a_quick_size_is_the_best_of_whole_lots() {
    let (pool, book) = lots();
    let by_sale = [pool.leg(false), Leg::levels(&book, Trade::Sell)];
    let by_purchase = [Leg::levels(&book, Trade::Buy), pool.leg(true)];
    let profit = |legs: &[Leg<'_>], input: U256| {
        let paid =
            legs.iter().try_fold(input, |amount, leg| leg.amount_out(amount).ok().map(|found| found.0));
        paid.unwrap_or_default().saturating_sub(input)
    };
    let tenth = U256::from(ONE / 10);
    let sold =
        (1..80).map(|lots| by_sale[0].least_in(tenth * U256::from(lots), 3e8 * f64::from(lots)).unwrap());
    let best_sale = sold.map(|input| profit(&by_sale, input)).max().unwrap();
    let spent = |lots: u32| {
        let bought = tenth * U256::from(lots) * U256::from(999_500) / U256::from(1_000_000);
        by_purchase[0].least_in(bought, 3e8 * f64::from(lots)).unwrap()
    };
    let best_purchase = (1..80).map(|lots| profit(&by_purchase, spent(lots))).max().unwrap();
    for (legs, best) in [(by_sale, best_sale), (by_purchase, best_purchase)] {
        assert!(!best.is_zero());
        assert_eq!(size(&legs, Effort::QUICK).unwrap().unwrap().gross_profit(), best);
    }
}

const WETH: Address = [1; 20];
const USDC: Address = [2; 20];
const PAIR: Address = [0xaa; 20];

fn search() -> (ChainSearch, Address, PoolSet) {
    let mut search = ChainSearch::new(ChainOptions {
        source: "made".into(),
        chain_id: 1,
        start_tokens: vec![USDC],
        gas_token: Some(WETH),
        hops_max: 3,
        priority_fee_wei: 0,
        flash_premium_ppm: 900,
        data_fee_wei: U256::ZERO,
        found_max: 10,
        stable_tokens: vec![(USDC, 6)],
    });
    let terms = book_terms(6, 1_000, ONE / 1_000);
    let book = OrderBook::new(terms).unwrap();
    let named =
        NamedBook { venue: "made".into(), instrument: "ETH-USD".into(), base: WETH, quote: USDC, book };
    let address = search.add_book(named);
    let mut pair = UniswapV2::new(Fee::UNISWAP);
    pair.set_reserves(1_000 * ONE, 3_000_000_000_000).unwrap();
    let spec =
        PoolSpec { address: PAIR, dex: "uniswap".into(), factory: [9; 20], token0: WETH, token1: USDC };
    let mut set = PoolSet::new("made", 1, []);
    set.insert(spec, pair.into());
    (search, address, set)
}

fn texts(column: &arrow_array::ArrayRef) -> Vec<Option<String>> {
    use arrow_array::cast::AsArray as _;
    column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn a_gap_to_a_book_is_told_when_the_book_changes_with_the_levels_that_it_takes() {
    let (mut search, address, set) = search();
    let head = Head { number: 7, hash: [7; 32], base_fee_wei: Some(U256::from(1)), ..Head::default() };
    assert!(search.search(&set, &[PAIR, address], &head, 1).opportunity.finish().unwrap().num_rows() == 0);
    let level = |price: u128, size: u128| Level { price: price * ONE, size: size * ONE };
    let bids = vec![level(3_060, 2), level(3_050, 5), level(2_000, 50)];
    search.set_levels(&address, bids, vec![level(3_070, 9)]).unwrap();
    let found = search.search(&set, &[address], &head, 2);
    assert_eq!(found.faults, []);
    let told = found.opportunity.finish().unwrap();
    let hops = found.opportunity_hop.finish().unwrap();
    let column = |batch: &arrow_array::RecordBatch, name: &str| texts(batch.column_by_name(name).unwrap());
    assert_eq!(column(&told, "kind"), [Some("pair_gap".to_owned())]);
    assert_eq!(column(&hops, "protocol"), [Some("uniswap_v2".to_owned()), Some("order_book".to_owned())]);
    assert_eq!(column(&hops, "instrument"), [None, Some("ETH-USD".to_owned())]);
    assert_eq!(column(&hops, "levels"), [None, Some("3060@2 3050@5".to_owned())]);
    assert_eq!(column(&hops, "lot_size"), [None, Some("0.001".to_owned())]);
    let id = |batch: &arrow_array::RecordBatch| {
        use arrow_array::cast::AsArray as _;
        batch.column_by_name("opportunity").unwrap().as_fixed_size_binary().value(0).to_vec()
    };
    let before = id(&told);
    search.set_levels(&address, vec![level(3_060, 3), level(3_050, 5)], Vec::new()).unwrap();
    let again = search.search(&set, &[address], &head, 3).opportunity.finish().unwrap();
    assert_ne!(id(&again), before, "within one block the same path pays otherwise");
    search.set_levels(&address, Vec::new(), Vec::new()).unwrap();
    let void = search.search(&set, &[address], &head, 4);
    assert_eq!(void.opportunity.finish().unwrap().num_rows(), 0);
    assert_eq!(void.faults, [(address, PoolError::Empty)]);
}

#[test]
fn gas_of_a_path_with_a_book_is_that_of_its_swaps_alone_and_nobody_lends_for_it() {
    let gas = tidemill_search::GasTable::MEASURED;
    assert_eq!(gas.of(&[(HopKind::UniswapV2, 0), (HopKind::OrderBook, 0)]), Some(21_000 + 66_900));
}
