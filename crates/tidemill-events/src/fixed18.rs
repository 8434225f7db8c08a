//! Numbers of 10^-18, the schema's `Fixed18`, as plain decimals.

const PLACES: usize = 18;
const ONE: u128 = 1_000_000_000_000_000_000;

/// Writes `value` without zeros at its end.
pub fn write(value: u128, out: &mut Vec<u8>) {
    let (whole, mut part) = split(value);
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    if part == 0 {
        return;
    }
    let mut places = PLACES;
    for (zeros, power) in [(16, 10_000_000_000_000_000), (8, 100_000_000), (4, 10_000), (2, 100), (1, 10)] {
        if part % power == 0 {
            part /= power;
            places -= zeros;
        }
    }
    let mut buffer = itoa::Buffer::new();
    let shown = buffer.format(part).as_bytes();
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', places.saturating_sub(shown.len())));
    out.extend_from_slice(shown);
}

/// Returns what `write` writes.
#[must_use]
pub fn text(value: u128) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    out.into_iter().map(char::from).collect()
}

/// Returns the whole number of a value, and what is beyond it.
fn split(value: u128) -> (u128, u64) {
    // ONE is 2^18 times 5^18: below 4.8 million the division has 64 bits, and takes a tenth of the time
    let whole = match u64::try_from(value >> PLACES) {
        Ok(shifted) => u128::from(shifted / 5_u64.pow(18)),
        Err(_) => value / ONE,
    };
    (whole, u64::try_from(value - whole * ONE).unwrap_or(0))
}
