use super::token::{join, tokens};

const LIMITS: [&str; 4] =
    ["MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR", "MAX_USER_CONNECTIONS"];
/// What may follow the clause REQUIRE.
const AFTER_REQUIRE: [&str; 6] = ["WITH", "PASSWORD", "ACCOUNT", "FAILED_LOGIN_ATTEMPTS", "COMMENT", "ATTRIBUTE"];

/// What an account has besides its password and its grants.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    require: String,
    /// By hour, or at a time; 0 is no limit.
    limits: [String; 4],
    /// MySQL's; MariaDB tells it among the grants.
    default_roles: String,
}

impl Options {
    /// Reads the answer to SHOW CREATE USER.
    pub(super) fn parse(create: &str) -> Self {
        let tokens: Vec<&str> = tokens(create).collect();
        let after = |word: &str| tokens.iter().position(|token| *token == word).map(|at| &tokens[at + 1..]);
        let until = |tokens: &[&str], ends: &[&str]| {
            let own: Vec<&str> = tokens.iter().copied().take_while(|token| !ends.contains(token)).collect();
            join(&own)
        };
        let limit = |name| match after(name) {
            Some(["-", count, ..]) => format!("-{count}"),
            Some([count, ..]) => (*count).to_owned(),
            _ => "0".to_owned(),
        };
        Self {
            require: after("REQUIRE").map_or_else(|| "NONE".to_owned(), |rest| until(rest, &AFTER_REQUIRE)),
            limits: LIMITS.map(limit),
            default_roles: match after("DEFAULT") {
                Some(["ROLE", roles @ ..]) => until(roles, &["REQUIRE"]),
                _ => "NONE".to_owned(),
            },
        }
    }

    /// What makes a twin, which has `present`, have the same.
    pub(super) fn statements(&self, present: &Self, twin: &str) -> Vec<String> {
        let mut statements = Vec::new();
        if (&self.require, &self.limits) != (&present.require, &present.limits) {
            let limits: Vec<String> =
                LIMITS.iter().zip(&self.limits).map(|(name, count)| format!("{name} {count}")).collect();
            statements.push(format!("ALTER USER {twin} REQUIRE {} WITH {}", self.require, limits.join(" ")));
        }
        if self.default_roles != present.default_roles {
            statements.push(format!("SET DEFAULT ROLE {} TO {twin}", self.default_roles));
        }
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_required_tls_are_read_and_written() {
        let plain = Options::parse("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*REQUIRE SSL'");
        let strict = Options::parse(
            "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*0' REQUIRE ISSUER '/x' SUBJECT '/CN=a WITH b''c' \
             WITH MAX_QUERIES_PER_HOUR 100 MAX_USER_CONNECTIONS -1 PASSWORD EXPIRE NEVER",
        );
        assert_eq!(plain.statements(&plain, "t"), [""; 0]);
        let expected = "ALTER USER t REQUIRE ISSUER '/x' SUBJECT '/CN=a WITH b''c' WITH MAX_QUERIES_PER_HOUR 100 \
                        MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS -1";
        assert_eq!(strict.statements(&plain, "t"), [expected]);
        let expected = "ALTER USER t REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 \
                        MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0";
        assert_eq!(plain.statements(&strict, "t"), [expected]);
    }

    #[test]
    fn default_roles_of_mysql_are_read_and_written() {
        let tail = "REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT";
        let with = format!(
            r"CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$\'REQUIRE' DEFAULT ROLE `r`@`%`,`s`@`%` {tail}"
        );
        let with = Options::parse(&with);
        let without = Options::parse(&format!("CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' {tail}"));
        assert_eq!(with.statements(&without, "t"), ["SET DEFAULT ROLE `r`@`%`,`s`@`%` TO t"]);
        assert_eq!(without.statements(&with, "t"), ["SET DEFAULT ROLE NONE TO t"]);
    }
}
