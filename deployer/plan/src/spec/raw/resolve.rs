//! The spec that a file comes to, every default that follows from another value filled in.

use contract::{Class, PasswordPolicy, Preset, Target};

use super::{
    RawArchitecture, RawClass, RawFunction, RawInitial, RawOnTeardown, RawPassword, RawPreset, RawSchedule, RawSecret,
    RawSpec, RawTarget,
};
use crate::spec::model::{Architecture, Function, Initial, OnTeardown, Retry, Role, Schedule, Secret, Spec};

impl RawSpec {
    /// The spec with every default filled in; what is required and absent is empty, and has been reported.
    pub(in crate::spec) fn resolve(self) -> Spec {
        let name = self.name.unwrap_or_default();
        let function = self.function.resolve(&name);
        Spec {
            account: self.account.unwrap_or_default(),
            region: self.region.unwrap_or_default(),
            tags: self.tags,
            secret: self.secret.unwrap_or_default().resolve(),
            password: self.password.resolve(),
            role: Role {
                name: self.role.name.unwrap_or_else(|| format!("{}-role", function.name)),
                permissions_boundary: self.role.permissions_boundary,
                path: self.role.path,
            },
            function,
            schedule: self.schedule.unwrap_or_default().resolve(&name),
            target: match self.target {
                RawTarget::None => Target::None,
            },
            name,
        }
    }
}

impl RawSecret {
    fn resolve(self) -> Secret {
        Secret {
            name: self.name.unwrap_or_default(),
            description: self.description,
            field: self.field,
            derived: std::collections::BTreeMap::new(),
            initial: match self.initial {
                RawInitial::Generate => Initial::Generate,
                RawInitial::Env(name) => Initial::Env(name),
                RawInitial::File(path) => Initial::File(path.into()),
                RawInitial::Prompt(_) => Initial::Prompt,
            },
            kms_key: self.kms_key,
            on_teardown: match self.on_teardown {
                RawOnTeardown::RecoveryWindowDays(days) => OnTeardown::RecoveryWindowDays(days),
                RawOnTeardown::Keep => OnTeardown::Keep,
                RawOnTeardown::Force => OnTeardown::Force,
            },
        }
    }
}

impl RawPassword {
    fn resolve(self) -> PasswordPolicy {
        let preset = self.preset.map(|preset| match preset {
            RawPreset::Alphanumeric => Preset::Alphanumeric,
            RawPreset::UrlSafe => Preset::UrlSafe,
            RawPreset::Rds => Preset::Rds,
        });
        let base = preset.map(PasswordPolicy::preset).unwrap_or_default();
        let class = |class: RawClass| match class {
            RawClass::Lower => Class::Lower,
            RawClass::Upper => Class::Upper,
            RawClass::Digit => Class::Digit,
            RawClass::Symbol => Class::Symbol,
        };
        PasswordPolicy {
            length: self.length.unwrap_or(base.length),
            require: self.require.map_or(base.require, |require| require.into_iter().map(class).collect()),
            symbols: self.symbols.unwrap_or(base.symbols),
            exclude: self.exclude.unwrap_or(base.exclude),
        }
    }
}

impl RawFunction {
    fn resolve(self, stack: &str) -> Function {
        Function {
            name: self.name.unwrap_or_else(|| format!("{stack}-rotator")),
            architecture: match self.architecture {
                RawArchitecture::X86_64 => Architecture::X86_64,
                RawArchitecture::Arm64 => Architecture::Arm64,
            },
            memory: self.memory,
            timeout: self.timeout,
            log_retention_days: self.log_retention_days,
            package: self.package.map(Into::into),
        }
    }
}

impl RawSchedule {
    fn resolve(self, stack: &str) -> Schedule {
        Schedule {
            name: self.name.unwrap_or_else(|| stack.to_owned()),
            expression: self.expression.unwrap_or_default(),
            timezone: self.timezone,
            flexible_window_minutes: self.flexible_window_minutes,
            enabled: self.enabled,
            retry: Retry { attempts: self.retry.attempts, max_age_minutes: self.retry.max_age_minutes },
        }
    }
}
