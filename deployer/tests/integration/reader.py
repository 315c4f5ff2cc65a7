"""Reads and changes the emulator behind the deployer's back, as its account's root.

The first line of stdin is the endpoint. Every further line is a call: {"service", "method", "params"}, and optionally
"keys", {"access_key", "secret_key"}, to make it as somebody else. The answer is one line: {"ok": result} or
{"error": {"code", "message"}}. The service "account" is this file's own: whole inventories.

In params {"$zip": TEXT} stands for a function's package with that executable, {"$hex": DIGITS} for bytes.
"""

from __future__ import annotations

import io
import json
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

REGION = "us-east-1"
ROOT = {"access_key": "test", "secret_key": "test"}
# What changes by itself, or with every change however it is undone.
VOLATILE = {
    *("ResponseMetadata", "LastModified", "LastModificationDate", "LastChangedDate", "LastAccessedDate", "RevisionId"),
    *("RoleLastUsed", "storedBytes", "Location"),
}
# The same of a function alone: a schedule's state is set, and a group's says whether it is going.
VOLATILE_OF_FUNCTIONS = {
    *("State", "StateReason", "StateReasonCode"),
    *("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"),
}


class Account:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, keys: dict[str, str] = ROOT) -> Any:
        known = (service, keys["access_key"])
        if known not in self._clients:
            session = boto3.session.Session(keys["access_key"], keys["secret_key"], region_name=REGION)
            config = Config(proxies={}, retries={"total_max_attempts": 3})
            self._clients[known] = session.client(service, endpoint_url=self.endpoint, config=config)
        return self._clients[known]

    def call(self, service: str, method: str, params: dict[str, Any], keys: dict[str, str] = ROOT) -> Any:
        if service == "account":
            return getattr(self, method)(**params)
        return getattr(self.client(service, keys), method)(**_packed(params))

    def inventory(self, naming: str = "") -> dict[str, Any]:
        """Everything that there is whose name has that text in it, in full; of a secret all but its value."""
        kinds: dict[str, Callable[[str], Iterable[tuple[str, Any]]]] = {
            "secrets": self._secrets,
            "roles": self._roles,
            "functions": self._functions,
            "log_groups": self._log_groups,
            "schedule_groups": self._schedule_groups,
            "schedules": self._schedules,
        }
        volatile = {"functions": VOLATILE | VOLATILE_OF_FUNCTIONS}
        return {kind: _stable(dict(read(naming)), volatile.get(kind, VOLATILE)) for kind, read in kinds.items()}

    def package(self, name: str) -> dict[str, str]:
        """The architecture is part of a code's update, so to change it alone takes the code that is there."""
        code = self.client("lambda").get_function(FunctionName=name)["Code"]["Location"]
        with urllib.request.urlopen(code, timeout=10) as answer:
            return {"$hex": answer.read().hex()}

    def _secrets(self, naming: str) -> Iterable[tuple[str, Any]]:
        client = self.client("secretsmanager")
        for one in _named(naming, client.list_secrets(IncludePlannedDeletion=True)["SecretList"], "Name"):
            yield one["Name"], client.describe_secret(SecretId=one["ARN"])

    def _roles(self, naming: str) -> Iterable[tuple[str, Any]]:
        client = self.client("iam")
        for one in _named(naming, client.list_roles()["Roles"], "RoleName"):
            name = {"RoleName": one["RoleName"]}
            role = client.get_role(**name)["Role"]
            policies = client.list_role_policies(**name)["PolicyNames"]
            role["Policies"] = {p: client.get_role_policy(PolicyName=p, **name)["PolicyDocument"] for p in policies}
            role["Attached"] = client.list_attached_role_policies(**name)["AttachedPolicies"]
            yield one["RoleName"], role

    def _functions(self, naming: str) -> Iterable[tuple[str, Any]]:
        client = self.client("lambda")
        for one in _named(naming, client.list_functions()["Functions"], "FunctionName"):
            function = client.get_function(FunctionName=one["FunctionName"])
            try:
                function["Async"] = client.get_function_event_invoke_config(FunctionName=one["FunctionName"])
            except client.exceptions.ResourceNotFoundException:
                function["Async"] = None
            try:
                function["Policy"] = json.loads(client.get_policy(FunctionName=one["FunctionName"])["Policy"])
            except client.exceptions.ResourceNotFoundException:
                function["Policy"] = None
            yield one["FunctionName"], function

    def _log_groups(self, naming: str) -> Iterable[tuple[str, Any]]:
        client = self.client("logs")
        for one in _named(naming, client.describe_log_groups()["logGroups"], "logGroupName"):
            arn = one["arn"].removesuffix(":*")
            yield one["logGroupName"], {**one, "tags": client.list_tags_for_resource(resourceArn=arn)["tags"]}

    def _schedule_groups(self, naming: str) -> Iterable[tuple[str, Any]]:
        client = self.client("scheduler")
        for one in _named(naming, client.list_schedule_groups()["ScheduleGroups"], "Name"):
            if one["Name"] != "default":
                yield one["Name"], {**one, "Tags": client.list_tags_for_resource(ResourceArn=one["Arn"])["Tags"]}

    def _schedules(self, naming: str) -> Iterable[tuple[str, Any]]:
        client = self.client("scheduler")
        for one in _named(naming, client.list_schedules()["Schedules"], "Name"):
            yield one["Name"], client.get_schedule(Name=one["Name"], GroupName=one["GroupName"])


def _named(naming: str, listed: list[dict[str, Any]], field: str) -> Iterable[dict[str, Any]]:
    return (one for one in listed if naming in one[field])


def _packed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "$hex" in value:
        return bytes.fromhex(value["$hex"])
    if "$zip" not in value:
        return {name: _packed(one) for name, one in value.items()}
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, value["$zip"])
    return package.getvalue()


def _stable(value: Any, volatile: set[str]) -> Any:
    """Without what changes by itself, and with lists of tags in one order."""
    if isinstance(value, dict):
        return {key: _stable(one, volatile) for key, one in value.items() if key not in volatile}
    if isinstance(value, list):
        return sorted((_stable(one, volatile) for one in value), key=lambda one: json.dumps(one, sort_keys=True, default=str))
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, StreamingBody):
        return value.read().decode()
    return value.decode() if isinstance(value, bytes) else str(value)


def main() -> None:
    account = Account(sys.stdin.readline().strip())
    for line in sys.stdin:
        try:
            answer = {"ok": account.call(**json.loads(line))}
        except ClientError as error:
            answer = {"error": {"code": error.response["Error"]["Code"], "message": str(error)}}
        except Exception as error:  # a fault of a test: it is told there
            answer = {"error": {"code": type(error).__name__, "message": str(error)}}
        print(json.dumps(answer, default=_plain), flush=True)


if __name__ == "__main__":
    main()
