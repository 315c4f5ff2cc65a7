"""The story of a password that logs in to a real server, on this machine, with no AWS account: `make demo TARGET=mysql`.

The spec is the one that ships for that target, at a server of the demo's own instead of one on AWS. An application logs
in all the time, and what it lives through is what is proven.
"""

from __future__ import annotations

import argparse
import json
import platform
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from account import Account
from application import KEPT, Application
from database import HOST, Login, Server
from database_mysql import mysql
from database_postgres import Postgres
from database_redis import Redis
from demo import FIRST_FIRE, Story, conclude, environment, present
from stage import Stage
from testbed import ROOT, TARGET, Testbed, leftovers, terminate_on_sigterm

SERVERS = {"postgres": Postgres, "mysql": mysql, "redis": Redis}
FIRST_PASSWORD = "FIRST_PASSWORD"
ADMIN = "dba"
ROTATIONS_BY_SCHEDULE = 2


class TargetStory(Story):
    def __init__(self, stage: Stage, account: Account, spec: Path, server: Server, bed: Testbed, first: str) -> None:
        super().__init__(stage, account, spec)
        self.server, self.secrets = server, bed.client("secretsmanager")
        self.target = self.stack["target"][server.target]
        self.user: str = self.target["connection"]["username"]
        # All that were ever current, the last one last.
        self.logins = [Login(self.user, first, self.target["connection"].get("dbname", ""))]
        self.versions: list[str] = []
        self.verifiers: dict[str, str] = {}

    def tell(self) -> None:
        self.set_up_database()
        self.show_the_spec()
        self.plan_first()
        self.apply_first()
        with Application(self.secrets, self.stack["secret"]["name"], self.server) as application:
            self.rotate_by_hand_under(application)
            for number in range(ROTATIONS_BY_SCHEDULE):
                self.wait_for_rotation(application, number)
            application.stop()
            self.look_at_it_after(application)
        self.tear_down()
        self.look_at_what_is_left()

    @property
    def login(self) -> Login:
        return self.logins[-1]

    def set_up_database(self) -> None:
        self.stage.step(
            "What is there already?",
            "A server in use, whose user has the password that it always had; and the secret of an administrator.",
        )
        admin = Login(ADMIN, secrets.token_urlsafe(24), self.login.database)
        for login in (self.login, admin, self.server.root):
            self.stage.keep_secret(login.password)
        self.server.set_up(self.login, admin)
        where = f"{self.server.name} at {HOST}:{self.server.port}"
        self.stage.check(f"{where} lets {self.user} in by its password, over TLS", not self.refusal(self.login))
        self.verifiers = self.server.verifiers()
        wrong = Login(self.user, secrets.token_urlsafe(24), self.login.database)
        self.stage.check("and by no other", bool(self.refusal(wrong)))
        # As RDS makes it for its master user. Where the admin logs in is said by the spec alone.
        value = {"username": admin.user, "password": admin.password}
        self.secrets.create_secret(Name=self.target["admin_secret"], SecretString=json.dumps(value))
        self.stage.check(
            f"{admin.user} may change users; its secret, {self.target['admin_secret']}, names no server",
            not self.refusal(admin),
        )

    def show_the_spec(self) -> None:
        self.stage.step(
            "What is wanted?", f"config/{self.file}, for this server and every minute; of the latter it is warned."
        )
        self.stage.show(yaml.safe_dump({"target": self.stack["target"]}, sort_keys=False))
        self.stage.run("validate", self.file)

    def apply_first(self) -> None:
        self.stage.step(
            "Make it so.",
            f"The password that {self.user} has is taken from the environment, once. The deployer never sees the",
            "server. The function does, and has nothing to do yet.",
        )
        self.stage.run("apply", self.file, "--yes")
        self.expect_schedule(self.stack["schedule"]["expression"], 0)
        version = self.current()
        value = json.loads(version.value)
        self.stage.check(
            "the secret says where its user logs in" + (", and has a URL of it" if "url" in value else ""),
            (value["host"], value["port"]) == (HOST, self.server.port)
            and Login.read(version.value) == self.login
            and value.get("url", "postgres://").startswith("postgres://"),
        )
        self.expect_changes("applying has changed no password", set())
        self.versions.append(version.id)
        self.expect_no_changes()

    def rotate_by_hand_under(self, application: Application) -> None:
        self.stage.step(
            "Rotate, while an application logs in all the time.",
            f"It keeps what it has read for {KEPT:.0f} s, as applications do for an hour, and each login leaves a mark.",
        )
        self.await_use(application)
        before = self.current()
        self.stage.run("rotate", self.file)
        self.expect_rotation(before.id, application)

    def wait_for_rotation(self, application: Application, number: int) -> None:
        turns = "the other user gets a new password." if self.server.alternates else "a new password is added."
        self.stage.step(
            "Now nobody does anything." if number == 0 else "And once more.", f"The schedule fires by itself, and {turns}"
        )
        before = self.current()
        self.stage.wait(
            "the schedule to fire", 2 * FIRST_FIRE, FIRST_FIRE, lambda: self.account.current_id() != before.id
        )
        self.stage.wait("the rotation to finish", 10, 1, lambda: not self.pending())
        self.expect_rotation(before.id, application)

    def look_at_it_after(self, application: Application) -> None:
        self.stage.step("Look at it.", f"{len(self.versions) - 1} rotations, by hand and by schedule.")
        self.stage.run("status", self.file)
        logins, refused = application.logins, application.refusals
        self.stage.check(
            f"{logins} logins by the application, and none was refused",
            not refused and application.has_used(self.versions[-1]),
            refused,
        )
        marks = self.server.marks()
        self.stage.check(
            "each login left its mark: " + ", ".join(f"{user} {count}" for user, count in sorted(marks.items())),
            sum(marks.values()) == logins and set(marks) == application.users == {login.user for login in self.logins},
            marks,
        )
        self.expect_no_password_anywhere()

    def expect_no_password_anywhere(self) -> None:
        for claim, holds in self.server.keeps(self.logins):
            self.stage.check(claim, holds)
        ids = self.account.version_ids()
        self.stage.check("every version that the secret ever had is known here", ids == set(self.versions), ids)
        self.stage.must_not_show("the server's log", self.server.log())
        self.stage.check(f"the server's log has all that it was asked, and none of the {len(ids)} passwords", True)
        self.stage.must_not_show("the function's logs", self.account.log_text())
        self.stage.check("nor have the function's logs", True)

    def look_at_what_is_left(self) -> None:
        self.expect_changes("teardown has changed no password", set())
        admin_secret = self.secrets.describe_secret(SecretId=self.target["admin_secret"])
        self.stage.check(
            "the administrator's secret was not the stack's, and is as it was", "DeletedDate" not in admin_secret
        )
        self.stage.check("the last password still logs in", not self.refusal(self.login), self.refusal(self.login))

    # What is checked more than once.

    def refusal(self, login: Login) -> str | None:
        return self.server.refusal(login)

    def expect_rotation(self, before: str, application: Application) -> None:
        version, last = self.current(), self.login
        self.stage.check(f"AWSCURRENT moved from {before[:8]} to {version.id[:8]}", version.id not in self.versions)
        self.versions.append(version.id)
        self.logins.append(Login.read(version.value))
        who = "the other user" if self.server.alternates else "the same user"
        self.stage.check(
            f"to {who}, {self.login.user}, with a new password",
            (self.login.user != last.user) == self.server.alternates and self.login.password != last.password,
        )
        self.expect_changes("the server has changed that user alone", {self.login.user})
        self.stage.check(f"what was read before, as {last.user}, still logs in", not self.refusal(last))
        if len(self.logins) > 2:
            oldest = self.logins[-3]
            self.stage.check(f"what was read before that, as {oldest.user}, no longer does", bool(self.refusal(oldest)))
        self.await_use(application)
        self.stage.check(
            f"the application is in by the new one; {application.logins} logins so far, none was refused",
            not application.refusals,
            application.refusals,
        )

    def expect_changes(self, claim: str, users: set[str]) -> None:
        before, self.verifiers = self.verifiers, self.server.verifiers()
        changed = {user for user in before | self.verifiers if before.get(user) != self.verifiers.get(user)}
        self.stage.check(claim, changed == users, changed)

    def await_use(self, application: Application) -> None:
        version = self.account.current_id()
        self.stage.wait(
            "the application to read it", 60, KEPT, lambda: application.has_used(version) or bool(application.refusals)
        )


def demo_spec(server: Server) -> dict[str, Any]:
    """The spec that ships for a target, at the demo's own server: what differs, and nothing else."""
    spec: dict[str, Any] = yaml.safe_load((ROOT / "config" / f"{server.target}.yaml").read_text())
    spec["secret"]["initial"] = {"env": FIRST_PASSWORD}
    spec["schedule"] = {"expression": "rate(1 minute)", "flexible_window_minutes": 0}
    target = spec["target"][server.target]
    connection = {"host": HOST, "port": server.port} | {
        name: value for name, value in target.pop("connection").items() if name not in ("host", "port")
    }
    target |= {"tls": {"ca": "./ca.pem"}, **server.differences, "connection": connection}
    if platform.machine() == "aarch64":
        spec.setdefault("function", {})["architecture"] = "arm64"
    return spec


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=list(SERVERS), help="what the password logs in to")
    make_server = SERVERS[parser.parse_args().target]
    terminate_on_sigterm()
    begin = time.monotonic()
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=TARGET) as folder:
        with make_server() as server, Testbed() as bed:
            spec, file = demo_spec(server), Path(folder, f"{server.target}.yaml")
            file.write_text(yaml.safe_dump(spec, sort_keys=False))
            Path(folder, "ca.pem").write_text(server.ca)
            first = secrets.token_urlsafe(24)
            surroundings = environment(bed.deployer(), folder) | {FIRST_PASSWORD: first}
            stage = Stage(TARGET / "release" / "deploy", Path(folder), surroundings)
            stage.note(f"An AWS emulator is at {bed.endpoint}, account {bed.account}; IAM is enforced.")
            stage.note(f"{server.name} is at {HOST}:{server.port}; it takes TLS only, and logs all that it is asked.")
            account = Account(bed, spec["target"][server.target]["admin_secret"])
            TargetStory(stage, account, file, server, bed, first).tell()
            stage.must_not_show("the emulator's log", bed.log())
        left = leftovers(bed.pid) + leftovers(server.pid)
        stage.check("no process is left", not left, left)
    conclude(stage, begin)
    return 0


if __name__ == "__main__":
    present(main)
