"""How long the function takes from exec to its first question for work, and how much memory it has then."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path


def first_poll(bootstrap: Path, variables: dict[str, str]) -> tuple[float, int]:
    """Seconds, and resident bytes. The runtime API is a socket that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(10)
        environment = {
            "PATH": "/usr/bin:/bin",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:{}".format(api.getsockname()[1]),
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            **variables,
        }
        begin = time.perf_counter()
        function = subprocess.Popen([bootstrap], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connection, _ = api.accept()
            with connection:
                connection.settimeout(10)
                assert b"/invocation/next" in connection.recv(4096)
                passed = time.perf_counter() - begin
                status = Path("/proc", str(function.pid), "status").read_text()
        finally:
            os.kill(function.pid, 9)
            function.wait()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match is not None
    return passed, int(match[1]) * 1024
