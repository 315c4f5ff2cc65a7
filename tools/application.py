"""An application that reads its secret and logs in, again and again, while the password changes under it."""

from __future__ import annotations

import threading
import time
from typing import Any

from database import Login, Server

# Seconds for which a value is kept. AWS's caching clients keep it for an hour, where a secret rotates by the month.
KEPT = 5.0
PAUSE = 0.05


class Application:
    """Works in a thread of its own until it is stopped."""

    def __init__(self, secrets: Any, secret: str, server: Server) -> None:
        self.logins = 0
        self.refusals: list[str] = []
        self.versions: set[str] = set()
        self.users: set[str] = set()
        self._secrets, self._secret, self._server = secrets, secret, server
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Application:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Lets it finish what it is at. Safe to call twice."""
        self._over.set()
        self._thread.join()

    def has_used(self, version: str) -> bool:
        """Whether it has logged in with that version of the secret. Raises what has stopped it, if anything has."""
        if self._failure is not None:
            raise self._failure
        return version in self.versions

    def _run(self) -> None:
        try:
            self._work()
        except Exception as failure:  # noqa: BLE001 - raised by whoever asks next
            self._failure = failure

    def _work(self) -> None:
        version, login, fresh_until = "", Login("", "", ""), 0.0
        while not self._over.is_set():
            if time.monotonic() >= fresh_until:
                version, login = self._read()
                fresh_until = time.monotonic() + KEPT
            refusal = self._server.refusal(login, self._server.work)
            if refusal is None:
                self.logins += 1
                self.versions.add(version)
                self.users.add(login.user)
            else:
                self.refusals.append(f"{login.user}, version {version[:8]}: {refusal}")
                fresh_until = 0.0
            self._over.wait(PAUSE)

    def _read(self) -> tuple[str, Login]:
        answer = self._secrets.get_secret_value(SecretId=self._secret)
        return answer["VersionId"], Login.read(answer["SecretString"])
