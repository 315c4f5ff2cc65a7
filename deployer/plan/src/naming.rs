//! Names and ARNs: deterministic, so that every ARN but the secret's is known before anything exists.

use crate::spec::{Spec, Trigger};

/// A part of AWS with accounts, services and ARNs of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// What stands second in its ARNs.
    pub id: &'static str,
    /// The domain under which its services stand.
    pub dns_suffix: &'static str,
    /// How its regions begin, and no other partition's; those of the first have nothing in common.
    pub prefix: &'static str,
    /// Its regions, as far as they are known.
    pub regions: &'static [&'static str],
}

/// All partitions, as the SDKs know them: a test compares.
/// <https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>
pub const PARTITIONS: [Partition; 8] = [
    Partition {
        id: "aws",
        dns_suffix: "amazonaws.com",
        prefix: "",
        regions: &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    },
    Partition {
        id: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        prefix: "cn-",
        regions: &["cn-north-1", "cn-northwest-1"],
    },
    Partition {
        id: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        prefix: "us-gov-",
        regions: &["us-gov-east-1", "us-gov-west-1"],
    },
    Partition { id: "aws-eusc", dns_suffix: "amazonaws.eu", prefix: "eusc-", regions: &["eusc-de-east-1"] },
    Partition {
        id: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        prefix: "us-iso-",
        regions: &["us-iso-east-1", "us-iso-west-1"],
    },
    Partition {
        id: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        prefix: "us-isob-",
        regions: &["us-isob-east-1", "us-isob-west-1"],
    },
    Partition { id: "aws-iso-e", dns_suffix: "cloud.adc-e.uk", prefix: "eu-isoe-", regions: &["eu-isoe-west-1"] },
    Partition {
        id: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        prefix: "us-isof-",
        regions: &["us-isof-east-1", "us-isof-south-1"],
    },
];

fn partition_of(region: &str) -> &'static Partition {
    let [usual, others @ ..] = &PARTITIONS;
    others.iter().find(|partition| region.starts_with(partition.prefix)).unwrap_or(usual)
}

/// The AWS partition of a region, as its prefix tells.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    partition_of(region).id
}

/// The domain under which a region's services stand.
#[must_use]
pub fn dns_suffix(region: &str) -> &'static str {
    partition_of(region).dns_suffix
}

/// Names and ARNs of one stack.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(&'a Spec);

impl<'a> Names<'a> {
    /// The names that follow from a spec.
    #[must_use]
    pub fn of(spec: &'a Spec) -> Self {
        Self(spec)
    }

    fn arn(self, service: &str, resource: &str) -> String {
        let Spec { account, region, .. } = self.0;
        format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region))
    }

    /// The secret's ARN with `?` for each of the six characters that Secrets Manager adds: it matches no other name.
    #[must_use]
    pub fn secret_arn_pattern(self) -> String {
        self.any_secret_arn_pattern(&self.0.secret.name)
    }

    /// The same of another secret in the stack's account and region.
    #[must_use]
    pub fn any_secret_arn_pattern(self, name: &str) -> String {
        self.arn("secretsmanager", &format!("secret:{name}-??????"))
    }

    /// The ARN of a user of ElastiCache in the stack's account and region.
    #[must_use]
    pub fn elasticache_user_arn(self, id: &str) -> String {
        self.arn("elasticache", &format!("user:{id}"))
    }

    /// What resources say of themselves: shortened, for Lambda takes 256 characters, and a secret's name may have 512.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
    #[must_use]
    pub fn description(self) -> String {
        const MAX: usize = 256;
        const CUT: &str = "...";
        let whole = format!("Rotates the secret {}", self.0.secret.name);
        if whole.chars().count() <= MAX {
            return whole;
        }
        whole.chars().take(MAX - CUT.len()).chain(CUT.chars()).collect()
    }

    /// The log group that Lambda writes to.
    #[must_use]
    pub fn log_group(self) -> String {
        format!("/aws/lambda/{}", self.0.function.name)
    }

    /// The log group's ARN, without the `:*` that stands for its streams.
    #[must_use]
    pub fn log_group_arn(self) -> String {
        self.arn("logs", &format!("log-group:{}", self.log_group()))
    }

    /// The function's ARN.
    #[must_use]
    pub fn function_arn(self) -> String {
        self.arn("lambda", &format!("function:{}", self.0.function.name))
    }

    /// The schedule group: the stack's own name.
    #[must_use]
    pub fn schedule_group(self) -> &'a str {
        &self.0.name
    }

    /// The schedule group's ARN.
    #[must_use]
    pub fn schedule_group_arn(self) -> String {
        self.arn("scheduler", &format!("schedule-group/{}", self.0.name))
    }

    /// The schedule's ARN; `None` where Secrets Manager starts rotations.
    #[must_use]
    pub fn schedule_arn(self) -> Option<String> {
        let Spec { name, schedule, trigger, .. } = self.0;
        match trigger {
            Trigger::Schedule => Some(self.arn("scheduler", &format!("schedule/{name}/{}", schedule.name))),
            Trigger::Managed(_) => None,
        }
    }

    /// The pattern of the ARNs of all schedules in the schedule group.
    #[must_use]
    pub fn any_schedule_arn(self) -> String {
        self.arn("scheduler", &format!("schedule/{}/*", self.0.name))
    }

    /// The role as which EventBridge Scheduler invokes the function.
    #[must_use]
    pub fn invoke_role(self) -> String {
        format!("{}-invoke", self.0.schedule.name)
    }

    fn role_arn(self, name: &str) -> String {
        let Spec { account, region, role, .. } = self.0;
        format!("arn:{}:iam::{account}:role{}{name}", partition(region), role.path)
    }

    /// The execution role's ARN.
    #[must_use]
    pub fn execution_role_arn(self) -> String {
        self.role_arn(&self.0.role.name)
    }

    /// The invoke role's ARN.
    #[must_use]
    pub fn invoke_role_arn(self) -> String {
        self.role_arn(&self.invoke_role())
    }

    /// The ARN of a key in the stack's account and region.
    #[must_use]
    pub fn key_arn(self, id: &str) -> String {
        self.arn("kms", &format!("key/{id}"))
    }

    /// The pattern of the ARNs of all keys in the stack's account and region.
    #[must_use]
    pub fn any_key_arn(self) -> String {
        self.key_arn("*")
    }
}
