"""What is in the account, read from the emulator itself and not from what the deployer says about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from testbed import Testbed

STACK_TAG = "deployer:stack"


@dataclass(frozen=True)
class Version:
    """The version of the secret that applications read."""

    id: str
    value: str
    stages: dict[str, list[str]]


class Account:
    """Reads everything as root, in an account that holds nothing but the stack, and secrets that are named."""

    def __init__(self, bed: Testbed, *others: str) -> None:
        self._others = others
        self._secrets = bed.client("secretsmanager")
        self._iam = bed.client("iam")
        self._lambda = bed.client("lambda")
        self._scheduler = bed.client("scheduler")
        self._logs = bed.client("logs")

    def inventory(self) -> dict[str, list[str]]:
        """The names of all that there is, by kind."""
        return {
            "secrets": [one["Name"] for one in self._list_secrets()],
            "roles": [one["RoleName"] for one in self._iam.list_roles()["Roles"]],
            "functions": [one["FunctionName"] for one in self._lambda.list_functions()["Functions"]],
            "log groups": [one["logGroupName"] for one in self._logs.describe_log_groups()["logGroups"]],
            "schedule groups": self._groups(),
            "schedules": [one["Name"] for one in self._scheduler.list_schedules()["Schedules"]],
        }

    def secret(self) -> Any:
        (name,) = (one["Name"] for one in self._list_secrets())
        return self._secrets.describe_secret(SecretId=name)

    def current(self) -> Version:
        """What an application reads. The only place where the value is read, and it is not the deployer that reads."""
        secret = self.secret()
        answer = self._secrets.get_secret_value(SecretId=secret["ARN"])
        return Version(answer["VersionId"], answer["SecretString"], secret["VersionIdsToStages"])

    def version_ids(self) -> set[str]:
        """The versions that the secret still has, labelled or not; 100 at most."""
        answer = self._secrets.list_secret_version_ids(SecretId=self.secret()["ARN"], IncludeDeprecated=True)
        return {version["VersionId"] for version in answer["Versions"]}

    def current_id(self) -> str:
        stages = self.secret()["VersionIdsToStages"]
        return next((version for version, labels in stages.items() if "AWSCURRENT" in labels), "")

    def function(self) -> Any:
        (name,) = self.inventory()["functions"]
        return self._lambda.get_function(FunctionName=name)

    def schedule(self) -> Any:
        (one,) = self._scheduler.list_schedules()["Schedules"]
        return self._scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"])

    def role(self, trusted: str) -> Any:
        """The role that a service may assume."""
        roles = [self._iam.get_role(RoleName=name)["Role"] for name in self.inventory()["roles"]]
        (role,) = (role for role in roles if trusted in json.dumps(role["AssumeRolePolicyDocument"]))
        return role

    def policies(self, role: str) -> dict[str, Any]:
        names = self._iam.list_role_policies(RoleName=role)["PolicyNames"]
        return {name: self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}

    def log_group(self) -> Any:
        (group,) = self._logs.describe_log_groups()["logGroups"]
        return group

    def log_text(self) -> str:
        """All that the function wrote."""
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.log_group()["logGroupName"])
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def owners(self) -> dict[str, str | None]:
        """The stack that each resource says it belongs to. A schedule says it through its group."""
        owners = {self.secret()["Name"]: _pairs(self.secret().get("Tags", []))}
        for name in self.inventory()["roles"]:
            owners[name] = _pairs(self._iam.list_role_tags(RoleName=name)["Tags"])
        function = self.function()
        owners[function["Configuration"]["FunctionName"]] = function.get("Tags", {})
        group = self.log_group()
        owners[group["logGroupName"]] = self._logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]
        for name in self._groups():
            arn = self._scheduler.get_schedule_group(Name=name)["Arn"]
            owners[name] = _pairs(self._scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"])
        return {name: tags.get(STACK_TAG) for name, tags in owners.items()}

    def meddle(self) -> None:
        """What someone in a hurry does in the console: keep logs for longer, give a role more rights."""
        self._logs.put_retention_policy(logGroupName=self.log_group()["logGroupName"], retentionInDays=365)
        rights = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        self._iam.put_role_policy(
            RoleName=self.role("lambda.amazonaws.com")["RoleName"],
            PolicyName="TemporaryDebugging",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rights]}),
        )

    def _list_secrets(self) -> list[Any]:
        secrets = self._secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
        return [one for one in secrets if one["Name"] not in self._others]

    def _groups(self) -> list[str]:
        groups = (one["Name"] for one in self._scheduler.list_schedule_groups()["ScheduleGroups"])
        return [name for name in groups if name != "default"]


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
