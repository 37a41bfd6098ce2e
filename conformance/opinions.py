"""What `sigstore` and `@sigstore/verify` say of the static bundles and the vectors: recorded, and taken again.

    python3 -m conformance.opinions FOLDER > conformance/opinions.json

FOLDER is one in which `npm install @sigstore/verify@4.1.3` was run. A case that both refuse must be refused; one
on which they disagree is `either`; one that both accept is no case, and is named on standard error. Neither reads
the payload, so both accept a vector in which only that, or the model, is wrong.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance import case
from conformance.loopback import static

RECORD = Path(__file__).with_suffix(".json")
SCRIPT = Path(__file__).with_suffix(".mjs")
PAYLOAD = b'{"a payload": "that no verifier of signatures parses"}'
LONGEST = 100  # characters of a verdict
ACCEPTED = "accepted"


def bundles() -> dict[str, static.Made]:
    """Every case, made."""
    return {case.name: static.make(case, PAYLOAD) for case in static.cases()}


def vectors() -> dict[str, static.Made]:
    """Every conformance vector of the method."""
    family = case.load_family(case.VECTORS / "sigstore.json")
    return {vector["id"]: of_vector(vector) for vector in family if vector["method"] == "sigstore"}


def of_vector(vector: case.Vector) -> static.Made:
    """A vector as a case is made: what these clients are given."""
    trust = vector["trust"]
    bundle, config = json.loads(case.bundle_bytes(vector)), json.loads(trust["trusted_root"])
    return static.Made(bundle, config, trust["identity"], trust["issuer"])


def python_opinion(made: static.Made) -> str:
    """What the sigstore package says of a bundle."""
    from sigstore.models import Bundle, ClientTrustConfig
    from sigstore.verify import Verifier, policy

    wanted = policy.Identity(identity=made.identity, issuer=made.issuer)
    try:
        root = ClientTrustConfig.from_json(json.dumps(made.trust_config)).trusted_root
        Verifier(trusted_root=root).verify_dsse(Bundle.from_json(json.dumps(made.bundle)), wanted)
    except Exception as error:  # any is a refusal
        return f"refused: {type(error).__name__}: {' '.join(str(error).split())}"[:LONGEST]
    return ACCEPTED


def javascript_opinions(cases: Mapping[str, static.Made], folder: Path) -> dict[str, str]:
    """What @sigstore/verify, installed in `folder`, says of each. Raises OSError, CalledProcessError."""
    given = {
        name: {
            "bundle": made.bundle,
            "trustedRoot": made.trust_config["trustedRoot"],
            "identity": made.identity,
            "issuer": made.issuer,
        }
        for name, made in cases.items()
    }
    command = ["node", str(SCRIPT)]
    done = subprocess.run(command, input=json.dumps(given), cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    verdicts: dict[str, str] = json.loads(done.stdout)
    return verdicts


def expected(python: str, javascript: str) -> str:
    """What may be asked of other clients."""
    return {0: "reject", 1: "either", 2: "accept"}[(python == ACCEPTED) + (javascript == ACCEPTED)]


def record(folder: Path) -> dict[str, Any]:
    """Both opinions on every case and vector, with the versions that gave them."""
    package = json.loads((folder / "node_modules/@sigstore/verify/package.json").read_bytes())
    versions = {"sigstore": importlib.metadata.version("sigstore"), "@sigstore/verify": package["version"]}
    return {"versions": versions, "cases": opinions(bundles(), folder), "vectors": opinions(vectors(), folder)}


def opinions(cases: Mapping[str, static.Made], folder: Path) -> dict[str, dict[str, str]]:
    """Both opinions on each, and what follows from them."""
    javascript = javascript_opinions(cases, folder)
    return {
        name: {"sigstore": python, "@sigstore/verify": javascript[name], "expected": expected(python, javascript[name])}
        for name, python in ((name, python_opinion(made)) for name, made in cases.items())
    }


def main() -> int:
    """Write the record on standard output."""
    recorded = record(Path(sys.argv[1]))
    json.dump(recorded, sys.stdout, indent=2)
    print()
    for name, opinion in recorded["cases"].items():
        if (opinion["expected"] == "accept") != (name in static.CONTROLS):
            print(f"{name}: {opinion['expected']}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
