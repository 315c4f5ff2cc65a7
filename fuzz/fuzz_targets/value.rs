#![no_main]

#[path = "../promises/value.rs"]
mod promises;
// These two files alone: the AWS SDK, which the rotator brings along, would be most of what is compiled here.
#[allow(dead_code, reason = "the rotator has further uses for them")]
#[path = "../../rotator/src/secret.rs"]
mod secret;
#[allow(dead_code, reason = "the rotator has further uses for them")]
#[path = "../../rotator/src/value.rs"]
mod value;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::hold(data));
