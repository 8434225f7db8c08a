//! A chunk of a recording, as the recorder encodes it: entries in `MessagePack`, borrowed.

/// One thing that came in, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Which kind of thing, by the recorder's number.
    pub kind: u8,
    /// When it came, ns since 1970-01-01 UTC.
    pub recv_ns: i64,
    /// Which connection it came from.
    pub connection: &'a str,
    /// What came.
    pub data: &'a [u8],
}

/// Reads the entries of a chunk; `None` where it is not encoded as the recorder does it.
pub fn read_entries(content: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut reader = Reader { rest: content };
    let count = reader.array()?;
    // An entry takes five bytes at least: a damaged count asks for no more room than the chunk has.
    let mut entries = Vec::with_capacity(count.min(content.len() / 5));
    for _ in 0..count {
        if reader.array()? != 4 {
            return None;
        }
        entries.push(Entry {
            kind: u8::try_from(reader.number()?).ok()?,
            recv_ns: reader.number()?,
            connection: std::str::from_utf8(reader.text()?).ok()?,
            data: reader.bytes()?,
        });
    }
    reader.rest.is_empty().then_some(entries)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes a big-endian number of so many bytes, eight at most.
    fn unsigned(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Option<usize> {
        usize::try_from(self.unsigned(width)?).ok()
    }

    fn mark(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn array(&mut self) -> Option<usize> {
        match self.mark()? {
            mark @ 0x90..=0x9f => Some(usize::from(mark & 0x0f)),
            0xdc => self.length(2),
            0xdd => self.length(4),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = match self.mark()? {
            mark @ 0xa0..=0xbf => usize::from(mark & 0x1f),
            0xd9 => self.length(1)?,
            0xda => self.length(2)?,
            0xdb => self.length(4)?,
            _ => return None,
        };
        self.take(length)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = match self.mark()? {
            0xc4 => self.length(1)?,
            0xc5 => self.length(2)?,
            0xc6 => self.length(4)?,
            _ => return None,
        };
        self.take(length)
    }

    fn number(&mut self) -> Option<i64> {
        let number = match self.mark()? {
            mark @ 0..=0x7f => u64::from(mark),
            0xcc => self.unsigned(1)?,
            0xcd => self.unsigned(2)?,
            0xce => self.unsigned(4)?,
            0xcf => self.unsigned(8)?,
            _ => return None,
        };
        i64::try_from(number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: &[u8] =
        b"\x92\x94\x03\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa2ws\xc4\x02{}\x94\x05\x07\xa0\xc4\x00";

    #[test]
    fn entries_are_read_in_order() {
        let frame = Entry { kind: 3, recv_ns: 1 << 32, connection: "ws", data: b"{}" };
        let tick = Entry { kind: 5, recv_ns: 7, connection: "", data: b"" };
        assert_eq!(read_entries(CHUNK), Some(vec![frame, tick]));
        assert_eq!(read_entries(b"\x90"), Some(Vec::new()));
    }

    #[test]
    fn what_is_cut_short_or_too_long_is_none() {
        for end in 0..CHUNK.len() {
            assert_eq!(read_entries(&CHUNK[..end]), None, "{end}");
        }
        assert_eq!(read_entries(&[CHUNK, b"\x00"].concat()), None);
        assert_eq!(read_entries(b"\xdd\xff\xff\xff\xff"), None);
    }
}
