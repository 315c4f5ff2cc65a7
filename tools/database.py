"""A database server of the demo's own: on loopback, over TLS only, with its data in a folder that goes with it.

It is one of those that `tools/setup servers` has unpacked, or else the machine's own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import certificates
from testbed import TARGET, free_port

HOST = "localhost"
STARTED_WITHIN = 30.0
LOGIN_WITHIN = 15.0
# The server ends in order when this process's end of the pipe closes: whatever ends us, kill -9 included, ends it.
GUARD = 'signal=$1; shift; "$@" & read _; kill -"$signal" $!; wait $!'


@dataclass(frozen=True)
class Login:
    """A user, and what it logs in with."""

    user: str
    password: str
    database: str

    @staticmethod
    def read(value: str) -> Login:
        """The login of a secret's value."""
        fields = json.loads(value)
        return Login(fields["username"], fields["password"], fields.get("dbname", ""))


class Server(ABC):
    """A running server. `root` may do everything, and is the demo's own way to look at it."""

    # The target of a spec, whose file in config/ bears its name.
    target: str
    # What the spec that ships has otherwise, of its target.
    differences: dict[str, Any] = {}
    # Whether two users take turns; else one user has two passwords.
    alternates = True
    # How an application leaves its mark.
    work: str
    # What a session of root's begins with, so that the log has no password that it sets.
    unlogged = ""
    # By which the server ends without delay.
    signal = "TERM"

    def __init__(self) -> None:
        self.port = free_port()
        self.pid = 0
        self.name = ""
        self.root = Login("root", secrets.token_urlsafe(24), "")
        self._guard: subprocess.Popen[bytes] | None = None
        self._folder = Path()

    def __enter__(self) -> Server:
        self._folder = Path(tempfile.mkdtemp(prefix=f"{self.target}-"))
        try:
            for name, pem in certificates(HOST).items():
                self._write(name, pem)
            self._make()
            self._launch()
            self._await_answer()
            self.name = self._name()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server, and removes all that it had. Safe to call twice."""
        if self._guard is not None:
            guard, self._guard = self._guard, None
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def ca(self) -> str:
        """The certificate that a client has to trust, as PEM."""
        return (self._folder / "ca.pem").read_text()

    def refusal(self, login: Login, text: str = "") -> str | None:
        """Logs in and runs a text; what kept it from that, if anything did."""
        done = self._client(login, text or self._nothing)
        return None if done.returncode == 0 else (done.stderr + done.stdout).strip() or f"ended with {done.returncode}"

    def log(self) -> str:
        """All that the server wrote so far."""
        return (self._folder / "log").read_text(errors="replace")

    @abstractmethod
    def set_up(self, login: Login, admin: Login) -> None:
        """Makes an application's user and what it works on, and an admin with what docs/targets.md asks for, no more."""

    @abstractmethod
    def marks(self) -> dict[str, int]:
        """How often each user has left its mark."""

    @abstractmethod
    def verifiers(self) -> dict[str, str]:
        """By what the server knows each user's passwords."""

    def keeps(self, logins: list[Login]) -> Iterator[tuple[str, bool]]:
        """What the server has to have besides after these logins, the last of which is current."""
        yield from ()

    # What a kind of server does its own way.

    _nothing = "SELECT 1;"

    @abstractmethod
    def _make(self) -> None:
        """Makes what the server needs to start, beside its certificates."""

    @abstractmethod
    def _command(self) -> list[str]:
        """What starts the server."""

    @abstractmethod
    def _name(self) -> str:
        """Which server it is, and which version."""

    @abstractmethod
    def _client_command(self, login: Login) -> tuple[list[str], dict[str, str]]:
        """Its own client, which runs what it reads, and the environment with the password."""

    def _confinement(self) -> dict[str, Any]:
        """Where and as whom the server runs."""
        return {"cwd": self._folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}

    # What they have in common.

    def _ask(self, text: str, login: Login | None = None, unlogged: bool = False) -> str:
        """Runs statements or commands, as root; the answers."""
        done = self._client(login or self.root, (self.unlogged if unlogged else "") + text)
        if done.returncode != 0:
            raise RuntimeError(f"the server's client: {(done.stderr + done.stdout).strip()}")
        return done.stdout.strip()

    def _client(self, login: Login, text: str) -> subprocess.CompletedProcess[str]:
        command, environment = self._client_command(login)
        environment |= {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, input=text, env=environment, cwd="/", capture_output=True, text=True, timeout=LOGIN_WITHIN
        )

    def _launch(self) -> None:
        with open(self._folder / "log", "ab") as log:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", self.signal, *self._command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._confinement(),
            )
        self.pid = self._guard.pid

    def _await_answer(self) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        while refusal := self.refusal(self.root):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer from the server: {refusal}\n{self.log()[-2000:]}")
            time.sleep(0.05)

    def _run(self, *command: str) -> None:
        """Runs one of the server's own programs, as whom and where it runs itself."""
        done = subprocess.run(command, capture_output=True, text=True, **self._confinement())
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(0o600)
        path.write_text(text)


def find(name: str, as_nobody: bool = False) -> str | None:
    """Where one of the servers' programs is: unpacked, if whoever runs it may come there, or else the machine's."""
    unpacked = Path(os.environ.get("SID_SERVERS", TARGET / "servers" / "sid"))
    reachable = not as_nobody or all(folder.stat().st_mode & 1 for folder in unpacked.absolute().parents)
    for root in ([unpacked] if reachable else []) + [Path("/")]:
        # Debian keeps PostgreSQL's own out of the path, by version.
        versions = root.glob("usr/lib/postgresql/*/bin")
        newest = sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
        folders = [*newest, root / "usr/bin", root / "usr/sbin"]
        if found := shutil.which(name, path=os.pathsep.join(map(str, folders))):
            return found
    return shutil.which(name)


def program(name: str, as_nobody: bool = False) -> str:
    """The same for one that must be there."""
    found = find(name, as_nobody)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: run tools/setup servers")
    return found
