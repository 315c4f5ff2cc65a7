//! The spec that a file comes to, every default that follows from another value filled in.

use contract::{AuthMethod, Class, Login, PasswordPolicy, Preset, Strategy, Target, Template, Tls};

use super::target::{
    RawAuthMethod, RawConnection, RawMysql, RawPostgres, RawRedis, RawRedisConnection, RawStrategy, RawTarget, RawTls,
};
use super::{
    RawArchitecture, RawClass, RawFunction, RawInitial, RawManaged, RawOnTeardown, RawPassword, RawPreset, RawSchedule,
    RawSecret, RawSpec, RawTrigger,
};
use crate::spec::model::{
    Architecture, Connection, Every, Function, Initial, Managed, OnTeardown, Retry, Role, Schedule, Secret, Spec,
    Trigger, Vpc,
};

impl RawSpec {
    /// The spec with every default filled in; what is required and absent is empty, and has been reported.
    pub(in crate::spec) fn resolve(self) -> Spec {
        let name = self.name.unwrap_or_default();
        let function = self.function.resolve(&name);
        let (target, ca) = self.target.resolve();
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
            trigger: match self.trigger {
                RawTrigger::Schedule => Trigger::Schedule,
                RawTrigger::Managed(managed) => Trigger::Managed(managed.resolve()),
            },
            schedule: self.schedule.unwrap_or_default().resolve(&name),
            target,
            ca: ca.map(Into::into),
            name,
        }
    }
}

impl RawManaged {
    /// What is absent or can't be read comes to something valid, and has been reported.
    fn resolve(self) -> Managed {
        let every = self.expression.map_or_else(|| Every::Days(self.every_days.unwrap_or(30)), Every::Expression);
        let hours = self.duration.and_then(|duration| duration.strip_suffix('h')?.parse().ok());
        Managed { every, duration_hours: hours }
    }
}

impl RawTarget {
    /// The target, and the file of certificates by which it is trusted.
    fn resolve(self) -> (Target, Option<String>) {
        let (target, login, tls): (fn(Login) -> Target, _, _) = match self {
            Self::None => return (Target::None, None),
            Self::Postgres(RawPostgres { strategy, admin_secret, tls, require_auth, connection }) => {
                let (strategy, connection) = (strategy.resolve(), connection.map(RawConnection::resolve));
                let require_auth = RawAuthMethod::resolve(&require_auth);
                let login = Login { strategy, admin_secret, connection, require_auth, ..Login::default() };
                (Target::Postgres, login, tls)
            }
            Self::Mysql(RawMysql { strategy, admin_secret, tls, connection }) => {
                let (strategy, connection) = (strategy.resolve(), connection.map(RawConnection::resolve));
                (Target::Mysql, Login { strategy, admin_secret, connection, ..Login::default() }, tls)
            }
            Self::Redis(RawRedis { admin_secret, elasticache_user, tls, connection }) => {
                let connection = connection.map(RawRedisConnection::resolve);
                (Target::Redis, Login { admin_secret, connection, elasticache_user, ..Login::default() }, tls)
            }
        };
        let (tls, ca) = tls.resolve();
        (target(Login { tls, ..login }), ca)
    }
}

impl RawStrategy {
    fn resolve(self) -> Strategy {
        match self {
            Self::SingleUser => Strategy::SingleUser,
            Self::AlternatingUsers => Strategy::AlternatingUsers,
        }
    }
}

impl RawAuthMethod {
    /// In one order and each once, so that another order of the same is no change of the function.
    fn resolve(given: &[Self]) -> Vec<AuthMethod> {
        let all = [
            (Self::ScramSha256, AuthMethod::ScramSha256),
            (Self::Md5, AuthMethod::Md5),
            (Self::Password, AuthMethod::Password),
        ];
        all.into_iter().filter(|(raw, _)| given.contains(raw)).map(|(_, method)| method).collect()
    }
}

impl RawTls {
    fn resolve(self) -> (Tls, Option<String>) {
        match self {
            Self::VerifyFull => (Tls::VerifyFull, None),
            Self::Off => (Tls::Off, None),
            Self::Ca(path) => (Tls::VerifyFull, Some(path)),
        }
    }
}

impl RawConnection {
    fn resolve(self) -> Connection {
        let Self { host, port, username, dbname } = self;
        Connection { host: host.unwrap_or_default(), port, username: username.unwrap_or_default(), dbname }
    }
}

impl RawRedisConnection {
    fn resolve(self) -> Connection {
        let Self { host, port, username } = self;
        Connection { host: host.unwrap_or_default(), port, username: username.unwrap_or_default(), dbname: None }
    }
}

impl RawSecret {
    fn resolve(self) -> Secret {
        Secret {
            name: self.name.unwrap_or_default(),
            description: self.description,
            field: self.field,
            // What is no template has been reported.
            derived: self.derived.into_iter().filter_map(|(name, t)| Some((name, Template::parse(&t).ok()?))).collect(),
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
            vpc: self.vpc.map(|vpc| Vpc {
                subnets: vpc.subnets.unwrap_or_default().into_iter().collect(),
                security_groups: vpc.security_groups.unwrap_or_default().into_iter().collect(),
            }),
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
            dead_letter_queue: self.dead_letter_queue,
        }
    }
}
