//! Whatever bytes come, a frame is read or refused; nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tidemill_frames::read_frame(bytes);
    let _ = tidemill_frames::parse_head(bytes);
    let _ = tidemill_frames::parse_logs(bytes);
    let _ = tidemill_frames::read_frames([bytes, bytes]);
});
