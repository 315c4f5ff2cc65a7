"""The story of a password that opens a real server, on this machine, with no AWS account: `make demo TARGET=postgres`.

The spec is the one that ships, at a PostgreSQL server of the demo's own instead of one on RDS. An application logs in
all the time, and what it lives through is what is proven.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import secrets
import sys
import tempfile
import time
from pathlib import Path

from account import Account
from application import KEPT, Application
from database import HOST, Login, Postgres
from demo import FIRST_FIRE, Story, environment
from stage import Failed, Stage
from testbed import ROOT, TARGET, Testbed, leftovers, terminate_on_sigterm

SPEC = "postgres.yaml"
FIRST_PASSWORD = "ORDERS_PASSWORD"
ADMIN_SECRET = "orders/db-admin"
ROTATIONS_BY_SCHEDULE = 2


class TargetStory(Story):
    def __init__(self, stage: Stage, account: Account, spec: Path, server: Postgres, bed: Testbed, first: str) -> None:
        super().__init__(stage, account, spec)
        self.server, self.secrets = server, bed.client("secretsmanager")
        connection = self.stack["target"]["postgres"]["connection"]
        self.user: str = connection["username"]
        self.login = Login(self.user, first, connection["dbname"])
        self.versions: list[str] = []

    def tell(self) -> None:
        self.stage.step(
            "What is there already?",
            "A database in use, whose user has the password that it always had; and the secret of an administrator.",
        )
        self.set_up_database()
        self.stage.run("validate", self.file)
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

    def set_up_database(self) -> None:
        user, database = self.user, self.login.database
        admin = Login("dba", secrets.token_urlsafe(24), database)
        for login in (self.login, admin, self.server.root):
            self.stage.keep_secret(login.password)
        root = self.server.root
        self.server.sql(root, f"CREATE DATABASE {database}")
        # Unlogged, because a person says the password itself. What docs/targets.md asks for, and no more.
        for statement in (
            f"CREATE ROLE {user} LOGIN PASSWORD '{self.login.password}'",
            f"CREATE ROLE {admin.user} LOGIN CREATEROLE PASSWORD '{admin.password}'",
            f"GRANT {user} TO {admin.user} WITH ADMIN OPTION",
            f"ALTER DATABASE {database} OWNER TO {user}",
        ):
            self.server.sql(root, statement, unlogged=True)
        table = 'CREATE TABLE visits ("user" text DEFAULT session_user, at timestamptz DEFAULT now())'
        self.server.sql(self.login, table)
        self.stage.check(f"{user} owns a table in the database {database}, on {HOST}:{self.server.port}", True)
        value = {"engine": "postgres", "username": admin.user, "password": admin.password}
        self.secrets.create_secret(Name=ADMIN_SECRET, SecretString=json.dumps(value))
        self.stage.check(f"{admin.user} may change users, and is no superuser; its secret is {ADMIN_SECRET}", True)

    def apply_first(self) -> None:
        self.stage.step(
            "Make it so.",
            f"The password that {self.user} has is taken from the environment, once. The deployer never sees the",
            "server; the function does, and has nothing to do yet.",
        )
        self.stage.run("apply", self.file, "--yes")
        self.expect_schedule(self.stack["schedule"]["expression"], 0)
        value = json.loads(self.current().value)
        self.stage.check(
            "the secret says where its user logs in, and has a URL of it that works",
            (value["username"], value["password"], value["host"], value["port"], value["dbname"])
            == (self.login.user, self.login.password, HOST, self.server.port, self.login.database)
            and value["url"].startswith(f"postgres://{self.user}:"),
        )
        self.stage.check("applying has changed no password", not self.server.verifiers(), self.server.verifiers())
        self.versions.append(self.account.current_id())
        self.expect_no_changes()

    def rotate_by_hand_under(self, application: Application) -> None:
        self.stage.step(
            "Rotate, while an application logs in all the time.",
            f"It keeps what it has read for {KEPT:.0f} s, as applications do for an hour, and each login writes a row.",
        )
        self.await_use(application)
        before = self.current()
        self.stage.run("rotate", self.file)
        self.expect_rotation(before.id, application)

    def wait_for_rotation(self, application: Application, number: int) -> None:
        title = "Now nobody does anything." if number == 0 else "And once more."
        self.stage.step(title, "The schedule fires by itself, and the other user gets a new password.")
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
        rows = self.server.sql(self.login, 'SELECT "user", count(*) FROM visits GROUP BY 1')
        by_user = {user: int(count) for user, count in (row.split("|") for row in rows.splitlines())}
        self.stage.check(
            "each login wrote its row, both users into the one table: "
            + ", ".join(f"{user} {count}" for user, count in sorted(by_user.items())),
            sum(by_user.values()) == logins and set(by_user) == application.users and len(by_user) == 2,
            by_user,
        )
        self.expect_no_password_anywhere()

    def expect_no_password_anywhere(self) -> None:
        user, twin = self.user, f"{self.user}_clone"
        told = self.server.verifiers()
        self.stage.check(
            f"the server was told {len(told)} new passwords, in turns, each as a SCRAM verifier",
            [name for name, _ in told] == [twin, user, twin] and all(how == "SCRAM-SHA-256$" for _, how in told),
            told,
        )
        ids = self.account.version_ids()
        self.stage.check("every version that the secret ever had is known here", ids == set(self.versions), ids)
        self.stage.must_not_show("the server's log", self.server.log())
        self.stage.check(
            f"the server's log has every statement, and none of the {len(ids)} passwords that the secret ever had", True
        )
        self.stage.must_not_show("the function's logs", self.account.log_text())
        self.stage.check("nor have the function's logs", True)

    def look_at_what_is_left(self) -> None:
        changes = self.server.verifiers()
        self.stage.check("the server was told nothing by that", len(changes) == len(self.versions) - 1, changes)
        admin_secret = self.secrets.describe_secret(SecretId=ADMIN_SECRET)
        self.stage.check(
            "the administrator's secret was not the stack's, and is as it was", "DeletedDate" not in admin_secret
        )
        refusal = self.server.refusal(self.login, "SELECT 1")
        self.stage.check("the last password still opens the server", refusal is None, refusal)

    # What is checked more than once.

    def expect_rotation(self, before: str, application: Application) -> None:
        version = self.account.current()
        self.current()
        self.stage.check(f"AWSCURRENT moved from {before[:8]} to {version.id[:8]}", version.id not in self.versions)
        self.versions.append(version.id)
        value, last = json.loads(version.value), self.login
        self.login = Login(value["username"], value["password"], value["dbname"])
        self.stage.check(
            f"to the other user, {self.login.user}, with a new password",
            self.login.user != last.user and self.login.password != last.password,
        )
        refusal = self.server.refusal(last, "SELECT 1")
        self.stage.check(f"what was read before, as {last.user}, is still good", refusal is None, refusal)
        self.await_use(application)
        self.stage.check(
            f"the application is in by the new one; {application.logins} logins so far, none was refused",
            not application.refusals,
            application.refusals,
        )

    def await_use(self, application: Application) -> None:
        version = self.account.current_id()
        self.stage.wait(
            "the application to read it", 60, KEPT, lambda: application.has_used(version) or bool(application.refusals)
        )


def spec_text(port: int) -> str:
    """config/postgres.yaml at the demo's own server: what differs, and nothing else."""
    text = (ROOT / "config" / SPEC).read_text()
    patches = {
        r"initial: generate": f"initial: {{env: {FIRST_PASSWORD}}}",
        r"expression: .*": "expression: rate(1 minute)\n  flexible_window_minutes: 0",
        r"tls: .*": "tls: {ca: ./ca.pem}",
        r"host: .*": f"host: {HOST}",
        r"port: .*": f"port: {port}",
    }
    if platform.machine() == "aarch64":
        patches[r"function:"] = "function:\n  architecture: arm64"
    for old, new in patches.items():
        text, count = re.subn(rf"(?m)^(\s*){old}$", rf"\g<1>{new}", text)
        if count != 1:
            raise Failed(f"config/{SPEC} has {count} lines like `{old}`, not one")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=["postgres"], help="what the password opens")
    parser.parse_args()
    terminate_on_sigterm()
    begin = time.monotonic()
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=TARGET) as folder:
        with Postgres() as server, Testbed() as bed:
            spec = Path(folder, SPEC)
            spec.write_text(spec_text(server.port))
            Path(folder, "ca.pem").write_text(server.ca)
            first = secrets.token_urlsafe(24)
            surroundings = environment(bed.deployer(), folder) | {FIRST_PASSWORD: first}
            stage = Stage(TARGET / "release" / "deploy", Path(folder), surroundings)
            stage.note(f"An AWS emulator is at {bed.endpoint}, account {bed.account}; IAM is enforced.")
            stage.note(f"A PostgreSQL server is at {HOST}:{server.port}; it takes TLS only, and logs every statement.")
            account = Account(bed, ADMIN_SECRET)
            TargetStory(stage, account, spec, server, bed, first).tell()
            stage.must_not_show("the emulator's log", bed.log())
        left = leftovers(bed.pid) + leftovers(server.pid)
        stage.check("no process is left", not left, left)
    stage.note(
        f"\n{stage.checked} checks passed in {time.monotonic() - begin:.0f} s. "
        f"No value of the secret was in any of the {stage.heard:,} characters that the deployer wrote."
    )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"\n✗ failed: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
