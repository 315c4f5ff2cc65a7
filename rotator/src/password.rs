//! New passwords, by the policy and the generator that the deployer's first value comes from too.

use contract::PasswordPolicy;

use crate::secret::SecretText;

/// Why no password was made.
pub type NoPassword = contract::NoPassword<getrandom::Error>;

/// Draws a password from the kernel's random bytes, uniformly from all that `policy` accepts.
///
/// # Errors
/// The policy is infeasible, or the kernel gave no random bytes.
pub fn generate(policy: &PasswordPolicy) -> Result<SecretText, NoPassword> {
    contract::generate(policy, getrandom::fill).map(SecretText::from)
}

#[cfg(test)]
mod tests {
    use contract::Class;
    use proptest::prelude::*;

    use super::*;

    fn policies() -> impl Strategy<Value = PasswordPolicy> {
        let classes = proptest::sample::subsequence(Class::ALL.to_vec(), 1..=4);
        (8..200_u16, classes, "[!-/:-@]{1,12}", "[!-~é]{0,60}")
            .prop_map(|(length, require, symbols, exclude)| PasswordPolicy { length, require, symbols, exclude })
    }

    proptest! {
        #[test]
        fn a_password_always_follows_its_policy_or_the_policy_is_refused(policy in policies()) {
            match generate(&policy) {
                Ok(password) => prop_assert!(policy.accepts(password.expose().as_bytes())),
                Err(error) => prop_assert_eq!(error, NoPassword::Policy(policy.check().unwrap_err())),
            }
        }
    }

    #[test]
    fn the_hardest_feasible_policy_still_gives_a_password() {
        let one_of =
            |keep: char, range: std::ops::RangeInclusive<char>| range.filter(|&c| c != keep).collect::<String>();
        let exclude = one_of('x', 'a'..='z') + &one_of('X', 'A'..='Z') + &one_of('7', '0'..='9');
        let symbols = (b'!'..=b'~').map(char::from).filter(char::is_ascii_punctuation).collect();
        let policy = PasswordPolicy { length: 8, require: Class::ALL.to_vec(), symbols, exclude };
        for _ in 0..50 {
            assert!(policy.accepts(
                generate(&policy).map_err(|e| e.to_string()).unwrap_or_else(|e| panic!("{e}")).expose().as_bytes()
            ));
        }
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        // Without required symbols the classes' rejection hardly shifts the odds: 62 letters and digits, 1,024 long.
        let policy = PasswordPolicy { length: 1024, ..PasswordPolicy::preset(contract::Preset::Alphanumeric) };
        let mut seen = [0_u32; 256];
        for _ in 0..200 {
            for byte in generate(&policy).ok().unwrap().expose().bytes() {
                seen[usize::from(byte)] += 1;
            }
        }
        let expected = f64::from(1024 * 200) / 62.0;
        let chi_square: f64 =
            policy.alphabet().iter().map(|&b| (f64::from(seen[usize::from(b)]) - expected).powi(2) / expected).sum();
        // 61 degrees of freedom: mean 61, deviation 11; folding instead of rejecting would give thousands.
        assert!((15.0..180.0).contains(&chi_square), "{chi_square}");
    }

    #[test]
    fn a_byte_that_would_favour_some_characters_is_thrown_away() {
        let digits = PasswordPolicy { require: vec![Class::Digit], ..PasswordPolicy::default() };
        // Of 256 bytes the last six have no full set of ten digits to stand for.
        for unfair in 250..=255 {
            let mut byte = 0;
            let password = contract::generate(&digits, |pool| {
                pool.fill(unfair);
                pool[0] = byte;
                byte = (byte + 1) % 10;
                Ok::<_, ()>(())
            });
            assert_eq!(password.unwrap(), "01234567890123456789012345678901");
        }
    }

    #[test]
    fn two_passwords_are_never_the_same() {
        let policy = PasswordPolicy::default();
        let all: std::collections::BTreeSet<String> =
            (0..500).map(|_| generate(&policy).ok().unwrap().expose().to_owned()).collect();
        assert_eq!(all.len(), 500);
    }
}
