"""Bundles of the method sigstore without chance: a recipe by label, and what is changed in it.

A vector's `signer` is `sigstore/<recipe>`, a name in RECIPES. What an edit changes in a recipe is written as JSON;
the certificate, the signature, the timestamp and the log entry are all made again from what is then there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.x509.oid import ObjectIdentifier

from conformance.loopback import static
from conformance.loopback.static import ISSUER, Recipe

PREFIX = "sigstore/"
WORKFLOW = "https://github.com/example/models/.github/workflows/release.yml@refs/heads/main"
OTHERS = "static, others"  # the seed of an instance that nobody trusts unless an edit says so

RECIPES = {
    "rekor-v1": Recipe(1),
    "rekor-v1-timestamp": Recipe(1, 1),
    "rekor-v2": Recipe(2, 1),
    "subject": Recipe(1, subject="root@example.com"),
    "workflow": Recipe(2, 1, names=(f"URI:{WORKFLOW}",)),
}


def is_sigstore(signer: str | None) -> bool:
    """Whether a vector's `signer` is a recipe."""
    return signer is not None and signer.startswith(PREFIX)


def recipe_of(signer: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a vector's `signer`, with members changed as an edit has them."""
    made = {name: _member(name, value) for name, value in (changes or {}).items()}
    assert set(made) <= set(Recipe._fields), made
    return RECIPES[signer.removeprefix(PREFIX)]._replace(**made)


def _member(name: str, value: Any) -> Any:
    """A member of a recipe from its form in JSON."""
    if name in ("usage", "without"):
        return ObjectIdentifier(value)
    if name == "timestamp_message":
        return value.encode("utf-8")
    return tuple(value) if isinstance(value, list) else value


def bundle_of(signer: str, payload: bytes, payload_type: str, changes: Mapping[str, Any] | None = None) -> Any:
    """The bundle over `payload`, as JSON."""
    recipe = recipe_of(signer, {"payload_type": payload_type, **(changes or {})})
    return static.honest_bundle(static.make_instance(recipe.seed), recipe, payload)


def trust_of(signer: str) -> dict[str, str]:
    """What the caller trusts: the recipe's instance, and its first name and issuer."""
    recipe = recipe_of(signer)
    config = static.trust_config(static.make_instance(recipe.seed))
    identity = recipe.names[0].partition(":")[2]
    return {"identity": identity, "issuer": recipe.issuer or ISSUER, "trusted_root": json.dumps(config)}


def several(member: str) -> Any:
    """What another instance's trusted root has as `member`, and then what the static one has."""
    return [*others(member), *trusted(member)]


def trusted(member: str) -> Any:
    """What the static instance's trusted root has as `member`."""
    return static.trust_config(static.make_instance(Recipe().seed))["trustedRoot"][member]


def others(member: str) -> Any:
    """What another instance's trusted root has as `member`."""
    return static.trust_config(static.make_instance(OTHERS))["trustedRoot"][member]
