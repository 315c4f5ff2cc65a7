"""An AWS emulator on a free loopback port, for as long as somebody needs it.

    with Testbed() as bed:                 # MiniStack, IAM enforced
        bed.client("iam").list_roles()     # as root
        user = bed.deployer()              # keys of a user with a scoped policy

    testbed.py serve [--moto]              # one JSON line, then runs until stdin closes

Every line that `serve` reads is a 12-digit account number; the answer is one JSON line with the keys of a
`deployer` user in it, so that many tests share a server and see nothing of each other (MiniStack only).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
ACCOUNT = "123456789012"
REGION = "us-east-1"
STARTED_WITHIN = 30.0

# The server and all that it spawns are one process group, whose leader waits for its stdin to close and then kills
# the group. The other end of that pipe is ours: whatever ends us, kill -9 included, ends them.
GUARD = '("$@"; kill -KILL 0) & read _; kill -KILL 0'

# What a person who deploys may do. Reading a value is not part of it: the emulator proves it for every run.
DEPLOYER_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [f"{s}:*" for s in ("iam", "kms", "lambda", "logs", "scheduler", "secretsmanager", "sqs", "sts")],
            "Resource": "*",
        },
        {
            "Effect": "Deny",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"],
            "Resource": "*",
        },
    ],
}


class Testbed:
    """A running emulator. `moto` has no IAM enforcement and runs no functions."""

    def __init__(self, moto: bool = False, account: str = ACCOUNT, region: str = REGION) -> None:
        self.moto, self.account, self.region = moto, account, region
        self.endpoint = ""
        self.pid = 0
        self._guard: subprocess.Popen[bytes] | None = None
        self._home = Path()

    def __enter__(self) -> Testbed:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Testbed:
        """Starts the server and returns when it answers. Another process may take the port first: then again."""
        for attempt in (1, 2, 3):
            try:
                self._launch()
                self._await_health()
                return self
            except ChildProcessError:
                self.stop()
                if attempt == 3:
                    raise
            except BaseException:
                self.stop()
                raise
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """Ends the server and every function that it started. Safe to call twice."""
        if self._guard is not None:
            guard, self._guard = self._guard, None
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()
            _await_end(guard.pid)
            shutil.rmtree(self._home, ignore_errors=True)

    def client(self, service: str, account: str | None = None) -> Any:
        """A boto3 client as root of an account: a 12-digit access key id is its account's root on MiniStack."""
        key = "test" if account in (None, self.account) else account
        return _client(service, self.endpoint, self.region, key, "test")

    def client_as(self, service: str, keys: dict[str, str]) -> Any:
        """A boto3 client with the keys that `deployer` returned."""
        return _client(service, self.endpoint, self.region, keys["access_key"], keys["secret_key"])

    def deployer(self, account: str | None = None) -> dict[str, str]:
        """Creates the user `deployer` and returns its keys: root is never denied anything, so nothing runs as root."""
        iam = self.client("iam", account)
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName="deployer")
        iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=json.dumps(DEPLOYER_POLICY))
        key = iam.create_access_key(UserName="deployer")["AccessKey"]
        return {
            "endpoint": self.endpoint,
            "access_key": key["AccessKeyId"],
            "secret_key": key["SecretAccessKey"],
            "account": account or self.account,
        }

    def log(self) -> str:
        """All that the server printed so far."""
        return (self._home / "server.log").read_text(errors="replace")

    def _launch(self) -> None:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        beds = TARGET / "testbed"
        beds.mkdir(parents=True, exist_ok=True)
        self._home = Path(tempfile.mkdtemp(dir=beds))
        with open(self._home / "server.log", "wb") as log:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", *self._command(port)],
                env=self._environment(port),
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._guard.pid

    def _command(self, port: int) -> list[str]:
        if self.moto:
            return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        return [sys.executable, "-m", "ministack"]

    def _environment(self, port: int) -> dict[str, str]:
        """Functions inherit the server's environment, so nothing of ours is in it."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "MINISTACK_ACCOUNT_ID": self.account,
            "MOTO_ACCOUNT_ID": self.account,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "AUTH": "true",
        }

    def _await_health(self) -> None:
        assert self._guard is not None
        health = self.endpoint + ("/moto-api/data.json" if self.moto else "/_ministack/health")
        deadline = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < deadline:
            if self._guard.poll() is not None:
                raise ChildProcessError(f"the emulator ended at once:\n{self.log()[-2000:]}")
            with suppress(OSError), urllib.request.urlopen(health, timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.02)
        raise TimeoutError(f"no answer from the emulator within {STARTED_WITHIN:.0f} s:\n{self.log()[-2000:]}")


def _client(service: str, endpoint: str, region: str, key: str, secret: str) -> Any:
    session = boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
    # No proxy of the environment may come between us and loopback.
    config = Config(proxies={}, retries={"total_max_attempts": 3}, parameter_validation=True)
    return session.client(service, endpoint_url=endpoint, config=config)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def leftovers(group: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            state, _parent, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(int(entry.name))
    return found


def _await_end(group: int) -> None:
    deadline = time.monotonic() + 2
    while leftovers(group) and time.monotonic() < deadline:
        time.sleep(0.01)


def walkthrough_spec() -> str:
    """config/myapp.yaml; on an ARM machine for that processor, since the emulator runs the function here."""
    text = (ROOT / "config" / "myapp.yaml").read_text()
    return text.replace("architecture: x86_64", "architecture: arm64") if platform.machine() == "aarch64" else text


def terminate_on_sigterm() -> None:
    """SIGTERM and SIGHUP end this process as an exception, so that every `with` block is left in order."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def serve(moto: bool) -> int:
    terminate_on_sigterm()
    with Testbed(moto) as bed:
        print(json.dumps({**bed.deployer(), "pid": bed.pid}), flush=True)
        for line in sys.stdin:
            account = line.strip()
            if re.fullmatch(r"[0-9]{12}", account):
                print(json.dumps({**bed.deployer(account), "pid": bed.pid}), flush=True)
            else:
                print(json.dumps({"error": f"not an account number: {account!r}"}), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run until stdin closes")
    serving.add_argument("--moto", action="store_true", help="moto instead of MiniStack")
    arguments = parser.parse_args()
    try:
        return serve(arguments.moto)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
