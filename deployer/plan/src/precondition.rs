//! What AWS would refuse, or what could not work, as far as it can be read before anything is changed.

use crate::desired::Desired;
use crate::doctor::Address;
use crate::live::Live;
use crate::naming::Names;
use crate::plan::{Plan, Verb};
use crate::resource::Kind;
use crate::spec::Spec;

/// A KMS key, as `DescribeKey` gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    /// ARN.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, ...
    pub state: String,
    /// `ENCRYPT_DECRYPT`, ...
    pub usage: String,
    /// `SYMMETRIC_DEFAULT`, ...
    pub spec: String,
    /// When it is deleted, RFC 3339, where that is to come.
    pub deletion: Option<String>,
    /// It is AWS's own: the service that it is of needs no one's right.
    pub is_aws_own: bool,
}

/// The key of a dead-letter queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum QueueKey {
    /// None, or AWS's own: who sends to the queue needs no right for it.
    #[default]
    Free,
    /// A customer-managed key.
    Customer(Key),
    /// There is one that the caller may not describe, or the queue may not be read.
    Unknown,
}

/// The dead-letter queue that the spec names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeadLetterQueue {
    /// It names none.
    #[default]
    Unnamed,
    /// There is none of that name.
    Absent,
    /// It is there, or nobody may say.
    Present(QueueKey),
}

/// What the stack uses and does not own, read along with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The secret's customer-managed key.
    pub secret_key: Option<Key>,
    /// The customer-managed key of the admin's secret, where it may be read.
    pub admin_key: Option<Key>,
    /// The schedule's dead-letter queue.
    pub queue: DeadLetterQueue,
}

/// What is read only where a plan hangs on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Names of roles that are to be created: is there one of another case?
    pub roles: Vec<String>,
    /// The boundary that a role is to get: is it there?
    pub boundary: Option<String>,
    /// Bytes of code that are to be uploaded: is there room?
    pub code: Option<u64>,
}

/// The answers; what could not be read says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Names of roles that are there, each as one that is asked for but for its case.
    pub other_cases: Vec<String>,
    /// Whether the boundary is not there.
    pub is_boundary_absent: bool,
    /// Bytes of code that the account has room for in the region.
    pub room: Option<u64>,
    /// Whether the account's functions may run at all, where no concurrency is reserved for them.
    pub is_concurrency_used_up: bool,
}

/// A precondition that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What it is about.
    pub address: Address,
    /// The spec's key that names it, where there is one: `secret.kms_key`.
    pub key: Option<&'static str>,
    /// What is in the way.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl Unmet {
    fn new(address: impl Into<Address>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { address: address.into(), key: None, what: what.into(), fix: fix.into() }
    }

    fn at(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }
}

impl Key {
    /// Why it can't encrypt or decrypt, and what to do.
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
    fn obstacle(&self) -> Option<(String, String)> {
        let Self { arn, state, deletion, .. } = self;
        let aws = |command: &str| format!("aws kms {command} --key-id {arn}");
        let date = || deletion.as_ref().map(|date| format!(" on {date}")).unwrap_or_default();
        let (what, fix) = match state.as_str() {
            // What an update changes is where the key is, and not whether it can be used.
            "Enabled" | "Updating" | "" => return self.misfit(),
            "Disabled" => ("is disabled".to_owned(), aws("enable-key")),
            "PendingDeletion" | "PendingReplicaDeletion" => (
                format!("is to be deleted{}", date()),
                format!("{}, then {}", aws("cancel-key-deletion"), aws("enable-key")),
            ),
            "Creating" => ("is still being created".to_owned(), "wait until it is enabled, then run again".to_owned()),
            "PendingImport" => ("has no key material yet".to_owned(), "import its key material".to_owned()),
            "Unavailable" => (
                "can't be used, for its key store is not connected".to_owned(),
                "connect the key store: aws kms connect-custom-key-store".to_owned(),
            ),
            other => (format!("is in the state {other}"), format!("see {}", aws("describe-key"))),
        };
        Some((what, fix))
    }

    /// Secrets Manager and SQS encrypt with symmetric keys alone.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>
    fn misfit(&self) -> Option<(String, String)> {
        let fits = |found: &str, wanted: &str| found.is_empty() || found == wanted;
        if fits(&self.usage, "ENCRYPT_DECRYPT") && fits(&self.spec, "SYMMETRIC_DEFAULT") {
            return None;
        }
        let what = format!("is no symmetric encryption key ({} for {})", self.spec, self.usage);
        Some((what, "name a symmetric encryption key".to_owned()))
    }

    fn unmet(&self, address: impl Into<Address>, whose: &str, key: &'static str) -> Option<Unmet> {
        let (what, fix) = self.obstacle()?;
        Some(Unmet::new(address, format!("{whose} {} {what}", self.arn), fix).at(key))
    }
}

impl Surroundings {
    /// The ARN of the queue's customer-managed key. Where nobody may say, what the invoke role may use now is kept.
    #[must_use]
    pub fn queue_key_arn(&self, live: &Live) -> Option<String> {
        match &self.queue {
            DeadLetterQueue::Unnamed | DeadLetterQueue::Absent | DeadLetterQueue::Present(QueueKey::Free) => None,
            DeadLetterQueue::Present(QueueKey::Customer(key)) => Some(key.arn.clone()),
            DeadLetterQueue::Present(QueueKey::Unknown) => {
                let document = live.invoke_role.as_ref()?.policies.get(crate::policy::QUEUE_KEY_POLICY)?;
                let resource = &crate::policy::tidy(document)["Statement"][0]["Resource"][0];
                resource.as_str().map(str::to_owned)
            }
        }
    }
}

/// What a plan hangs on that is not read yet.
#[must_use]
pub fn questions(spec: &Spec, desired: &Desired, plan: &Plan, package_bytes: usize) -> Questions {
    let verb = |kind: Kind| plan.action(kind).map(|action| action.verb);
    let roles = [Kind::ExecutionRole, Kind::InvokeRole];
    let created = roles.iter().filter(|kind| verb(**kind) == Some(Verb::Create));
    let touches = |kind: &Kind| plan.action(*kind).is_some_and(|action| action.touches("permissions_boundary"));
    let function = plan.action(Kind::Function);
    let uploads = function.is_some_and(|action| action.verb != Verb::Delete && action.touches("code_sha256"));
    Questions {
        roles: created.map(|kind| desired.name(*kind).to_owned()).collect(),
        boundary: spec.role.permissions_boundary.clone().filter(|_| roles.iter().any(touches)),
        code: uploads.then(|| u64::try_from(package_bytes).unwrap_or(u64::MAX)),
    }
}

/// What keeps a stack from being as its spec says.
#[must_use]
pub fn to_apply(
    spec: &Spec,
    live: &Live,
    surroundings: &Surroundings,
    (questions, answers): (&Questions, &Answers),
) -> Vec<Unmet> {
    let Surroundings { secret_key, admin_key, queue } = surroundings;
    let key = secret_key.as_ref().and_then(|key| key.unmet(Kind::Secret, "the key", "secret.kms_key"));
    let admin =
        admin_key.as_ref().and_then(|key| key.unmet(Address::Target, "the key of the admin's secret", "target"));
    let mut unmet: Vec<Unmet> = key.into_iter().chain(admin).collect();
    unmet.extend(secret(spec, live));
    unmet.extend(dead_letters(spec, queue));
    unmet.extend(answers.other_cases.iter().map(|found| other_case(spec, found)));
    if let Some(boundary) = questions.boundary.as_ref().filter(|_| answers.is_boundary_absent) {
        let what = format!("the permissions boundary {boundary} is not there, or is not attachable");
        let fix = "create the policy, or correct the spec's `role.permissions_boundary`";
        unmet.push(Unmet::new(Kind::ExecutionRole, what, fix).at("role.permissions_boundary"));
    }
    unmet.extend(account(questions, answers));
    unmet
}

/// A secret that is there and that only somebody else may change.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/service-linked-secrets.html>
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html>
fn secret(spec: &Spec, live: &Live) -> Option<Unmet> {
    let (live, name) = (live.secret.as_ref()?, &spec.secret.name);
    if let Some(service) = &live.owning_service {
        let what = format!("the secret {name} is managed by {service}, which rotates it by itself");
        return Some(Unmet::new(Kind::Secret, what, "choose another `secret.name` in the spec").at("secret.name"));
    }
    let primary = live.primary_region.as_ref().filter(|region| **region != spec.region)?;
    let what = format!("the secret {name} is a replica of the one in {primary}, where alone it can be changed");
    let fix =
        format!("put it under rotation there: a spec with `region: {primary}`; the new values get here by themselves");
    Some(Unmet::new(Kind::Secret, what, fix).at("secret.name"))
}

fn dead_letters(spec: &Spec, queue: &DeadLetterQueue) -> Option<Unmet> {
    let key = "schedule.dead_letter_queue";
    match queue {
        DeadLetterQueue::Absent => {
            let arn = spec.schedule.dead_letter_queue.as_deref().unwrap_or_default();
            let name = arn.rsplit(':').next().unwrap_or_default();
            let what = format!("the dead-letter queue {arn} is not there");
            let fix = format!(
                "aws sqs create-queue --region {} --queue-name {name}, or correct the spec's `{key}`",
                spec.region
            );
            Some(Unmet::new(Address::DeadLetterQueue, what, fix).at(key))
        }
        DeadLetterQueue::Present(QueueKey::Customer(found)) => {
            found.unmet(Address::DeadLetterQueue, "the key of the dead-letter queue", key)
        }
        DeadLetterQueue::Unnamed | DeadLetterQueue::Present(QueueKey::Free | QueueKey::Unknown) => None,
    }
}

/// IAM tells no names apart that differ in case alone, and finds a role by its exact name only.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn other_case(spec: &Spec, found: &str) -> Unmet {
    let is_execution = found.eq_ignore_ascii_case(&spec.role.name);
    let wanted = if is_execution { spec.role.name.clone() } else { Names::of(spec).invoke_role() };
    let (kind, key) =
        if is_execution { (Kind::ExecutionRole, "role.name") } else { (Kind::InvokeRole, "schedule.name") };
    let what = format!("the role {wanted} can't be created, for there is a role {found}: to IAM both are one name");
    Unmet::new(kind, what, format!("choose another `{key}` in the spec, or delete the role {found}")).at(key)
}

fn account(questions: &Questions, answers: &Answers) -> Option<Unmet> {
    if answers.is_concurrency_used_up {
        let what = "all of the account's concurrency is reserved for other functions: none is left for this one";
        let fix = "reserve less for others, or ask for more in the Service Quotas console";
        return Some(Unmet::new(Kind::Function, what, fix));
    }
    let (needed, room) = (questions.code?, answers.room?);
    let what = format!("the account has room for {room} bytes of code in this region, and the function takes {needed}");
    let fix = "delete versions and functions that are not needed, or ask for more in the Service Quotas console";
    (room < needed).then(|| Unmet::new(Kind::Function, what, fix))
}

/// What of a stack AWS would not delete.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html>
#[must_use]
pub fn to_tear_down(spec: &Spec, live: &Live, plan: &Plan) -> Vec<Unmet> {
    let is_deleted = |kind: Kind| plan.action(kind).is_some_and(|action| action.verb == Verb::Delete);
    let Spec { region, .. } = spec;
    let mut unmet = Vec::new();
    let replicas = live.secret.as_ref().map(|secret| secret.replicas.as_slice()).unwrap_or_default();
    if !replicas.is_empty() && is_deleted(Kind::Secret) {
        let name = &spec.secret.name;
        let what = format!("the secret {name} has replicas in {}, and is not deleted before them", replicas.join(", "));
        let fix = format!(
            "aws secretsmanager remove-regions-from-replication --region {region} --secret-id {name} \
             --remove-replica-regions {}",
            replicas.join(" ")
        );
        unmet.push(Unmet::new(Kind::Secret, what, fix).at("secret.name"));
    }
    if live.log_group.as_ref().is_some_and(|group| group.is_protected) && is_deleted(Kind::LogGroup) {
        let name = Names::of(spec).log_group();
        let what = format!("the log group {name} is protected from deletion");
        let fix = format!(
            "aws logs put-log-group-deletion-protection --region {region} --log-group-identifier {name} \
             --no-deletion-protection-enabled"
        );
        unmet.push(Unmet::new(Kind::LogGroup, what, fix));
    }
    unmet
}
