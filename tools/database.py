"""A PostgreSQL server of the demo's own: on loopback, over TLS only, with its data in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from testbed import free_port

HOST = "localhost"
STARTED_WITHIN = 30.0
LOGIN_WITHIN = 15.0
# The server ends in order when this process's end of the pipe closes: whatever ends us, kill -9 included, ends it.
GUARD = '"$@" & read _; kill -INT $!; wait $!'


@dataclass(frozen=True)
class Login:
    """A user, and what opens the server to it."""

    user: str
    password: str
    database: str


class Postgres:
    """A running server that logs every statement. `root` may do everything, and is the demo's own way to look at it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.pid = 0
        self.root = Login("postgres", secrets.token_urlsafe(24), "postgres")
        self._guard: subprocess.Popen[bytes] | None = None
        self._folder = Path()

    def __enter__(self) -> Postgres:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        try:
            self._make()
            self._launch()
            self._await_answer()
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

    def sql(self, login: Login, sql: str, unlogged: bool = False) -> str:
        """Runs statements; the rows, columns apart by `|`. Only root may run them unlogged."""
        done = self._psql(login, sql, "-c log_statement=none" if unlogged else "")
        if done.returncode != 0:
            raise RuntimeError(f"psql as {login.user}: {done.stderr.strip()}")
        return done.stdout.strip()

    def refusal(self, login: Login, sql: str) -> str | None:
        """Logs in and runs a statement; what kept it from that, if anything did."""
        done = self._psql(login, sql)
        return None if done.returncode == 0 else done.stderr.strip() or f"psql ended with {done.returncode}"

    def log(self) -> str:
        """All that the server wrote so far."""
        return (self._folder / "log").read_text(errors="replace")

    def verifiers(self) -> list[tuple[str, str]]:
        """The users whose passwords were changed, in that order, each with how the new one was told."""
        return re.findall(r'ALTER ROLE "([^"]+)" PASSWORD +E?\'(\S{0,14})', self.log())

    def _make(self) -> None:
        self._write("password", self.root.password)
        # Nobody gets in without TLS and a password.
        self._write("hba.conf", "hostssl all all 127.0.0.0/8 scram-sha-256\n")
        for name, pem in certificates().items():
            self._write(name, pem)
        os.chmod(self._folder, 0o700)
        if os.geteuid() == 0:
            for path in (self._folder, *self._folder.iterdir()):
                shutil.chown(path, *self._owner())
        options = ["--username", self.root.user, "--encoding=UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256"]
        files = ["--pgdata", self._folder / "data", "--pwfile", self._folder / "password"]
        made = subprocess.run(
            [program("initdb"), *options, *files], capture_output=True, text=True, **self._confinement()
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb: {made.stderr.strip()}")

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "hba_file": self._folder / "hba.conf",
            "ssl": "on",
            "ssl_cert_file": self._folder / "server.pem",
            "ssl_key_file": self._folder / "server.key",
            "log_statement": "all",
            "log_connections": "on",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "20",
        }
        command = [program("postgres"), "-D", self._folder / "data", "-p", str(self.port)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self._folder / "log", "wb") as log:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._confinement(),
            )
        self.pid = self._guard.pid

    def _await_answer(self) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        while refusal := self.refusal(self.root, "SELECT 1"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer from the server: {refusal}\n{self.log()[-2000:]}")
            time.sleep(0.05)

    def _psql(self, login: Login, sql: str, options: str = "") -> subprocess.CompletedProcess[str]:
        """The password is in the environment, never among the arguments."""
        where = ["-h", HOST, "-p", str(self.port), "-U", login.user, "-d", login.database]
        environment = {
            "PATH": "/usr/bin:/bin",
            "PGPASSWORD": login.password,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self._folder / "ca.pem"),
            "PGCONNECT_TIMEOUT": "10",
            "PGOPTIONS": options,
        }
        return subprocess.run(
            [program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", *where],
            input=sql,
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=LOGIN_WITHIN,
        )

    def _confinement(self) -> dict[str, Any]:
        """A folder of its own, and a user of its own: the server refuses to be root."""
        confinement: dict[str, Any] = {"cwd": self._folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
        if os.geteuid() == 0:
            user, group = self._owner()
            confinement |= {"user": user, "group": group, "extra_groups": []}
        return confinement

    @staticmethod
    def _owner() -> tuple[int, int]:
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(0o600)
        path.write_text(text)


def program(name: str) -> str:
    """Where a program of PostgreSQL's is: Debian keeps the server's own out of the path, by version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*map(str, versions), os.environ.get("PATH", "/usr/bin:/bin")]))
    if found is None:
        raise FileNotFoundError(f"{name} is missing: run tools/setup servers")
    return found


def certificates() -> dict[str, str]:
    """An authority that nobody else trusts, and a server's certificate by it: ca.pem, server.pem and server.key."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the demo's own authority")])
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)

    def signed(name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> str:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(authority_key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "ca.pem": signed(authority, authority_key, x509.BasicConstraints(ca=True, path_length=0)),
        "server.pem": signed(server, server_key, x509.SubjectAlternativeName([x509.DNSName(HOST)])),
        "server.key": key.decode(),
    }
