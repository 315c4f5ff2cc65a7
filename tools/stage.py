"""Tells a story at the terminal: steps, commands with their output as it comes, and what was checked after each."""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import json
import os
import pty
import shutil
import subprocess
import sys
import termios
import textwrap
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMMAND_WITHIN = 180.0
CHECKED = "✓ checked:"
# Columns, where there are so many.
WIDTH = 100


class Failed(Exception):
    """A claim of the story did not hold."""


class Stage:
    """Runs the deployer, shows what it says, and remembers all of it."""

    def __init__(self, binary: Path, folder: Path, environment: dict[str, str]) -> None:
        self.terminal = sys.stdout.isatty()
        self.colour = self.terminal and not os.environ.get("NO_COLOR")
        self.checked = 0
        self._binary, self._folder, self._environment = binary, folder, environment
        self._steps = 0
        self._said: list[str] = []
        self._values: set[str] = set()

    # What the audience sees.

    def step(self, title: str, *lines: str) -> None:
        self._steps += 1
        self._print(f"\n{self._style('1;36', f'{self._steps}. {title}')}")
        for line in self._lines(" ".join(lines), 3):
            self._print(f"   {self._style('2', line)}")

    def note(self, text: str) -> None:
        for line in self._lines(text):
            self._print(self._style("2", line))

    def show(self, text: str) -> None:
        """A file, as it is."""
        self._print("\n" + "\n".join(f"   {line}" for line in text.splitlines()))

    def check(self, claim: str, holds: bool, found: object = "") -> None:
        if not holds:
            raise Failed(f"{claim}; found {found!r}" if found != "" else claim)
        self.checked += 1
        first, *others = self._lines(claim, len(CHECKED) + 1)
        self._print(f"{self._style('32', CHECKED)} {first}")
        for line in others:
            self._print(f"{' ' * len(CHECKED)} {line}")

    def wait(self, what: str, seconds: float, expected: float, happened: Callable[[], bool]) -> float:
        """Waits until it happened, and says how long that took. Counts down on a terminal only."""
        begin = time.monotonic()
        self.note(f"waiting for {what}, about {expected:.0f} s")
        while not happened():
            passed = time.monotonic() - begin
            if passed > seconds:
                raise Failed(f"{what}: not within {seconds:.0f} s")
            if self.terminal:
                left = expected - passed
                self._write(f"\r\033[K   {left:3.0f} s" if left > 0 else f"\r\033[K   any moment ({passed:.0f} s)")
            time.sleep(0.5)
        if self.terminal:
            self._write("\r\033[K")
        return time.monotonic() - begin

    # What the deployer does.

    def run(self, *arguments: str, expect: int = 0) -> str:
        """Runs the deployer as a person would, and shows what it says: on a terminal, it has one, too."""
        self._print(f"\n{self._style('1', '$ deploy ' + ' '.join(arguments))}")
        code, text = self._spawn(arguments)
        self._heard(text)
        if code != expect:
            raise Failed(f"`deploy {' '.join(arguments)}` ended with {code}, not {expect}")
        return text

    def ask(self, *arguments: str) -> Any:
        """Runs the deployer unseen, and returns the JSON that it answers."""
        done = subprocess.run(
            [self._binary, *arguments, "--output", "json"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN,
        )
        self._heard(done.stdout + done.stderr)
        if done.returncode not in (0, 2):
            raise Failed(f"`deploy {' '.join(arguments)} --output json` ended with {done.returncode}:\n{done.stderr}")
        return json.loads(done.stdout)

    # What must never be seen.

    def keep_secret(self, value: str) -> None:
        """From now on, and back to the beginning, this must not be in anything that was said."""
        forms = {value, json.dumps(value)[1:-1], urllib.parse.quote(value), base64.b64encode(value.encode()).decode()}
        self._values |= forms
        for text in self._said:
            self._search(text, forms)

    def must_not_show(self, where: str, text: str) -> None:
        """The same for a text from elsewhere."""
        self._search(text, self._values, where)

    @property
    def heard(self) -> int:
        return sum(map(len, self._said))

    def _heard(self, text: str) -> None:
        self._said.append(text)
        self._search(text, self._values)

    @staticmethod
    def _search(text: str, values: set[str], where: str = "the deployer's output") -> None:
        if any(value in text for value in values):
            raise Failed(f"the secret's value is in {where}")

    def _spawn(self, arguments: tuple[str, ...]) -> tuple[int, str]:
        ours, theirs = self._channel()
        child = subprocess.Popen(
            [self._binary, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        try:
            text = self._relay(ours)
            return child.wait(COMMAND_WITHIN), text
        finally:
            os.close(ours)
            if child.poll() is None:
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(5)
                child.kill()
                child.wait()

    def _channel(self) -> tuple[int, int]:
        if not self.terminal:
            return os.pipe()
        ours, theirs = pty.openpty()
        size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        return ours, theirs

    def _relay(self, channel: int) -> str:
        said = bytearray()
        sys.stdout.flush()
        while True:
            try:
                chunk = os.read(channel, 65536)
            except OSError as error:
                if error.errno != errno.EIO:  # how a terminal says that nobody is left at its other end
                    raise
                break
            if not chunk:
                break
            said += chunk
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return said.decode(errors="replace")

    @staticmethod
    def _lines(text: str, indent: int = 0) -> list[str]:
        """A paragraph's lines, as wide as what they are shown on."""
        width = min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)
        return textwrap.wrap(text, max(width - indent, 20), break_on_hyphens=False) or [""]

    def _style(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def _print(self, line: str) -> None:
        self._write(line + "\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
