use serde_json::{Map, Value};

use super::facts::{LIMITS, Options};
use super::statement::literal;

impl Options {
    /// What makes an account, which has `present`, have these. Default roles are for later, when it has the roles.
    pub(super) fn statement(&self, present: &Self, account: &str) -> Option<String> {
        let present_clauses = present.clauses();
        let mut clauses: Vec<String> =
            self.clauses().into_iter().filter(|clause| !present_clauses.contains(clause)).collect();
        if let (Some(wanted), Some(present)) = (&self.attribute, &present.attribute)
            && wanted != present
        {
            clauses.push(format!("ATTRIBUTE {}", literal(&Value::Object(patch(present, wanted)).to_string())));
        }
        (!clauses.is_empty()).then(|| format!("ALTER USER {account} {}", clauses.join(" ")))
    }

    /// The default roles, where they differ.
    pub(super) fn default_roles(&self, present: &Self, account: &str) -> Option<String> {
        if self.default_roles == present.default_roles {
            return None;
        }
        let roles: Vec<&str> = self.default_roles.iter().map(String::as_str).collect();
        let roles = if roles.is_empty() { "NONE".to_owned() } else { roles.join(", ") };
        Some(format!("SET DEFAULT ROLE {roles} TO {account}"))
    }

    fn clauses(&self) -> Vec<String> {
        let Self {
            require,
            limits,
            statement_time,
            lifetime,
            history,
            reuse,
            require_current,
            failures: (failures, days),
            default_roles: _,
            attribute: _,
        } = self;
        let or_default = |value: &Option<String>| value.clone().unwrap_or_else(|| "DEFAULT".to_owned());
        let mut with: Vec<String> = LIMITS.iter().zip(limits).map(|(name, count)| format!("{name} {count}")).collect();
        with.extend(statement_time.as_ref().map(|seconds| format!("MAX_STATEMENT_TIME {seconds}")));
        vec![
            format!("REQUIRE {require}"),
            format!("WITH {}", with.join(" ")),
            match lifetime.as_deref() {
                None => "PASSWORD EXPIRE DEFAULT".to_owned(),
                Some("0") => "PASSWORD EXPIRE NEVER".to_owned(),
                Some(days) => format!("PASSWORD EXPIRE INTERVAL {days} DAY"),
            },
            format!("PASSWORD HISTORY {}", or_default(history)),
            match reuse {
                None => "PASSWORD REUSE INTERVAL DEFAULT".to_owned(),
                Some(days) => format!("PASSWORD REUSE INTERVAL {days} DAY"),
            },
            match require_current {
                None => "PASSWORD REQUIRE CURRENT DEFAULT".to_owned(),
                Some(true) => "PASSWORD REQUIRE CURRENT".to_owned(),
                Some(false) => "PASSWORD REQUIRE CURRENT OPTIONAL".to_owned(),
            },
            match days {
                -1 => format!("FAILED_LOGIN_ATTEMPTS {failures} PASSWORD_LOCK_TIME UNBOUNDED"),
                days => format!("FAILED_LOGIN_ATTEMPTS {failures} PASSWORD_LOCK_TIME {days}"),
            },
        ]
    }
}

/// What the server has to merge into an object to make it another. <https://www.rfc-editor.org/rfc/rfc7396>
fn patch(present: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let surplus = present.keys().filter(|key| !wanted.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = wanted.iter().filter_map(|(key, wanted)| match (present.get(key), wanted) {
        (Some(present), wanted) if present == wanted => None,
        (Some(Value::Object(present)), Value::Object(wanted)) => {
            Some((key.clone(), Value::Object(patch(present, wanted))))
        }
        (_, wanted) => Some((key.clone(), wanted.clone())),
    });
    surplus.chain(changed).collect()
}
