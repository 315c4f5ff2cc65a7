"""What the deployer and the function cost: `make bench`. A table on stdout, all figures in target/bench.json.

A proxy in front of the emulator adds a latency to every call and counts. Each command runs several times at each
latency; a table's figure is the median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from coldstart import first_poll  # noqa: E402
from proxy import Proxy  # noqa: E402
from testbed import REGION, TARGET, Testbed, terminate_on_sigterm, walkthrough_spec  # noqa: E402

DEPLOY = TARGET / "release" / "deploy"
BOOTSTRAP = TARGET / "lambda" / ("arm64" if platform.machine() == "aarch64" else "x86_64") / "bootstrap"
SPEC = "myapp.yaml"
LATENCIES = (0, 50, 100)
STORY = [  # in this order: each finds the account as the one before it left it
    ("plan, nothing there", ["plan", SPEC]),
    ("apply, fresh", ["apply", SPEC, "--yes"]),
    ("plan, no changes", ["plan", SPEC]),
    ("apply, no changes", ["apply", SPEC, "--yes"]),
    ("teardown", ["teardown", SPEC, "--yes", "--force-delete-secret"]),
]


def launch(command: list[str], environment: dict[str, str], folder: Path, runs: int = 1) -> list[dict[str, Any]]:
    """Runs a command by the launcher, from a folder, and returns what each run took."""
    output = folder / "output"
    done = subprocess.run(
        [sys.executable, "-I", "-S", HERE / "launch.py", str(runs), *command],
        env=environment | {"LAUNCH_OUTPUT": str(output)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    results: list[dict[str, Any]] = json.loads(done.stdout)
    if any(result["code"] for result in results):
        sys.exit(f"`{' '.join(map(str, command))}` failed: {results}\n{output.read_text()}")
    return results


def environment(keys: dict[str, str], endpoint: str, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        "AWS_REGION": REGION,
    }


def measure(proxy: Proxy, command: list[str], env: dict[str, str], folder: Path) -> dict[str, Any]:
    proxy.take()
    (result,) = launch(command, env, folder)
    traffic = proxy.take()
    calls = {"calls": len(traffic.calls), "depth": traffic.depth, "in_flight": traffic.in_flight}
    chain = {"chain": traffic.chain, "waited": traffic.waited}
    return {**result, **calls, **chain, "operations": traffic.by_operation}


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure; the calls of the run that made the median number of them."""
    runs = sorted(runs, key=lambda run: run["calls"])
    figures = ("wall", "cpu", "rss", "depth", "in_flight", "chain", "waited")
    middle = {key: median(run[key] for run in runs) for key in figures}
    return {**middle, "calls": runs[len(runs) // 2]["calls"], "operations": runs[len(runs) // 2]["operations"]}


def bench(runs: int) -> dict[str, Any]:
    report: dict[str, Any] = {"runs": runs, "commands": {}, "boto3": {}}
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=TARGET) as name, Testbed() as bed:
        folder = Path(name)
        # The schedule must not fire into a measurement.
        spec = re.sub(r"(?m)^(\s*expression:\s*).*$", r"\g<1>rate(1 day)", walkthrough_spec())
        (folder / SPEC).write_text(spec)
        proxy = Proxy(bed.endpoint)
        env = environment(bed.deployer(), proxy.endpoint, folder)
        variables: dict[str, str] = {}
        for latency in LATENCIES:
            proxy.latency = latency / 1000
            taken: dict[str, list[dict[str, Any]]] = {title: [] for title, _ in STORY}
            for _ in range(runs):
                for title, arguments in STORY:
                    taken[title].append(measure(proxy, [str(DEPLOY), *arguments], env, folder))
                    if title == "apply, fresh" and not variables:
                        configuration = bed.client("lambda").list_functions()["Functions"][0]
                        variables = configuration["Environment"]["Variables"]
                        report["zip_bytes"] = configuration["CodeSize"]
            for title, results in taken.items():
                report["commands"].setdefault(title, {})[str(latency)] = medians(results)
        proxy.latency = 0.05
        script = [sys.executable, str(HERE / "boto3_apply.py")]
        for title, arguments in (
            ("apply, fresh", ["apply"]),
            ("apply, no changes", ["apply"]),
            ("teardown", ["teardown"]),
        ):
            report["boto3"][title] = measure(proxy, [*script, *arguments, str(BOOTSTRAP)], env, folder)
        version = launch([str(DEPLOY), "--version"], env, folder, 20)
        report["version_seconds"] = median(run["wall"] for run in version)
        report["proxy_seconds_a_call"] = overhead(bed, proxy)
    report["deploy_bytes"], report["bootstrap_bytes"] = DEPLOY.stat().st_size, BOOTSTRAP.stat().st_size
    polls = [first_poll(BOOTSTRAP, variables) for _ in range(max(runs, 11))]
    report["first_poll_seconds"] = median(seconds for seconds, _ in polls)
    report["first_poll_rss"] = median(rss for _, rss in polls)
    return report


def overhead(bed: Testbed, proxy: Proxy) -> float:
    """What the proxy itself costs, to be taken off in the mind."""
    proxy.latency = 0
    took = []
    direct = bed.client("sts")
    bed.endpoint, endpoint = proxy.endpoint, bed.endpoint
    through = bed.client("sts")
    bed.endpoint = endpoint
    for client in (direct, through):
        client.get_caller_identity()
        times = []
        for _ in range(200):
            begin = perf_counter()
            client.get_caller_identity()
            times.append(perf_counter() - begin)
        took.append(median(times))
    return took[1] - took[0]


def table(report: dict[str, Any]) -> str:
    rows = ["| command | a call takes | wall | round trips | calls | depth | in flight | CPU | peak memory |"]
    rows.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for title, latencies in report["commands"].items():
        for latency, run in latencies.items():
            trips = f"{run['wall'] * 1000 / int(latency):.1f}" if latency != "0" else ""
            rows.append(row(f"{title} | +{latency} ms", run, trips))
    for title, run in report["boto3"].items():
        rows.append(row(f"*boto3 script:* {title} | +50 ms", run, f"{run['wall'] / 0.05:.1f}"))
    return "\n".join(rows)


def row(head: str, run: dict[str, Any], trips: str) -> str:
    calls = f"{run['calls']} | {run['depth']:.0f} | {run['in_flight']:.0f}"
    return f"| {head} | {run['wall'] * 1000:.0f} ms | {trips} | {calls} | {cost(run)} |"


def cost(run: dict[str, Any]) -> str:
    return f"{run['cpu'] * 1000:.0f} ms | {run['rss'] / 1e6:.1f} MB"


def goals(report: dict[str, Any]) -> str:
    commands, every = report["commands"], [run for one in report["commands"].values() for run in one.values()]
    plan, again, fresh = (commands[title]["100"] for title in ("plan, no changes", "apply, no changes", "apply, fresh"))
    lines = [
        ("plan, no changes, +100 ms: round trips", plan["wall"] * 10, 2.5, ""),
        ("apply, no changes, +100 ms: round trips", again["wall"] * 10, 2.5, ""),
        (
            f"apply, fresh, +100 ms: round trips beyond its chain of {fresh['chain']:.0f} calls, less the "
            f"{fresh['waited'] * 1000:.0f} ms for which the emulator keeps a new function pending",
            (fresh["wall"] - fresh["waited"]) * 10 - fresh["chain"],
            1,
            "",
        ),
        ("CPU: plan and apply, no changes", max(plan["cpu"], again["cpu"]) * 1000, 30, " ms"),
        ("CPU: apply, fresh, which signs and sends the function's zip", fresh["cpu"] * 1000, 30, " ms"),
        ("memory, the most of any command", max(run["rss"] for run in every) / 1e6, 40, " MB"),
        ("`deploy --version`", report["version_seconds"] * 1000, 5, " ms"),
        ("the function's zip", report["zip_bytes"] / 1e6, 1.9, " MB"),
        ("the function, exec to first poll", report["first_poll_seconds"] * 1000, 10, " ms"),
        ("the function, memory at first poll", report["first_poll_rss"] / 1e6, 12, " MB"),
    ]
    rows = ["| goal | at most | measured | |", "|---|--:|--:|---|"]
    rows += [f"| {n} | {g:g}{u} | {m:.2f}{u} | {'met' if m <= g else '**missed**'} |" for n, m, g, u in lines]
    sizes = (("`deploy`", "deploy_bytes"), ("`bootstrap`", "bootstrap_bytes"))
    return "\n".join(rows + [f"| {name} | | {report[key] / 1e6:.2f} MB | |" for name, key in sizes])


def calls(report: dict[str, Any]) -> str:
    rows = ["| command | calls |", "|---|---|"]
    for title, latencies in report["commands"].items():
        operations = latencies["100"]["operations"].items()
        rows.append(f"| {title} | {', '.join(name if n == 1 else f'{n}× {name}' for name, n in operations)} |")
    return "\n".join(rows)


def main() -> int:
    terminate_on_sigterm()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each command runs (default: 5)")
    report = bench(parser.parse_args().runs)
    (TARGET / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    print("\n\n".join((table(report), goals(report), calls(report))))
    print(
        f"\nMedians of {report['runs']} runs. The proxy adds {report['proxy_seconds_a_call'] * 1000:.2f} ms to a call."
    )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
