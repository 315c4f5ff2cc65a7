#![no_main]

#[path = "../promises/event.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::hold(data));
