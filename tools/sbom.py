"""The software bills of materials: CycloneDX JSON for `deploy` and for the function, in target/sbom. Usage: sbom.py CARGO_CYCLONEDX

cargo-cyclonedx writes beside the manifests, and takes the features of the workspace as a whole. So it is run on a copy, and
what a binary does not get, by Cargo's own account of that binary, is taken out again. Then each is checked.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
SPEC_VERSION = "1.5"
X86_64, ARM64 = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
# What is described: the file, the package with its binary, the target, and the binary itself where its strings are read.
BINARIES = [
    ("deploy", "deployer", "deploy", None, None),
    ("bootstrap-x86_64", "rotator", "bootstrap", X86_64, TARGET / "lambda/x86_64/bootstrap"),
    ("bootstrap-arm64", "rotator", "bootstrap", ARM64, TARGET / "lambda/arm64/bootstrap"),
]
# Where a panic in a crate would be told to be, with or without the standard library's own crates. Texts follow each other
# without a gap, so that more may stand before the name.
SOURCE = re.compile(rb"(/rust/deps/)?([A-Za-z0-9_-]+)-(\d+\.\d+\.\d+(?:[+-][a-z0-9.+-]+)?)/src/")


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def host():
    return re.search(r"^host: (.*)$", run("rustc", "-vV"), re.M).group(1)


def built_from(package, target, edges):
    """The packages, as (name, version), that Cargo builds the package's binary from."""
    tree = run("cargo", "tree", "--locked", "-p", package, "--target", target, "-e", edges, "--prefix", "none", cwd=ROOT)
    words = (line.split() for line in tree.splitlines() if line.strip())
    return {(line[0], line[1].removeprefix("v")) for line in words}


def when():
    """Of the commit, so that the same source has the same bill."""
    try:
        return run("git", "log", "-1", "--format=%ct", cwd=ROOT, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return "0"


def bills(tool, copy):
    """Every bill as the tool writes it, by binary and target."""
    for part in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "deployer", "rotator"]:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, copy / part)
    environment = {"SOURCE_DATE_EPOCH": when(), **os.environ}
    for target in {X86_64, ARM64, host()}:
        options = ["--format", "json", "--spec-version", SPEC_VERSION, "--describe", "binaries", "--no-build-deps"]
        run(tool, "cyclonedx", "-q", *options, "--target", target, "--target-in-filename", cwd=copy, env=environment)
    for file in copy.rglob("*.cdx.json"):
        yield file.name, json.loads(file.read_text().replace(f"file://{copy}/", "file:///"))


def pruned(bill, wanted):
    own = bill["metadata"]["component"]["bom-ref"]
    bill["components"] = [one for one in bill["components"] if (one["name"], one["version"]) in wanted]
    kept = {own, *(one["bom-ref"] for one in bill["components"])}
    links = [one for one in bill["dependencies"] if one["ref"] in kept]
    for one in links:
        one["dependsOn"] = [ref for ref in one.get("dependsOn", []) if ref in kept]
    bill["dependencies"] = links
    return bill


def faults(text, package, target, binary):
    """What is wrong with a bill, as it was written."""
    bill = json.loads(text)
    if (bill.get("bomFormat"), bill.get("specVersion")) != ("CycloneDX", SPEC_VERSION):
        yield f"is no CycloneDX {SPEC_VERSION}"
    listed = {(one["name"], one["version"]): one for one in bill["components"]}
    locked = {(one["name"], one["version"]): one for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    own = (package, next(version for name, version in locked if name == package))
    for linked in sorted(built_from(package, target, "normal,no-proc-macro") - {own} - set(listed)):
        yield "lacks {} {}, which the binary links".format(*linked)
    for key, one in listed.items():
        hashes = [hash["content"] for hash in one.get("hashes", []) if hash["alg"] == "SHA-256"]
        checksum = locked.get(key, {}).get("checksum")
        if key not in locked or hashes != ([checksum] if checksum else []):
            yield "has {} {} otherwise than Cargo.lock".format(*key)
    for std, name, version in sorted(set(SOURCE.findall(binary.read_bytes()))) if binary else []:
        named, version = name.decode(), version.decode()
        if not std and not any(named.endswith(one) and version == other for one, other in listed):
            yield f"lacks {named} {version}, which the binary names"
    refs = [bill["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in bill["components"])]
    told = {ref for one in bill["dependencies"] for ref in [one["ref"], *one["dependsOn"]]}
    if len(refs) != len(set(refs)) or not told <= set(refs):
        yield "refers to what is not in it, or to two things by one name"
    if str(ROOT) in text or str(TARGET) in text:
        yield "has a path of this machine in it"


def main(tool):
    out, failed = TARGET / "sbom", False
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as copy:
        found = dict(bills(Path(tool).resolve(), Path(copy)))
    for name, package, binary, target, built in BINARIES:
        if built and not built.exists():
            continue
        target = target or host()
        bill = pruned(found[f"{binary}_bin_{target}.cdx.json"], built_from(package, target, "normal"))
        file = out / f"{name}.cdx.json"
        file.write_text(json.dumps(bill, indent=2) + "\n")
        print(f"{os.path.relpath(file, ROOT)}: {len(bill['components'])} packages")
        for fault in faults(file.read_text(), package, target, built):
            print(f"error: {file.name} {fault}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
