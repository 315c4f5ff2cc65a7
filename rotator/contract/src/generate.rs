use crate::{Infeasible, PasswordPolicy};

/// How many passwords are drawn before giving up. The hardest feasible policy (8 characters, three classes of one
/// character, 32 symbols) accepts one draw in 128, so that all of these fail with a probability below 1e-33.
const DRAWS: usize = 10_000;
/// Random bytes asked for at a time.
const POOL: usize = 64;

/// Why no password was made. `E` is the source of randomness's own error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPassword<E> {
    /// The policy allows none.
    Policy(Infeasible),
    /// The source of randomness failed.
    Random(E),
    /// No draw was accepted: never seen.
    Unlucky,
}

impl<E: std::fmt::Display> std::fmt::Display for NoPassword<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Policy(infeasible) => write!(f, "the password policy allows no password: {infeasible}"),
            Self::Random(error) => write!(f, "no random bytes could be had: {error}"),
            Self::Unlucky => write!(f, "none of {DRAWS} drawn passwords followed the policy"),
        }
    }
}

impl<E: std::fmt::Debug + std::fmt::Display> std::error::Error for NoPassword<E> {}

/// Draws a password uniformly from all that `policy` accepts: whole passwords are drawn until one has every class.
///
/// `fill` is the source of randomness; both users of this function pass the operating system's. The password is built in
/// one buffer that never moves, so that wiping what is returned leaves no copy of it.
///
/// # Errors
/// The policy is infeasible, or `fill` failed.
pub fn generate<E>(
    policy: &PasswordPolicy,
    fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<String, NoPassword<E>> {
    policy.check().map_err(NoPassword::Policy)?;
    let alphabet = policy.alphabet();
    let mut random = Random { fill, pool: [0; POOL], used: POOL };
    let mut password = String::with_capacity(usize::from(policy.length));
    for _ in 0..DRAWS {
        password.clear();
        for _ in 0..policy.length {
            password.push(char::from(alphabet[random.below(alphabet.len())?]));
        }
        if policy.accepts(password.as_bytes()) {
            random.pool.fill(0);
            return Ok(password);
        }
    }
    Err(NoPassword::Unlucky)
}

/// Uniform indices out of random bytes.
struct Random<F> {
    fill: F,
    pool: [u8; POOL],
    used: usize,
}

impl<E, F: FnMut(&mut [u8]) -> Result<(), E>> Random<F> {
    /// An index below `size` (1 to 256): bytes above the largest multiple of `size` are thrown away, not folded.
    fn below(&mut self, size: usize) -> Result<usize, NoPassword<E>> {
        let fair = 256 - 256 % size;
        loop {
            let byte = usize::from(self.byte()?);
            if byte < fair {
                return Ok(byte % size);
            }
        }
    }

    fn byte(&mut self) -> Result<u8, NoPassword<E>> {
        if self.used == POOL {
            (self.fill)(&mut self.pool).map_err(NoPassword::Random)?;
            self.used = 0;
        }
        self.used += 1;
        Ok(self.pool[self.used - 1])
    }
}
