"""Compares the deployer's table of limits with the services' models, as boto3 carries them; nothing is called.

stdin is one JSON document: {"table", "partitions", "samples", "characters"}. stdout is another: {"differences", "counts"}.
A row of the table is {"members", "bounds", "narrower"}, a sample [member, value, whether the table takes it], and of
characters each entry [member, ranges of the code points that its pattern takes].
"""

from __future__ import annotations

import functools
import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import regex

# What the deployer never sends, or only as a constant: nothing of a spec goes into it.
UNSENT = {
    "iam:CreateRole": {"MaxSessionDuration"},
    "lambda:CreateFunction": {
        *("Code", "DeadLetterConfig", "KMSKeyArn", "TracingConfig", "PackageType", "Layers", "CodeSigningConfigArn"),
        *("FileSystemConfigs", "ImageConfig", "EphemeralStorage", "SnapStart", "LoggingConfig", "PublishTo"),
        *("TenancyConfig", "CapacityProviderConfig", "DurableConfig", "Architectures"),
    },
    "lambda:UpdateFunctionConfiguration": {
        *("DeadLetterConfig", "KMSKeyArn", "TracingConfig", "Layers", "FileSystemConfigs", "ImageConfig"),
        *("EphemeralStorage", "SnapStart", "LoggingConfig", "CapacityProviderConfig", "DurableConfig"),
    },
    "lambda:UpdateFunctionCode": {
        *("FunctionName", "ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri"),
        *("PublishTo", "SourceKMSKeyArn", "Architectures"),
    },
    "lambda:AddPermission": {
        *("FunctionUrlAuthType", "EventSourceToken", "Qualifier", "PrincipalOrgID"),
    },
    "lambda:PutFunctionEventInvokeConfig": {"Qualifier", "DestinationConfig"},
    "lambda:Invoke": {"InvocationType", "LogType", "ClientContext", "DurableExecutionName", "Qualifier", "TenantId"},
    "scheduler:CreateScheduleGroup": {"ClientToken"},
    "scheduler:CreateSchedule": {"ActionAfterCompletion", "ClientToken", "KmsKeyArn", "State", "Mode"},
    "scheduler:UpdateSchedule": {"ActionAfterCompletion", "ClientToken", "KmsKeyArn", "State", "Mode"},
    "secretsmanager:CreateSecret": {
        *("ClientRequestToken", "SecretBinary", "SecretString", "AddReplicaRegions", "Type"),
    },
    "secretsmanager:UpdateSecret": {"ClientRequestToken", "SecretBinary", "SecretString", "Type"},
    "secretsmanager:RotateSecret": {
        *("ClientRequestToken", "ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"),
    },
    "logs:CreateLogGroup": {"kmsKeyId", "logGroupClass"},
    "logs:FilterLogEvents": {
        *("logGroupIdentifier", "logStreamNames", "logStreamNamePrefix", "startTime", "endTime", "filterPattern"),
        *("nextToken", "limit"),
    },
    "kms:DescribeKey": {"GrantTokens"},
    "elasticache:ModifyUser": {
        *("AccessString", "AppendAccessString", "Passwords", "AuthenticationMode", "Engine"),
    },
    "elasticache:DescribeUsers": {"Engine", "Filters"},
}
# Parts of a schedule's target that are not Lambda's.
OTHER_TARGETS = {"EcsParameters", "EventBridgeParameters", "KinesisParameters", "SageMakerPipelineParameters"}
OTHER_TARGETS |= {"SqsParameters"}
BOUNDS = ("min", "max", "pattern", "enum")


class Models:
    def __init__(self) -> None:
        self._loader = botocore.loaders.Loader()
        self._services: dict[str, Any] = {}
        self._members: dict[str, dict[str, Any]] = {}

    def members(self, operation: str) -> dict[str, Any]:
        """The shapes of all members of an operation's input by their paths."""
        if operation not in self._members:
            service, name = operation.split(":")
            if service not in self._services:
                self._services[service] = self._loader.load_service_model(service, "service-2")
            model = self._services[service]
            root = model["operations"][name]["input"]["shape"]
            self._members[operation] = dict(_walk(model["shapes"], root, "", ()))
        return self._members[operation]

    def shape(self, member: str) -> Any:
        operation, path = member.split(".", 1)
        return self.members(operation).get(path)


def _walk(shapes: Any, name: str, path: str, above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    shape = shapes[name]
    yield path, shape
    if name in above:
        return
    above = (*above, name)
    if shape["type"] == "structure":
        for key, member in shape["members"].items():
            if key not in OTHER_TARGETS:
                yield from _walk(shapes, member["shape"], f"{path}.{key}".lstrip("."), above)
    elif shape["type"] == "list":
        yield from _walk(shapes, shape["member"]["shape"], f"{path}[]", above)
    elif shape["type"] == "map":
        yield from _walk(shapes, shape["key"]["shape"], f"{path}.key", above)
        yield from _walk(shapes, shape["value"]["shape"], f"{path}.value", above)


@functools.cache
def _compile(pattern: str) -> regex.Pattern[str]:
    """The services' patterns are Java's, where these classes are ASCII's."""
    for own, ascii_ in ((r"\w", "A-Za-z0-9_"), (r"\d", "[0-9]"), (r"\s", r" \t\n\x0b\f\r")):
        pattern = pattern.replace(own, ascii_)
    return regex.compile(pattern)


def _takes(service: str, shape: Any, value: Any) -> bool:
    if isinstance(value, str):
        if "enum" in shape:
            return value in shape["enum"]
        if shape["type"] in ("integer", "long"):
            value = int(value)
        else:
            return _takes_text(service, shape, value)
    return bool(shape.get("min", 0) <= value <= shape.get("max", sys.maxsize))


def _takes_text(service: str, shape: Any, value: str) -> bool:
    if not shape.get("min", 0) <= len(value) <= shape.get("max", sys.maxsize):
        return False
    if service == "scheduler":
        # By the letter the pattern leaves out GovCloud, where the service is.
        value = regex.sub(r"^arn:aws(-[a-z]+)+:", "arn:aws:", value)
    return "pattern" not in shape or _compile(shape["pattern"]).fullmatch(value) is not None


def _row(models: Models, row: Any) -> Iterator[str]:
    bounds, is_narrower = row["bounds"], row["narrower"] is not None
    for member in row["members"]:
        shape = models.shape(member)
        if shape is None:
            yield f"{member}: the model has no such member"
            continue
        ours = {key: bounds.get(key) for key in BOUNDS}
        theirs = {key: shape.get(key) for key in BOUNDS}
        if shape["type"] != "timestamp" and theirs["min"] is None:
            theirs["min"] = 0
        if "words" in bounds:
            if theirs["enum"] and not set(bounds["words"]) <= set(theirs["enum"]):
                yield f"{member}: {bounds['words']} are not all among the model's"
        elif is_narrower:
            if ours["min"] < theirs["min"] or (theirs["max"] is not None and ours["max"] > theirs["max"]):
                yield f"{member}: {ours} is wider than the model's {theirs}"
        elif ours != theirs:
            yield f"{member}: {ours} is not the model's {theirs}"


def _unbounded(models: Models, table: Any) -> Iterator[str]:
    """Members of the same operations that are bounded, and neither in the table nor known not to be sent."""
    members = {member for row in table for member in row["members"]}
    for operation in sorted({member.split(".", 1)[0] for member in members}):
        for path, shape in models.members(operation).items():
            parts = set(regex.split(r"\.|\[\]", path))
            is_bounded = any(key in shape for key in BOUNDS)
            if is_bounded and f"{operation}.{path}" not in members and not parts & UNSENT.get(operation, set()):
                yield f"{operation}.{path}: bounded by the model, and not in the table"


def _samples(models: Models, given: Any) -> Iterator[str]:
    rows = {member: row for row in given["table"] for member in row["members"]}
    for member, value, is_taken in given["samples"]:
        shape = models.shape(member)
        if shape is None or shape["type"] == "structure":
            continue
        takes = _takes(member.split(":")[0], shape, value)
        if takes != is_taken and (is_taken or rows[member]["narrower"] is None):
            yield f"{member}: {value!r} is {'' if takes else 'not '}taken by the model"


def _characters(models: Models, given: Any) -> Iterator[str]:
    for member, ranges in given["characters"]:
        pattern = _compile(models.shape(member)["pattern"])
        ours = {code for first, last in ranges for code in range(first, last + 1)}
        for code in range(sys.maxunicode + 1):
            character = chr(code)
            is_taken = not 0xD800 <= code < 0xE000 and pattern.fullmatch(character) is not None
            # The newest letters are known here, and not yet to Rust.
            if is_taken != (code in ours) and (code in ours or unicodedata.category(character) != "Cn"):
                yield f"{member}: U+{code:04X}"


def _partitions(given: Any) -> Iterator[str]:
    known = botocore.loaders.Loader().load_data("partitions")["partitions"]
    ours = {one["id"]: (one["dns_suffix"], set(one["regions"])) for one in given["partitions"]}
    for one in known:
        regions = {region for region in one["regions"] if not region.endswith("-global")}
        if ours.get(one["id"]) != (one["outputs"]["dnsSuffix"], regions):
            yield f"partition {one['id']}: {one['outputs']['dnsSuffix']}, {sorted(regions)}"
    yield from (f"partition {name} is not known" for name in ours.keys() - {one["id"] for one in known})


def main() -> None:
    given, models = json.load(sys.stdin), Models()
    differences = [difference for row in given["table"] for difference in _row(models, row)]
    differences += _unbounded(models, given["table"])
    differences += _samples(models, given)
    differences += _characters(models, given)
    differences += _partitions(given)
    counts = Counter({"members": sum(len(row["members"]) for row in given["table"])})
    counts.update(samples=len(given["samples"]), operations=len(models._members))
    json.dump({"differences": differences[:50], "counts": counts}, sys.stdout)


if __name__ == "__main__":
    main()
