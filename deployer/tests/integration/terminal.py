"""Runs a command on a terminal of its own: terminal.py SHOWN THEN COMMAND...

Once the command has written SHOWN, THEN is done: `INT`, `TERM` or `HUP` is sent as a signal, all else is typed. What the
terminal shows goes to stderr, the command's stdout to stdout, and its exit code is this one's. Whether the terminal still
echoes at the end is told on stderr.
"""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

shown, then, *command = sys.argv[1:]
ours, theirs = pty.openpty()


def lead() -> None:
    os.setsid()
    terminal = os.open(os.ttyname(theirs), os.O_RDWR)  # The first that a session's leader opens is its own.
    os.close(terminal)


process = subprocess.Popen(command, stdin=theirs, stderr=theirs, preexec_fn=lead)
seen = ""
end = time.monotonic() + 30
done = False
while process.poll() is None and time.monotonic() < end:
    if select.select([ours], [], [], 0.05)[0]:
        seen += os.read(ours, 65536).decode(errors="replace")
    if not done and shown in seen:
        done = True
        time.sleep(0.3)  # What has asked must have begun to listen.
        if then in ("INT", "TERM", "HUP"):
            process.send_signal(getattr(signal, f"SIG{then}"))
        else:
            os.write(ours, then.encode().decode("unicode_escape").encode())
if process.poll() is None:
    process.kill()
    seen += "\nKILLED: it did not end"
while select.select([ours], [], [], 0.05)[0]:
    seen += os.read(ours, 65536).decode(errors="replace")
echoes = bool(termios.tcgetattr(theirs)[3] & termios.ECHO)
sys.stderr.write(f"{seen}\nthe terminal echoes: {echoes}\n")
sys.exit(process.wait() if process.returncode >= 0 else 1)
