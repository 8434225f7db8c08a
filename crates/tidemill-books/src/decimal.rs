//! Decimals as a venue writes them, to numbers of 10^-18 and back, exactly.

const PLACES: usize = 18;
/// The number that stands for 1.
pub const ONE: i128 = 1_000_000_000_000_000_000;
/// Above it, an Arrow decimal of 38 digits has no room.
const LIMIT: i128 = 100_000_000_000_000_000_000 * ONE;

/// Returns the number of 10^-18 that `text` says; none where it is no plain decimal, or has more digits than are kept.
///
/// `.48` and `5.` are decimals; a sign and an exponent are not, as neither prices nor sizes have one.
#[must_use]
pub fn parse(text: &[u8]) -> Option<i128> {
    let mut value: i128 = 0;
    let mut places = None;
    let mut digits = 0_usize;
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if let Some(place) = places.as_mut() {
                    if *place == PLACES {
                        if byte != b'0' {
                            return None;
                        }
                        continue;
                    }
                    *place += 1;
                }
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
            }
            b'.' if places.is_none() => places = Some(0),
            _ => return None,
        }
    }
    if digits == 0 {
        return None;
    }
    let missing = u32::try_from(PLACES - places.unwrap_or(0)).ok()?;
    value.checked_mul(10_i128.pow(missing)).filter(|value| *value < LIMIT)
}

/// Writes the digits of `value` with `places` after the point, without the point and without zeros in front.
///
/// What is beyond `places` is left out: a venue that writes so many has no more.
pub fn digits(value: i128, places: u8, out: &mut Vec<u8>) {
    let dropped = PLACES.saturating_sub(usize::from(places));
    let scaled = value / 10_i128.pow(u32::try_from(dropped).unwrap_or(0));
    if scaled != 0 {
        match u64::try_from(scaled) {
            Ok(scaled) => out.extend_from_slice(itoa::Buffer::new().format(scaled).as_bytes()),
            Err(_) => out.extend_from_slice(scaled.to_string().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_it_was_read() {
        for plain in [
            "0",
            "7",
            "0.51",
            "0.000000000000000001",
            "0.012300000000000001",
            "1000.001",
            "4835703.278458516698824704",
            "4835703.278458516698824703",
            "10500100.05",
            "99999999999999999999.5",
        ] {
            assert_eq!(
                tidemill_events::fixed18::text(parse(plain.as_bytes()).unwrap().unsigned_abs()),
                plain
            );
        }
    }

    #[test]
    fn plain_decimals_are_exact() {
        assert_eq!(parse(b"0.51"), Some(510_000_000_000_000_000));
        assert_eq!(parse(b".48"), Some(480_000_000_000_000_000));
        assert_eq!(parse(b"10500100"), Some(10_500_100 * ONE));
        assert_eq!(parse(b"0.000000000000000001"), Some(1));
        assert_eq!(parse(b"0.0000000000000000010"), Some(1));
        assert_eq!(parse(b"99999999999999999999"), Some(LIMIT - ONE));
    }

    #[test]
    fn what_is_no_plain_decimal_has_no_value() {
        let others: [&[u8]; 9] = [
            b"",
            b".",
            b"-1",
            b"1e5",
            b"1.2.3",
            b"0.0000000000000000001",
            b"nan",
            b"100000000000000000000",
            b" 1",
        ];
        for text in others {
            assert_eq!(parse(text), None, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn digits_are_those_that_a_checksum_reads() {
        let mut out = Vec::new();
        digits(parse(b"0.05005").unwrap(), 5, &mut out);
        out.push(b' ');
        digits(parse(b"0.00000500").unwrap(), 8, &mut out);
        assert_eq!(out, b"5005 500");
    }
}
