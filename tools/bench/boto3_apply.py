"""What a person would write instead, for comparison: the same stack by boto3, one call after another.

boto3_apply.py apply|teardown, with the usual AWS environment.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3

ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "myapp-db-password"
SECRET, FUNCTION, SCHEDULE = "MyApp/DBPassword", "RotatePasswordFunction", "RotatePasswordSchedule"
ROLE, INVOKE, GROUP = f"{FUNCTION}-role", f"{SCHEDULE}-invoke", f"/aws/lambda/{FUNCTION}"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
TAGS = [{"Key": "deployer:stack", "Value": STACK}]
TAG_MAP = {"deployer:stack": STACK}

iam, functions, scheduler, secrets, logs = (
    boto3.client(name, region_name=REGION) for name in ("iam", "lambda", "scheduler", "secretsmanager", "logs")
)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def trust(service: str) -> str:
    return document({"Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def package(bootstrap: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def role(name: str, service: str, policies: dict[str, str]) -> str:
    try:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust(service))
    except iam.exceptions.NoSuchEntityException:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service), Tags=TAGS)["Role"]["Arn"]
    for policy, text in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)
    return str(arn)


def apply(bootstrap: Path) -> None:
    try:
        secret = secrets.describe_secret(SecretId=SECRET)["ARN"]
    except secrets.exceptions.ResourceNotFoundException:
        value = json.dumps({"password": "not-random-" + "x" * 21})
        secret = secrets.create_secret(Name=SECRET, SecretString=value, Tags=TAGS)["ARN"]
    try:
        logs.create_log_group(logGroupName=GROUP, tags=TAG_MAP)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=30)
    rights = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
    policies = {
        "SecretsManagerRotation": document({"Action": [f"secretsmanager:{r}" for r in rights], "Resource": secret}),
        "KMSDecryptForRotation": document({"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}),
        "WriteLogs": document({"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}),
    }
    execution = role(ROLE, "lambda.amazonaws.com", policies)
    invoke = role(
        INVOKE,
        "scheduler.amazonaws.com",
        {"Invoke": document({"Action": "lambda:InvokeFunction", "Resource": FUNCTION_ARN})},
    )
    configuration: dict[str, Any] = {"FunctionName": FUNCTION, "Role": execution, "Timeout": 30, "MemorySize": 128}
    configuration["Environment"] = {"Variables": {"SECRET_ARN": secret}}
    try:
        functions.get_function(FunctionName=FUNCTION)
        functions.update_function_code(FunctionName=FUNCTION, ZipFile=package(bootstrap))
        functions.get_waiter("function_updated_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1})
        functions.update_function_configuration(**configuration)
    except functions.exceptions.ResourceNotFoundException:
        runtime = {"Runtime": "provided.al2023", "Handler": "bootstrap", "Code": {"ZipFile": package(bootstrap)}}
        functions.create_function(**configuration, **runtime, Tags=TAG_MAP)
    functions.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1})
    functions.put_function_event_invoke_config(
        FunctionName=FUNCTION, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=3600
    )
    try:
        scheduler.create_schedule_group(Name=STACK, Tags=TAGS)
    except scheduler.exceptions.ConflictException:
        pass
    schedule: dict[str, Any] = {
        "Name": SCHEDULE,
        "GroupName": STACK,
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "Target": {"Arn": FUNCTION_ARN, "RoleArn": invoke, "Input": "{}"},
    }
    try:
        scheduler.create_schedule(**schedule)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**schedule)


def teardown() -> None:
    scheduler.delete_schedule(Name=SCHEDULE, GroupName=STACK)
    scheduler.delete_schedule_group(Name=STACK)
    functions.delete_function(FunctionName=FUNCTION)
    for name in (ROLE, INVOKE):
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    logs.delete_log_group(logGroupName=GROUP)
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


if __name__ == "__main__":
    if sys.argv[1] == "apply":
        apply(Path(sys.argv[2]))
    else:
        teardown()
