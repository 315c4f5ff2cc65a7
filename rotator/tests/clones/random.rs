//! Random choices that a seed repeats.

use std::hash::{BuildHasher, RandomState};

pub struct Random(u64);

impl Random {
    /// By the seed that the environment names, or a new one, which a failing test prints.
    pub fn new() -> Self {
        let seed = std::env::var("CLONES_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("CLONES_SEED={seed}");
        Self(seed)
    }

    /// <https://prng.di.unimi.it/splitmix64.c>
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut next = self.0;
        next = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        next = (next ^ (next >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((next ^ (next >> 31)) % end as u64).unwrap()
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Each with the same chance.
    pub fn some<T: Copy>(&mut self, from: &[T], chance: usize) -> Vec<T> {
        from.iter().copied().filter(|_| self.percent(chance)).collect()
    }

    /// A user's name that nobody else has, of at most so many bytes.
    pub fn name(&mut self, number: usize, longest: usize) -> String {
        match self.below(7) {
            0 => format!("We'ird \"x\" \\`{number}"),
            1 => format!("ünï çødé {number}"),
            2 => format!("UPPER{number}"),
            3 => format!("{number}{}", "m".repeat(longest - number.to_string().len())),
            4 => format!("a.b-c@%{number}"),
            5 => format!("select ;--{number}"),
            _ => format!("app{number}"),
        }
    }
}
