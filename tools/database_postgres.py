"""PostgreSQL: the server tells in its log every statement that it gets."""

from __future__ import annotations

import os
import pwd
import shutil
from typing import Any

from database import HOST, Login, Server, program


class Postgres(Server):
    target = "postgres"
    work = "INSERT INTO visits DEFAULT VALUES;"
    unlogged = "SET log_statement = none;\n"
    # The fast way to end; SIGTERM would wait for clients.
    signal = "INT"

    def __init__(self) -> None:
        super().__init__()
        self.root = Login("postgres", self.root.password, "postgres")

    def set_up(self, login: Login, admin: Login) -> None:
        self._ask(f"CREATE DATABASE {login.database};")
        for statement in (
            f"CREATE ROLE {login.user} LOGIN PASSWORD '{login.password}';",
            f"CREATE ROLE {admin.user} LOGIN CREATEROLE PASSWORD '{admin.password}';",
            f"GRANT {login.user} TO {admin.user} WITH ADMIN OPTION;",
            f"ALTER DATABASE {login.database} OWNER TO {login.user};",
        ):
            self._ask(statement, unlogged=True)
        table = 'CREATE TABLE visits ("user" text DEFAULT session_user, at timestamptz DEFAULT now());'
        self._ask(table, login)
        self.root = Login(self.root.user, self.root.password, login.database)

    def marks(self) -> dict[str, int]:
        rows = self._ask('SELECT "user", count(*) FROM visits GROUP BY 1;').splitlines()
        return {user: int(count) for user, count in (row.split("|") for row in rows)}

    def verifiers(self) -> dict[str, str]:
        rows = self._ask("SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL;").splitlines()
        return dict(row.split("|") for row in rows)

    def _make(self) -> None:
        self._write("password", self.root.password)
        # Nobody gets in without TLS and a password.
        self._write("hba.conf", "hostssl all all 127.0.0.0/8 scram-sha-256\n")
        if os.geteuid() == 0:
            for path in (self._folder, *self._folder.iterdir()):
                shutil.chown(path, *self._owner())
        options = ["--username", self.root.user, "--encoding=UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256"]
        files = ["--pgdata", str(self._folder / "data"), "--pwfile", str(self._folder / "password")]
        self._run(program("initdb", as_nobody=True), *options, *files)

    def _command(self) -> list[str]:
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
        command = [program("postgres", as_nobody=True), "-D", str(self._folder / "data"), "-p", str(self.port)]
        return command + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _name(self) -> str:
        return "PostgreSQL " + self._ask("SHOW server_version;").split()[0]

    def _client_command(self, login: Login) -> tuple[list[str], dict[str, str]]:
        where = ["-h", HOST, "-p", str(self.port), "-U", login.user, "-d", login.database]
        return [program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", *where], {
            "PGPASSWORD": login.password,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self._folder / "ca.pem"),
            "PGCONNECT_TIMEOUT": "10",
        }

    def _confinement(self) -> dict[str, Any]:
        """As a user of its own: the server refuses to be root."""
        confinement = super()._confinement()
        if os.geteuid() == 0:
            user, group = self._owner()
            confinement |= {"user": user, "group": group, "extra_groups": []}
        return confinement

    @staticmethod
    def _owner() -> tuple[int, int]:
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid
