"""Runs a command and prints what it took, as JSON. It is started without any import of its own to speak of: a child's
peak memory counts from its parent's, so the parent has to be small."""

import json
import os
import sys
import time

runs, command = int(sys.argv[1]), sys.argv[2:]
out = os.open(os.environ.pop("LAUNCH_OUTPUT", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
null = os.open(os.devnull, os.O_RDONLY)
files = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
results = []
for _ in range(runs):
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    results.append(
        {
            "wall": time.perf_counter() - begin,
            "cpu": usage.ru_utime + usage.ru_stime,
            "rss": usage.ru_maxrss * 1024,
            "code": os.waitstatus_to_exitcode(status),
        }
    )
print(json.dumps(results))
