//! The table. The models: <https://github.com/boto/botocore/tree/develop/botocore/data>, `service-2.json` of each service.

use super::{Bounds, Limit, Pattern, pattern};

const fn text(members: &'static [&'static str], min: usize, max: usize, pattern: Option<Pattern>) -> Limit {
    Limit { members, bounds: Bounds::Text { min, max, pattern }, narrower: None }
}

const fn items(members: &'static [&'static str], min: usize, max: usize) -> Limit {
    Limit { members, bounds: Bounds::Items { min, max }, narrower: None }
}

const fn number(members: &'static [&'static str], min: u32, max: u32) -> Limit {
    Limit { members, bounds: Bounds::Number { min, max }, narrower: None }
}

const fn words(members: &'static [&'static str], words: &'static [&'static str]) -> Limit {
    Limit { members, bounds: Bounds::Words(words), narrower: None }
}

const fn narrower(limit: Limit, page: &'static str) -> Limit {
    Limit { narrower: Some(page), ..limit }
}

/// The deployer's are of one kind, and of a region that is one.
const ARNS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html";
/// No model bounds it.
const ANY: usize = usize::MAX;

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $limit:expr;)*) => {
        $($(#[$doc])* pub(super) static $name: Limit = $limit;)*
        /// All limits.
        pub static TABLE: &[&Limit] = &[$(&$name),*];
    };
}

table! {
    ROLE_NAME = text(&["iam:CreateRole.RoleName", "iam:PutRolePolicy.RoleName", "iam:TagRole.RoleName",
        "iam:PutRolePermissionsBoundary.RoleName", "iam:UpdateRoleDescription.RoleName",
        "iam:UpdateAssumeRolePolicy.RoleName", "iam:GetRole.RoleName"], 1, 64, Some(pattern::IAM_NAME));
    ROLE_PATH = text(&["iam:CreateRole.Path"], 1, 512, Some(pattern::IAM_PATH));
    ROLE_DESCRIPTION = text(&["iam:CreateRole.Description", "iam:UpdateRoleDescription.Description"], 0, 1000,
        Some(pattern::IAM_DESCRIPTION));
    TRUST = narrower(text(&["iam:CreateRole.AssumeRolePolicyDocument", "iam:UpdateAssumeRolePolicy.PolicyDocument"], 1,
        2048, Some(pattern::IAM_DOCUMENT)), "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html");
    BOUNDARY = text(&["iam:CreateRole.PermissionsBoundary", "iam:PutRolePermissionsBoundary.PermissionsBoundary"], 20,
        2048, None);
    POLICY_NAME = text(&["iam:PutRolePolicy.PolicyName"], 1, 128, Some(pattern::IAM_NAME));
    POLICY = narrower(text(&["iam:PutRolePolicy.PolicyDocument"], 1, 10_240, Some(pattern::IAM_DOCUMENT)),
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html");
    ROLE_TAGS = items(&["iam:CreateRole.Tags", "iam:TagRole.Tags"], 0, 50);
    ROLE_TAG_KEY = text(&["iam:CreateRole.Tags[].Key", "iam:TagRole.Tags[].Key"], 1, 128, Some(pattern::IAM_TAG_KEY));
    ROLE_TAG_VALUE = text(&["iam:CreateRole.Tags[].Value", "iam:TagRole.Tags[].Value"], 0, 256, Some(pattern::IAM_TAG_VALUE));

    /// The models take an ARN in its place.
    FUNCTION_NAME = narrower(text(&["lambda:CreateFunction.FunctionName",
        "lambda:UpdateFunctionConfiguration.FunctionName", "lambda:AddPermission.FunctionName",
        "lambda:PutFunctionEventInvokeConfig.FunctionName", "lambda:Invoke.FunctionName"], 1, 64,
        Some(pattern::FUNCTION_NAME)), "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html");
    FUNCTION_DESCRIPTION = text(&["lambda:CreateFunction.Description",
        "lambda:UpdateFunctionConfiguration.Description"], 0, 256, None);
    FUNCTION_ROLE = narrower(text(&["lambda:CreateFunction.Role", "lambda:UpdateFunctionConfiguration.Role"], 0, 10_000,
        Some(pattern::FUNCTION_ROLE)),
        ARNS);
    RUNTIME = words(&["lambda:CreateFunction.Runtime", "lambda:UpdateFunctionConfiguration.Runtime"],
        &["provided.al2023"]);
    HANDLER = text(&["lambda:CreateFunction.Handler", "lambda:UpdateFunctionConfiguration.Handler"], 0, 128,
        Some(pattern::NO_BLANKS));
    ARCHITECTURE = words(&["lambda:CreateFunction.Architectures[]", "lambda:UpdateFunctionCode.Architectures[]"],
        &["x86_64", "arm64"]);
    MEMORY = narrower(number(&["lambda:CreateFunction.MemorySize", "lambda:UpdateFunctionConfiguration.MemorySize"], 128,
        10_240), "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html");
    TIMEOUT = narrower(number(&["lambda:CreateFunction.Timeout", "lambda:UpdateFunctionConfiguration.Timeout"], 1, 900),
        "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html");
    SUBNETS = items(&["lambda:CreateFunction.VpcConfig.SubnetIds",
        "lambda:UpdateFunctionConfiguration.VpcConfig.SubnetIds"], 0, 16);
    SUBNET = text(&["lambda:CreateFunction.VpcConfig.SubnetIds[]",
        "lambda:UpdateFunctionConfiguration.VpcConfig.SubnetIds[]"], 0, 1024, Some(pattern::SUBNET));
    SECURITY_GROUPS = items(&["lambda:CreateFunction.VpcConfig.SecurityGroupIds",
        "lambda:UpdateFunctionConfiguration.VpcConfig.SecurityGroupIds"], 0, 5);
    /// Ids have no capitals.
    SECURITY_GROUP = narrower(text(&["lambda:CreateFunction.VpcConfig.SecurityGroupIds[]",
        "lambda:UpdateFunctionConfiguration.VpcConfig.SecurityGroupIds[]"], 0, 1024, Some(pattern::SECURITY_GROUP)),
        "https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html");
    VARIABLE = text(&["lambda:CreateFunction.Environment.Variables.key",
        "lambda:UpdateFunctionConfiguration.Environment.Variables.key"], 0, ANY, Some(pattern::VARIABLE));
    /// All variables as one JSON object, as which Lambda was seen to measure them: 4096 are taken, and 4097 are not.
    /// <https://github.com/localstack/localstack/blob/main/tests/aws/services/lambda_/test_lambda_api.snapshot.json>
    ENVIRONMENT = narrower(text(&["lambda:CreateFunction.Environment", "lambda:UpdateFunctionConfiguration.Environment"],
        0, 4096, None), "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html");
    FUNCTION_TAGS = narrower(items(&["lambda:CreateFunction.Tags", "lambda:TagResource.Tags"], 0, 50),
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html");
    FUNCTION_TAG_KEY = text(&["lambda:CreateFunction.Tags.key", "lambda:TagResource.Tags.key"], 1, 128,
        Some(pattern::LAMBDA_TAG));
    FUNCTION_TAG_VALUE = text(&["lambda:CreateFunction.Tags.value", "lambda:TagResource.Tags.value"], 0, 256,
        Some(pattern::LAMBDA_TAG));
    FUNCTION_ARN = narrower(text(&["lambda:TagResource.Resource"], 1, 10_000, Some(pattern::FUNCTION_ARN)),
        ARNS);
    ASYNC_RETRIES = number(&["lambda:PutFunctionEventInvokeConfig.MaximumRetryAttempts"], 0, 2);
    ASYNC_AGE = number(&["lambda:PutFunctionEventInvokeConfig.MaximumEventAgeInSeconds"], 60, 21_600);
    STATEMENT_ID = text(&["lambda:AddPermission.StatementId"], 1, 100, Some(pattern::STATEMENT_ID));
    /// It is no wildcard.
    ACTION = narrower(text(&["lambda:AddPermission.Action"], 0, 10_000, Some(pattern::ACTION)),
        "https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html");
    PRINCIPAL = text(&["lambda:AddPermission.Principal"], 0, 2048, Some(pattern::NO_BLANKS));
    SOURCE_ARN = narrower(text(&["lambda:AddPermission.SourceArn"], 0, 10_000, Some(pattern::SOURCE_ARN)),
        ARNS);
    SOURCE_ACCOUNT = text(&["lambda:AddPermission.SourceAccount"], 0, 12, Some(pattern::ACCOUNT));

    SCHEDULE_GROUP = text(&["scheduler:CreateScheduleGroup.Name", "scheduler:CreateSchedule.GroupName",
        "scheduler:UpdateSchedule.GroupName"], 1, 64, Some(pattern::SCHEDULE_NAME));
    GROUP_TAGS = items(&["scheduler:CreateScheduleGroup.Tags", "scheduler:TagResource.Tags"], 0, 200);
    GROUP_TAG_KEY = text(&["scheduler:CreateScheduleGroup.Tags[].Key", "scheduler:TagResource.Tags[].Key"], 1, 128,
        None);
    GROUP_TAG_VALUE = text(&["scheduler:CreateScheduleGroup.Tags[].Value", "scheduler:TagResource.Tags[].Value"], 1, 256,
        None);
    GROUP_ARN = narrower(text(&["scheduler:TagResource.ResourceArn"], 1, 1011, Some(pattern::GROUP_ARN)),
        ARNS);
    SCHEDULE_NAME = text(&["scheduler:CreateSchedule.Name", "scheduler:UpdateSchedule.Name"], 1, 64,
        Some(pattern::SCHEDULE_NAME));
    EXPRESSION = text(&["scheduler:CreateSchedule.ScheduleExpression", "scheduler:UpdateSchedule.ScheduleExpression"], 1,
        256, None);
    TIMEZONE = text(&["scheduler:CreateSchedule.ScheduleExpressionTimezone",
        "scheduler:UpdateSchedule.ScheduleExpressionTimezone"], 1, 50, None);
    SCHEDULE_DESCRIPTION = text(&["scheduler:CreateSchedule.Description", "scheduler:UpdateSchedule.Description"], 0,
        512, None);
    WINDOW = number(&["scheduler:CreateSchedule.FlexibleTimeWindow.MaximumWindowInMinutes",
        "scheduler:UpdateSchedule.FlexibleTimeWindow.MaximumWindowInMinutes"], 1, 1440);
    TARGET_ARN = text(&["scheduler:CreateSchedule.Target.Arn", "scheduler:UpdateSchedule.Target.Arn"], 1, 1600, None);
    SCHEDULE_ROLE = narrower(text(&["scheduler:CreateSchedule.Target.RoleArn", "scheduler:UpdateSchedule.Target.RoleArn"], 1,
        1600, Some(pattern::SCHEDULE_ROLE)),
        ARNS);
    INPUT = text(&["scheduler:CreateSchedule.Target.Input", "scheduler:UpdateSchedule.Target.Input"], 1, ANY, None);
    RETRY_ATTEMPTS = number(&["scheduler:CreateSchedule.Target.RetryPolicy.MaximumRetryAttempts",
        "scheduler:UpdateSchedule.Target.RetryPolicy.MaximumRetryAttempts"], 0, 185);
    RETRY_AGE = number(&["scheduler:CreateSchedule.Target.RetryPolicy.MaximumEventAgeInSeconds",
        "scheduler:UpdateSchedule.Target.RetryPolicy.MaximumEventAgeInSeconds"], 60, 86_400);
    QUEUE_ARN = narrower(text(&["scheduler:CreateSchedule.Target.DeadLetterConfig.Arn",
        "scheduler:UpdateSchedule.Target.DeadLetterConfig.Arn"], 1, 1600, Some(pattern::QUEUE_ARN)),
        ARNS);

    SECRET_NAME = narrower(text(&["secretsmanager:CreateSecret.Name"], 1, 512, Some(pattern::SECRET_NAME)),
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html");
    SECRET_ID = text(&["secretsmanager:DescribeSecret.SecretId", "secretsmanager:UpdateSecret.SecretId",
        "secretsmanager:TagResource.SecretId", "secretsmanager:RotateSecret.SecretId",
        "secretsmanager:DeleteSecret.SecretId"], 1, 2048, None);
    SECRET_DESCRIPTION = text(&["secretsmanager:CreateSecret.Description", "secretsmanager:UpdateSecret.Description"], 0,
        2048, None);
    SECRET_KEY = text(&["secretsmanager:CreateSecret.KmsKeyId", "secretsmanager:UpdateSecret.KmsKeyId"], 0, 2048, None);
    SECRET_TAGS = narrower(items(&["secretsmanager:CreateSecret.Tags", "secretsmanager:TagResource.Tags"], 0, 50),
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html");
    SECRET_TAG_KEY = text(&["secretsmanager:CreateSecret.Tags[].Key", "secretsmanager:TagResource.Tags[].Key"], 1, 128,
        None);
    SECRET_TAG_VALUE = text(&["secretsmanager:CreateSecret.Tags[].Value", "secretsmanager:TagResource.Tags[].Value"], 0,
        256, None);
    RECOVERY_WINDOW = narrower(number(&["secretsmanager:DeleteSecret.RecoveryWindowInDays"], 7, 30),
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html");
    ROTATION_FUNCTION = text(&["secretsmanager:RotateSecret.RotationLambdaARN"], 0, 2048, None);
    ROTATION_DAYS = number(&["secretsmanager:RotateSecret.RotationRules.AutomaticallyAfterDays"], 1, 1000);
    ROTATION_EXPRESSION = text(&["secretsmanager:RotateSecret.RotationRules.ScheduleExpression"], 1, 256,
        Some(pattern::ROTATION_EXPRESSION));
    ROTATION_DURATION = text(&["secretsmanager:RotateSecret.RotationRules.Duration"], 2, 3, Some(pattern::DURATION));

    LOG_GROUP = text(&["logs:CreateLogGroup.logGroupName", "logs:PutRetentionPolicy.logGroupName",
        "logs:FilterLogEvents.logGroupName"], 1, 512, Some(pattern::LOG_GROUP));
    LOG_TAGS = items(&["logs:CreateLogGroup.tags", "logs:TagResource.tags"], 1, 50);
    LOG_TAG_KEY = text(&["logs:CreateLogGroup.tags.key", "logs:TagResource.tags.key"], 1, 128, Some(pattern::LOGS_TAG_KEY));
    LOG_TAG_VALUE = text(&["logs:CreateLogGroup.tags.value", "logs:TagResource.tags.value"], 0, 256,
        Some(pattern::LOGS_TAG_VALUE));
    LOG_ARN = text(&["logs:TagResource.resourceArn"], 1, 1011, Some(pattern::LOG_ARN));
    RETENTION = narrower(words(&["logs:PutRetentionPolicy.retentionInDays"], &["1", "3", "5", "7", "14", "30", "60",
        "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"]),
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html");

    DESCRIBED_KEY = text(&["kms:DescribeKey.KeyId"], 1, 2048, None);
    USER_ID = narrower(text(&["elasticache:ModifyUser.UserId", "elasticache:DescribeUsers.UserId"], 1, 40,
        Some(pattern::USER_ID)), "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUser.html");
}
