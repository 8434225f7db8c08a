use proptest::prelude::*;

use super::*;

fn told(numbers: &[u64]) -> Option<TokenNature> {
    nature_of(&numbers.iter().copied().map(U256::from).collect::<Vec<_>>())
}

#[test]
fn what_the_probe_tells_is_judged() {
    assert_eq!(told(&[]), Some(TokenNature::Unmovable));
    assert_eq!(told(&[0, 5]), None);
    assert_eq!(told(&[100, 0]), Some(TokenNature::Unmovable));
    assert_eq!(told(&[100, 0, 10, 90, 10]), Some(TokenNature::Unmovable));
    assert_eq!(told(&[100, 0, 10, 90, 5]), Some(TokenNature::FeeOnTransfer));
    assert_eq!(told(&[100, 0, 10, 90, 10, 10, 100, 0]), Some(TokenNature::Ordinary));
    assert_eq!(told(&[100, 0, 10, 91, 9, 9, 100, 0]), Some(TokenNature::Rebasing));
}

#[test]
fn the_chains_own_token_is_ordinary_and_asks_nothing() {
    let trial = TokenTrial::new([0; 20], [1; 20], 7);
    assert!(trial.questions().is_empty());
    assert_eq!(trial.found(), Some(Some(TokenNature::Ordinary)));
}

#[test]
fn a_node_that_refuses_the_probe_tells_nothing() {
    let mut trial = TokenTrial::new([2; 20], [1; 20], 7);
    assert_eq!(trial.questions().len(), 1);
    trial.answer(&[None]);
    assert_eq!(trial.found(), Some(None));
}

fn any_answer() -> impl Strategy<Value = Option<Vec<u8>>> {
    let word = proptest::array::uniform32(any::<u8>())
        .prop_map(|word| format!(r#""0x{}""#, const_hex::encode(word)).into_bytes());
    let list = Just(
        br#"{"accessList":[{"address":"0x01","storageKeys":["0x02","0x03"]}],"gasUsed":"0x1"}"#.to_vec(),
    );
    let numbers = proptest::collection::vec(any::<u8>(), 0..9).prop_map(|numbers| {
        let words = [32, numbers.len()].into_iter().chain(numbers.into_iter().map(usize::from));
        let text = words.map(|word| format!("{word:064x}")).collect::<Vec<_>>().concat();
        format!(r#""0x{text}""#).into_bytes()
    });
    let garbage = proptest::collection::vec(any::<u8>(), 0..80);
    proptest::option::of(prop_oneof![word, list, numbers, garbage])
}

proptest! {
    #[test]
    fn whatever_a_node_answers_a_trial_ends_within_four_rounds(
        answers in proptest::collection::vec(any_answer(), 40),
    ) {
        let mut trial = TokenTrial::new([2; 20], [1; 20], 7);
        let mut told = answers.iter().map(Option::as_deref);
        for _ in 0..4 {
            let asked = trial.questions().len();
            prop_assert_eq!(asked == 0, trial.found().is_some());
            let round: Vec<_> = told.by_ref().take(asked).collect();
            trial.answer(&round);
        }
        prop_assert!(trial.found().is_some());
    }

    #[test]
    fn a_share_that_is_kept_of_a_transfer_is_a_fee(given in 1u64.., had: u64, kept_ppm in 0u64..10_000) {
        let (given, had) = (U256::from(given), U256::from(had));
        let fee = given * U256::from(kept_ppm) / U256::from(1_000_000);
        let start = given * U256::from(100);
        let got = given - fee;
        let numbers =
            [start, had, given, start - given, had + got, got, start - given + got, had];
        let expected = match fee {
            U256::ZERO => TokenNature::Ordinary,
            fee if fee <= ROUNDING => TokenNature::Rebasing,
            _ => TokenNature::FeeOnTransfer,
        };
        prop_assert_eq!(nature_of(&numbers), Some(expected));
    }
}
