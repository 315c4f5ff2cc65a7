"""MySQL, or MariaDB where there is no MySQL: both have a log of every statement."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from database import HOST, Login, Server, find, program


class MariaDb(Server):
    target = "mysql"
    differences = {"strategy": "alternating-users", "admin_secret": "billing/db-admin"}
    work = "INSERT INTO visits (user) VALUES (SUBSTRING_INDEX(USER(), '@', 1));"
    unlogged = "SET SESSION sql_log_off = ON;\n"

    server, client, make = "mariadbd", "mariadb", "MariaDB"
    settings = ["--ssl-capath="]
    verify = "--ssl-verify-server-cert"
    # What an admin needs besides the right to create users.
    reads = "GRANT SELECT, UPDATE ON mysql.*"

    def set_up(self, login: Login, admin: Login) -> None:
        user, database = login.user, login.database
        rights = "SELECT, INSERT, CREATE, ALTER, INDEX"
        self._ask(f"CREATE DATABASE {database};")
        self._ask(
            f"CREATE USER {user}@'%' IDENTIFIED BY '{login.password}'; GRANT {rights} ON {database}.* TO {user}@'%';"
            f"CREATE USER {admin.user}@'%' IDENTIFIED BY '{admin.password}'; GRANT CREATE USER ON *.* TO {admin.user}@'%';"
            f"{self.reads} TO {admin.user}@'%'; GRANT {rights} ON {database}.* TO {admin.user}@'%' WITH GRANT OPTION;",
            unlogged=True,
        )
        self._ask("CREATE TABLE visits (user varchar(80), at timestamp DEFAULT now());", login)
        self._ask("SET GLOBAL general_log = ON;")
        self.root = Login(self.root.user, self.root.password, database)

    def marks(self) -> dict[str, int]:
        rows = self._ask("SELECT user, count(*) FROM visits GROUP BY 1;").splitlines()
        return {user: int(count) for user, count in (row.split("\t") for row in rows)}

    def verifiers(self) -> dict[str, str]:
        rows = self._ask("SELECT user, HEX(authentication_string) FROM mysql.user WHERE host = '%';").splitlines()
        return dict(row.split("\t") for row in rows)

    def log(self) -> str:
        statements = self._folder / "statements.log"
        return super().log() + (statements.read_text(errors="replace") if statements.exists() else "")

    def _make(self) -> None:
        self._make_tables()
        self._write(
            "init.sql",
            f"CREATE USER root@'%' IDENTIFIED BY '{self.root.password}';\n"
            "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\nALTER USER root@localhost ACCOUNT LOCK;\n",
        )

    def _make_tables(self) -> None:
        self._run(program("mariadb-install-db"), "--no-defaults", "--skip-test-db", *self._data())

    def _command(self) -> list[str]:
        certificates = {"ca": "ca.pem", "cert": "server.pem", "key": "server.key"}
        return [
            *(program(self.server), "--no-defaults", *self._data()),
            *(f"--ssl-{name}={self._folder / file}" for name, file in certificates.items()),
            *("--require-secure-transport=ON", "--bind-address=127.0.0.1", f"--port={self.port}"),
            *(f"--socket={self._folder / 'socket'}", f"--pid-file={self._folder / 'pid'}"),
            *(f"--init-file={self._folder / 'init.sql'}", f"--general-log-file={self._folder / 'statements.log'}"),
            *("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"),
            *("--innodb-fast-shutdown=2", *self.settings),
        ]

    def _data(self) -> list[str]:
        """Where the data is, and as whom the server works: it refuses to be root unless it is told to."""
        user = ["--user=root"] if os.geteuid() == 0 else []
        return [f"--datadir={self._folder / 'data'}", *user]

    def _name(self) -> str:
        return f"{self.make} {self._ask('SELECT VERSION();').partition('-')[0]}"

    def _client_command(self, login: Login) -> tuple[list[str], dict[str, str]]:
        where = ["--protocol=tcp", f"--host={HOST}", f"--port={self.port}", f"--user={login.user}", login.database]
        how = ["--no-defaults", "--batch", "--skip-column-names", "--connect-timeout=10", self.verify]
        trust = f"--ssl-ca={self._folder / 'ca.pem'}"
        return [program(self.client), *how, trust, *where], {"MYSQL_PWD": login.password}


class Mysql(MariaDb):
    server, client, make = "mysqld", "mysql", "MySQL"
    settings = ["--mysqlx=OFF", "--skip-log-bin", "--innodb-redo-log-capacity=8M", "--secure-file-priv="]
    verify = "--ssl-mode=VERIFY_IDENTITY"
    reads = "GRANT SELECT ON mysql.*"

    def _make_tables(self) -> None:
        # To make them takes the server seconds.
        made = Path(program(self.server)).parents[2] / "mysql-data"
        if made.exists():
            shutil.copytree(made, self._folder / "data")
        else:
            self._run(program(self.server), "--no-defaults", "--initialize-insecure", *self._data())


def mysql() -> Server:
    server = find(Mysql.server)
    # MariaDB's server has MySQL's name too.
    version = subprocess.run([server, "--version"], capture_output=True, text=True).stdout if server else "MariaDB"
    return MariaDb() if "MariaDB" in version else Mysql()
