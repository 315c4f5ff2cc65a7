"""The whole story on this machine, with no AWS account: `make demo`.

The binary is the real one, and so is the function. What it talks to is an emulator on loopback that runs functions,
fires schedules and enforces IAM. Nothing that the deployer says is believed: after each step the emulator is read back.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml
from account import Account, Version
from stage import Failed, Stage
from testbed import REGION, TARGET, Testbed, leftovers, terminate_on_sigterm, walkthrough_spec

SPEC = "myapp.yaml"
FIRST_FIRE = 65.0


class Story:
    def __init__(self, stage: Stage, account: Account, spec: Path) -> None:
        self.stage, self.account, self.spec, self.file = stage, account, spec, spec.name
        self.stack: dict[str, Any] = yaml.safe_load(spec.read_text())

    def tell(self) -> None:
        self.plan_first()
        self.apply_first()
        self.rotate_by_hand()
        self.edit_the_spec()
        self.wait_for_the_schedule()
        self.look_at_it()
        self.meddle_and_repair()
        self.tear_down()

    def plan_first(self) -> None:
        self.stage.step(
            "What would change?",
            "One YAML file describes the stack. Nothing exists yet, so all of it is to be created.",
        )
        self.stage.run("plan", self.file, "--detailed-exitcode", expect=2)
        actions = self.planned()
        self.stage.check(
            f"all {len(actions)} resources are to be created", set(actions.values()) == {"create"}, actions
        )
        self.stage.check("plan has made nothing", not any(self.account.inventory().values()), self.account.inventory())

    def apply_first(self) -> None:
        self.stage.step(
            "Make it so.",
            "The secret's first value is generated here, stored, and never seen again by the deployer: the user that",
            "it runs as is even denied secretsmanager:GetSecretValue.",
        )
        self.stage.run("apply", self.file, "--yes")
        function = self.account.function()["Configuration"]
        self.stage.check(
            f"the function {function['FunctionName']} is there and active",
            function["State"] == "Active" and function["Runtime"] == "provided.al2023",
            function["State"],
        )
        schedule, invoke = self.account.schedule(), self.account.role("scheduler.amazonaws.com")
        self.expect_schedule(self.stack["schedule"]["expression"], self.stack["schedule"]["flexible_window_minutes"])
        self.stage.check(
            "it invokes the function, through a role that nothing but this schedule's group can assume",
            schedule["Target"]["Arn"] == function["FunctionArn"]
            and schedule["Target"]["RoleArn"] == invoke["Arn"]
            and f":schedule-group/{schedule['GroupName']}" in json.dumps(invoke["AssumeRolePolicyDocument"]),
            invoke["AssumeRolePolicyDocument"],
        )
        days = self.stack["function"]["log_retention_days"]
        group = self.account.log_group()
        self.stage.check(
            f"its logs are kept for {days} days", group.get("retentionInDays") == days, group.get("retentionInDays")
        )
        owners = self.account.owners()
        self.stage.check(
            f"each resource says that it belongs to {self.stack['name']}",
            set(owners.values()) == {self.stack["name"]},
            owners,
        )
        self.current()
        self.stage.check("the secret has a value, which no output has shown", True)
        self.expect_no_changes()

    def rotate_by_hand(self) -> None:
        self.stage.step("Rotate now.", "The function makes a new password. The deployer proves it without reading it.")
        before = self.current()
        self.stage.run("rotate", self.file)
        self.expect_new_version(before)

    def edit_the_spec(self) -> None:
        self.stage.step(
            "Change the schedule: every minute, without a window.",
            f"Two lines of {self.file} are edited. One resource changes, in place.",
        )
        text = self.spec.read_text()
        for key, value in (("expression", "rate(1 minute)"), ("flexible_window_minutes", "0")):
            text, count = re.subn(rf"(?m)^(\s*{key}:\s*).*$", rf"\g<1>{value}", text)
            self.stage.check(f"{key}: {value}", count == 1, count)
        self.spec.write_text(text)
        self.stage.run("plan", self.file, "--detailed-exitcode", expect=2)
        pending = {address: action for address, action in self.planned().items() if action != "no-op"}
        self.stage.check("one update in place", list(pending.values()) == ["update"], pending)
        self.stage.run("apply", self.file, "--yes")
        self.expect_schedule("rate(1 minute)", 0)
        self.expect_no_changes()

    def wait_for_the_schedule(self) -> None:
        self.stage.step("Now nobody does anything.", "The schedule fires by itself, and the password changes.")
        before = self.current()
        passed = self.stage.wait(
            "the schedule to fire", 2 * FIRST_FIRE, FIRST_FIRE, lambda: self.account.current_id() != before.id
        )
        self.stage.wait("the rotation to finish", 10, 1, lambda: not self.pending())
        self.expect_new_version(before, f"after {passed:.0f} s, by the schedule alone: ")

    def look_at_it(self) -> None:
        self.stage.step("Look at it.")
        status = self.stage.run("status", self.file)
        self.stage.check("status names the schedule's expression", "rate(1 minute)" in status)
        logs = self.stage.run("logs", self.file)
        self.stage.check("logs has what the function wrote", bool(logs.strip()))
        self.stage.must_not_show("the function's logs", self.account.log_text())
        self.stage.check("no value is in the function's logs", True)

    def meddle_and_repair(self) -> None:
        self.stage.step(
            "Someone meddles.",
            "Behind the deployer's back, logs are now kept for a year, and the function may read every secret.",
        )
        role = self.account.role("lambda.amazonaws.com")["RoleName"]
        policies = self.account.policies(role)
        self.account.meddle()
        self.stage.run("plan", self.file, "--detailed-exitcode", expect=2)
        plan = resources(self.stage.ask("plan", self.file))
        drifted = {one["address"] for one in plan if one["action"] == "update" and one.get("cause") == "drift"}
        self.stage.check("plan shows both as drift, and nothing else", len(drifted) == 2, drifted)
        self.stage.run("apply", self.file, "--yes")
        self.stage.check("the role has its own policies and no other", self.account.policies(role) == policies)
        days = self.stack["function"]["log_retention_days"]
        self.stage.check(f"logs are kept for {days} days again", self.account.log_group()["retentionInDays"] == days)
        self.expect_no_changes()

    def tear_down(self) -> None:
        self.stage.step("Take it away.", "All goes but the secret, which can be brought back for some days.")
        self.current()
        self.stage.run("teardown", self.file, "--yes")
        secret = self.account.secret()
        left = {kind: names for kind, names in self.account.inventory().items() if names and kind != "secrets"}
        self.stage.check("no role, function, log group, schedule or group is left", not left, left)
        deleted = secret.get("DeletedDate")
        self.stage.check(f"the secret is scheduled for deletion: {deleted}", deleted is not None)
        self.stage.run("teardown", self.file, "--yes")
        self.stage.check("a second teardown has nothing to do", True)

    # What is checked more than once.

    def planned(self) -> dict[str, str]:
        return {one["address"]: one["action"] for one in resources(self.stage.ask("plan", self.file))}

    def current(self) -> Version:
        """Reads the value as an application would, so that it can be looked for in everything that was said."""
        version = self.account.current()
        self.stage.keep_secret(version.value)
        field = self.stack["secret"].get("field", "password")
        if field is not None:
            self.stage.keep_secret(json.loads(version.value)[field])
        return version

    def pending(self) -> bool:
        return any("AWSPENDING" in labels for labels in self.account.secret()["VersionIdsToStages"].values())

    def expect_no_changes(self) -> None:
        self.stage.run("plan", self.file, "--detailed-exitcode")
        self.stage.check("plan has no changes, and says so by its exit code", True)

    def expect_schedule(self, expression: str, window: int) -> None:
        schedule = self.account.schedule()
        flexible = schedule["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0)
        self.stage.check(
            f"the schedule is {expression}, window {window} min, enabled",
            (schedule["ScheduleExpression"], flexible, schedule["State"]) == (expression, window, "ENABLED"),
            schedule,
        )

    def expect_new_version(self, before: Version, prefix: str = "") -> None:
        now = self.current()
        self.stage.check(f"{prefix}AWSCURRENT moved from {before.id[:8]} to {now.id[:8]}", now.id != before.id)
        self.stage.check("the value is another one", now.value != before.value)
        self.stage.check("the version before it is kept", before.id in now.stages, now.stages)
        self.stage.check("no rotation is left half done", not self.pending(), now.stages)


def resources(plan: Any) -> list[dict[str, Any]]:
    """The resources of a plan in JSON, whatever stands around them."""
    if isinstance(plan, dict):
        if "resources" in plan:
            return list(plan["resources"])
        return [one for value in plan.values() for one in resources(value)]
    return [one for value in plan for one in resources(value)] if isinstance(plan, list) else []


def environment(keys: dict[str, str], home: str) -> dict[str, str]:
    """Of the person's own environment the deployer sees how to write, and nothing about AWS."""
    kept = ("PATH", "TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "CI")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": home,
        "AWS_ENDPOINT_URL": keys["endpoint"],
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        "AWS_REGION": REGION,
    }


def conclude(stage: Stage, begin: float) -> None:
    stage.note("")
    stage.note(
        f"{stage.checked} checks passed in {time.monotonic() - begin:.0f} s. "
        f"No value of the secret was in any of the {stage.heard:,} characters that the deployer wrote."
    )


def present(main: Callable[[], int]) -> NoReturn:
    """Ends this process as the story does."""
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"\n✗ failed: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> int:
    terminate_on_sigterm()
    begin = time.monotonic()
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=TARGET) as folder:
        spec = Path(folder, SPEC)
        spec.write_text(walkthrough_spec())
        with Testbed() as bed:
            stage = Stage(TARGET / "release" / "deploy", Path(folder), environment(bed.deployer(), folder))
            stage.note(f"An AWS emulator is at {bed.endpoint}, account {bed.account}; IAM is enforced.")
            Story(stage, Account(bed), spec).tell()
            stage.must_not_show("the emulator's log", bed.log())
        stage.check("no process is left", not leftovers(bed.pid), leftovers(bed.pid))
    conclude(stage, begin)
    return 0


if __name__ == "__main__":
    present(main)
