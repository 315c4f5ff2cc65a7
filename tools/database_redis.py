"""Valkey, or Redis where there is no Valkey: users have passwords in the plural, and the server keeps hashes of them."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator

from database import HOST, Login, Server, find, program


class Redis(Server):
    target = "redis"
    differences = {"admin_secret": "sessions/cache-admin"}
    alternates = False
    work = "HINCRBY sessions:marks sessions 1\n"
    _nothing = "PING\n"

    def __init__(self) -> None:
        super().__init__()
        self.make = "valkey" if find("valkey-server") else "redis"
        self.user = ""

    def set_up(self, login: Login, admin: Login) -> None:
        self.user = login.user
        self._ask(
            f"ACL SETUSER {login.user} on >{login.password} ~{login.user}:* +@read +@write +ping\n"
            f"ACL SETUSER {admin.user} on >{admin.password} +ping +acl|getuser +acl|setuser +acl|save +role\n"
            "ACL SAVE\n"
        )

    def marks(self) -> dict[str, int]:
        fields = self._ask("HGETALL sessions:marks\n").split()
        return dict(zip(fields[::2], map(int, fields[1::2]), strict=True))

    def verifiers(self) -> dict[str, str]:
        users = (line.split() for line in self._ask("ACL LIST\n").splitlines())
        return {words[1]: " ".join(word for word in words if word.startswith("#")) for words in users}

    def keeps(self, logins: list[Login]) -> Iterator[tuple[str, bool]]:
        (saved,) = (line for line in self._file("users.acl").splitlines() if line.startswith(f"user {self.user} "))
        hashes = {hashlib.sha256(login.password.encode()).hexdigest() for login in logins[-2:]}
        yield "its file of users has the last two, by their SHA-256", set(re.findall(r" #(\w+)", saved)) == hashes

    def log(self) -> str:
        return super().log() + (self._ask("SLOWLOG GET -1\n") if self.name else "")

    def _make(self) -> None:
        self._write("users.acl", f"user default off\nuser {self.root.user} on >{self.root.password} ~* &* +@all\n")
        tls = f"tls-port {self.port}\ntls-auth-clients no\ntls-ca-cert-file ca.pem\n"
        tls += "tls-cert-file server.pem\ntls-key-file server.key\n"
        # Every command is slow enough for the log.
        log = "slowlog-log-slower-than 0\nslowlog-max-len 1000000\n"
        self._write("server.conf", f'bind 127.0.0.1\nport 0\n{tls}{log}aclfile users.acl\nsave ""\n')

    def _command(self) -> list[str]:
        return [program(f"{self.make}-server"), "server.conf"]

    def _name(self) -> str:
        info = self._ask("INFO server\n")
        version = re.search(rf"{self.make}_version:(\S+)", info)
        return f"{self.make.title()} {version[1] if version else ''}".strip()

    def _client_command(self, login: Login) -> tuple[list[str], dict[str, str]]:
        tls = ["--tls", "--cacert", str(self._folder / "ca.pem")]
        where = ["-h", HOST, "-p", str(self.port), "--user", login.user]
        return [program(f"{self.make}-cli"), *tls, *where], {"REDISCLI_AUTH": login.password}

    def _client(self, login: Login, text: str) -> subprocess.CompletedProcess[str]:
        done = super()._client(login, text)
        # It ends with 0 even where it did not reach the server, or an answer is an error.
        if done.stderr or re.search(r"(?m)^[A-Z]{3,} ", done.stdout):
            done.returncode = 1
        return done

    def _file(self, name: str) -> str:
        return (self._folder / name).read_text()
