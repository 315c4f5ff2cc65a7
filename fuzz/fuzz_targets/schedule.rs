#![no_main]

#[path = "../promises/schedule.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::hold(data));
