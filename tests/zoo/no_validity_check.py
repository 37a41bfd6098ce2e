"""A whole verifier that checks a chain at its leaf's own notBefore, as released clients do: expired ones pass."""

from __future__ import annotations

import os.path
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from conformance.adapters import package, package_lines
from conformance.adapters.lines import serve
from model_signing_ref import certificates

check: Any = certificates.check_chain


def at_its_own_time(leaf: Any, others: Any, trusted: Any, _: object, *more: Any) -> Any:
    """Check the chain as if it were the moment at which the leaf became valid."""
    return check(leaf, others, trusted, leaf.not_valid_before_utc, *more)


if __name__ == "__main__":
    setattr(certificates, "check_chain", at_its_own_time)  # noqa: B010 - another type
    serve(package.capabilities(), package_lines.verify)
