//! Every code with which a service refuses a call: what it means, and what somebody has to do about it.
//!
//! From the services' published models, operation by operation; a test compares. What all services say (signatures,
//! throttling, denials, members that break the model) is in no operation's model; tests have the page that lists it, and what was seen of it.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>

use super::error::Class;

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// How it is treated, and with it whether waiting helps.
    pub class: Class,
    /// What to do, where somebody has to do something.
    pub fix: Option<&'static str>,
}

/// Codes that mean one thing, of the services that give them that meaning; no service is every service.
struct Row {
    services: &'static [&'static str],
    codes: &'static [&'static str],
    meaning: Meaning,
}

const fn row(services: &'static [&'static str], class: Class, codes: &'static [&'static str]) -> Row {
    Row { services, codes, meaning: Meaning { class, fix: None } }
}

const fn fixed(
    services: &'static [&'static str],
    class: Class,
    codes: &'static [&'static str],
    fix: &'static str,
) -> Row {
    Row { services, codes, meaning: Meaning { class, fix: Some(fix) } }
}

const ALL: &[&str] = &[];
const IAM: &[&str] = &["iam"];
const KMS: &[&str] = &["kms"];
const LAMBDA: &[&str] = &["lambda"];
const LOGS: &[&str] = &["logs"];
const SCHEDULER: &[&str] = &["scheduler"];
const SECRETS: &[&str] = &["secretsmanager"];
const SQS: &[&str] = &["sqs"];

const KEY: &str =
    "see which key the function's environment has (`aws lambda get-function-configuration`), and enable it";
const FILE_SYSTEM: &str =
    "another principal mounted a file system on the function: remove it, for the rotator needs none";
const SNAPSHOT: &str = "another principal switched SnapStart on: switch it off, for the rotator needs none";
const SIGNING: &str = "another principal put a code signing configuration on the function: `aws lambda delete-function-code-signing-config`";
const ARTIFACT: &str = "run `deploy apply`, which uploads the function's code again";
const QUOTA: &str = "remove what is not needed, or ask for a higher quota in the Service Quotas console";

/// What is not here is [`Class::Invalid`].
const ROWS: &[Row] = &[
    row(
        ALL,
        Class::NotFound,
        &[
            "ResourceNotFoundException",
            "NoSuchEntity",
            "NoSuchEntityException",
            "NotFoundException",
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
        ],
    ),
    row(
        ALL,
        Class::AlreadyExists,
        &[
            "EntityAlreadyExists",
            "EntityAlreadyExistsException",
            "ResourceExistsException",
            "ResourceAlreadyExistsException",
        ],
    ),
    row(
        ALL,
        Class::Conflict,
        &[
            "ConflictException",
            "ResourceConflictException",
            "OperationAbortedException",
            "ConcurrentModification",
            "ConcurrentModificationException",
            "DeleteConflict",
        ],
    ),
    row(ALL, Class::Stale, &["PreconditionFailedException"]),
    row(ALL, Class::Denied, &["AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"]),
    row(
        ALL,
        Class::Credentials,
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "RequestExpired",
            "TokenRefreshRequired",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
        ],
    ),
    row(
        ALL,
        Class::Throttled,
        &["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled"],
    ),
    row(
        ALL,
        Class::Service,
        &[
            "DependencyTimeoutException",
            "InternalError",
            "InternalFailure",
            "InternalServiceError",
            "InternalServerException",
            "KMSInternalException",
            "RequestAbortedException",
            "RequestTimeoutException",
            "ServiceException",
            "ServiceFailure",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            UNKNOWN,
        ],
    ),
    row(
        ALL,
        Class::Invalid,
        &["MalformedHttpRequestException", "UnknownOperationException", "ValidationError", "ValidationException"],
    ),
    fixed(
        ALL,
        Class::Invalid,
        &["OptInRequired"],
        "sign the account up for the service in its console, and see that the region is enabled for the account",
    ),
    // Lambda wakes a function that was idle on a network for weeks when it is invoked, and refuses until it has.
    // <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
    row(
        LAMBDA,
        Class::NotReady,
        &[
            "CodeArtifactUserPendingException",
            "EC2ThrottledException",
            "EC2UnexpectedException",
            "ENINotReadyException",
            "ResourceNotReadyException",
            "SnapStartNotReadyException",
            "SnapStartTimeoutException",
        ],
    ),
    fixed(
        LAMBDA,
        Class::NotReady,
        &["SubnetIPAddressLimitReachedException"],
        "free addresses in the subnets of the spec's `function.vpc`, or add a subnet that has some",
    ),
    fixed(LAMBDA, Class::NotReady, &["KMSInvalidStateException"], KEY),
    fixed(LAMBDA, Class::NotReady, &["CodeArtifactUserDeletedException"], ARTIFACT),
    fixed(
        LAMBDA,
        Class::RoleDenied,
        &["EC2AccessDeniedException", "KMSAccessDeniedException"],
        "`deploy plan` shows whether the function's role lacks a policy; the key's own policy may deny it too",
    ),
    fixed(LAMBDA, Class::Invalid, &["KMSDisabledException", "KMSNotFoundException"], KEY),
    fixed(
        LAMBDA,
        Class::Invalid,
        &["InvalidSubnetIDException", "InvalidSecurityGroupIDException"],
        "correct the spec's `function.vpc`, then run `deploy apply`",
    ),
    fixed(
        LAMBDA,
        Class::Quota,
        &["CodeStorageExceededException"],
        "delete versions and functions that are not needed in this region, or ask for more code storage in the Service \
         Quotas console",
    ),
    fixed(
        LAMBDA,
        Class::Quota,
        &["ENILimitReachedException"],
        "delete network interfaces that are not needed in the VPC, or ask for more in the Service Quotas console",
    ),
    fixed(
        LAMBDA,
        Class::Quota,
        &["FunctionVersionsPerCapacityProviderLimitExceededException", "ServiceQuotaExceededException"],
        QUOTA,
    ),
    fixed(
        LAMBDA,
        Class::Quota,
        &["PolicyLengthExceededException"],
        "remove statements from the function's own policy: `aws lambda get-policy` lists them",
    ),
    fixed(
        LAMBDA,
        Class::Invalid,
        &["PublicPolicyException"],
        "remove the statement that lets everybody invoke the function: `aws lambda get-policy` lists them",
    ),
    fixed(
        LAMBDA,
        Class::Invalid,
        &["CodeSigningConfigNotFoundException", "CodeVerificationFailedException", "InvalidCodeSignatureException"],
        SIGNING,
    ),
    fixed(
        LAMBDA,
        Class::Invalid,
        &["CodeArtifactUserFailedException", "InvalidRuntimeException", "InvalidZipFileException"],
        ARTIFACT,
    ),
    fixed(
        LAMBDA,
        Class::Invalid,
        &[
            "EFSIOException",
            "EFSMountConnectivityException",
            "EFSMountFailureException",
            "EFSMountTimeoutException",
            "S3FilesMountConnectivityException",
            "S3FilesMountFailureException",
            "S3FilesMountTimeoutException",
        ],
        FILE_SYSTEM,
    ),
    fixed(
        LAMBDA,
        Class::Invalid,
        &["RequestEntityTooLargeException"],
        "make the package smaller that the spec's `function.package` names",
    ),
    fixed(LAMBDA, Class::Invalid, &["SnapStartException", "SnapStartRegenerationFailureException"], SNAPSHOT),
    row(
        LAMBDA,
        Class::Invalid,
        &[
            "DurableExecutionAlreadyStartedException",
            "InvalidParameterValueException",
            "InvalidRequestContentException",
            "ModeNotSupportedException",
            "NoPublishedVersionException",
            "RecursiveInvocationException",
            "RequestTooLargeException",
            "SerializedRequestEntityTooLargeException",
            "UnsupportedMediaTypeException",
        ],
    ),
    fixed(IAM, Class::Quota, &["LimitExceeded", "LimitExceededException"], QUOTA),
    fixed(
        IAM,
        Class::Invalid,
        &["UnmodifiableEntity"],
        "a role of that name belongs to an AWS service: choose another `role.name` in the spec",
    ),
    fixed(
        IAM,
        Class::Invalid,
        &["PolicyNotAttachable"],
        "a service's own policy can't bound a role: choose another `role.permissions_boundary` in the spec",
    ),
    row(IAM, Class::Invalid, &["InvalidInput", "MalformedPolicyDocument"]),
    row(KMS, Class::Invalid, &["InvalidArnException"]),
    fixed(LOGS, Class::Quota, &["LimitExceededException", "TooManyTagsException"], QUOTA),
    row(LOGS, Class::Invalid, &["InvalidParameterException"]),
    fixed(SCHEDULER, Class::Quota, &["ServiceQuotaExceededException"], QUOTA),
    fixed(SECRETS, Class::Quota, &["LimitExceededException"], QUOTA),
    fixed(
        SECRETS,
        Class::Invalid,
        &["DecryptionFailure", "EncryptionFailure"],
        "see that the key of the spec's `secret.kms_key`, and the one that the secret has, is enabled and not about to be \
         deleted: `aws kms describe-key`",
    ),
    row(
        SECRETS,
        Class::Invalid,
        &[
            "InvalidNextTokenException",
            "InvalidParameterException",
            "InvalidRequestException",
            "MalformedPolicyDocumentException",
            "PreconditionNotMetException",
        ],
    ),
    row(ALL, Class::Invalid, &["RequestEntityTooLargeException"]),
    row(SQS, Class::Invalid, &["InvalidAddress", "InvalidAttributeName", "InvalidSecurity", "UnsupportedOperation"]),
];

/// Stands for an answer without a code.
pub(super) const UNKNOWN: &str = "UnknownError";

/// What `code` means where it answers `operation`, an IAM action as `iam:CreateRole`; `None` where nobody has said.
#[must_use]
pub fn meaning(operation: &str, code: &str) -> Option<Meaning> {
    let service = operation.split(':').next().unwrap_or_default();
    let is_of = |row: &&Row| row.services.is_empty() || row.services.contains(&service);
    ROWS.iter().filter(is_of).find(|row| row.codes.contains(&code)).map(|row| row.meaning)
}

/// Whether a code is one of those that are named here.
pub(super) fn is_known(code: &str) -> bool {
    ROWS.iter().any(|row| row.codes.contains(&code))
}

/// Why Lambda says that a function's state or last update is as it is, and what to do about it; `None` is nothing that
/// helps but to look at the reason.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html>
const REASONS: &[(&[&str], Option<&str>)] = &[
    // These pass.
    (&["Idle", "Creating", "Restoring", "DrainingDurableExecutions"], None),
    (
        &["EniLimitExceeded"],
        Some("delete network interfaces that are not needed in the VPC, or ask for a higher quota"),
    ),
    (&["SubnetOutOfIPAddresses"], Some("free addresses in the subnets of the spec's `function.vpc`, or add a subnet")),
    (&["InvalidSubnet", "InvalidSecurityGroup"], Some("correct the spec's `function.vpc`, then run `deploy apply`")),
    (
        &["InsufficientRolePermissions", "DisallowedByVpcEncryptionControl"],
        Some("`deploy plan` shows whether the function's role lacks a policy; then run `deploy apply`"),
    ),
    (&["KMSKeyAccessDenied", "KMSKeyNotFound", "InvalidStateKMSKey", "DisabledKMSKey"], Some(KEY)),
    (&["EFSIOError", "EFSMountConnectivityError", "EFSMountFailure", "EFSMountTimeout"], Some(FILE_SYSTEM)),
    (&["InvalidRuntime", "InvalidZipFileException"], Some(ARTIFACT)),
    // Of functions that are made from an image: the deployer makes none.
    (&["ImageDeleted", "ImageAccessDenied", "InvalidImage"], Some(ARTIFACT)),
    (&["ServiceQuotaExceededException", "VcpuLimitExceeded", "EC2RequestLimitExceeded"], Some(QUOTA)),
    (
        &[
            "CapacityProviderScalingLimitExceeded",
            "DependencyError",
            "FunctionError",
            "FunctionError.ExtensionInitError",
            "FunctionError.InitResourceExhausted",
            "FunctionError.InitTimeout",
            "FunctionError.InvalidEntryPoint",
            "FunctionError.InvalidWorkingDirectory",
            "FunctionError.PermissionDenied",
            "FunctionError.RuntimeInitError",
            "FunctionError.TooManyExtensions",
            "InsufficientCapacity",
            "InternalError",
            "InvalidConfiguration",
        ],
        None,
    ),
];

/// What to do about a state's reason, by its code; the outer `None` where nobody has said.
#[must_use]
pub fn reason(code: &str) -> Option<Option<&'static str>> {
    REASONS.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, fix)| *fix)
}
