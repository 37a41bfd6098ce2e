"""The key method asks no network, and `verify key` loads no more than it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Done, keys_for
from cryptography.hazmat.primitives.asymmetric import ec

# Audit events see every socket, whichever module makes it.
NO_SOCKETS = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        sys.stderr.write(f"{event} {arguments}\\\\n")
        raise OSError("no network here")
sys.addaudithook(refuse)
"""
MAIN = "from model_signing_ref.cli import main\nstatus = main(sys.argv[1:])\n"


def run_script(script: str, *words: str | Path) -> Done:
    command = [sys.executable, "-c", script, *map(str, words)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    return Done(ended.returncode, ended.stdout, ended.stderr)


def run_without_sockets(*words: str | Path) -> Done:
    return run_script(f"{NO_SOCKETS}{MAIN}sys.exit(status)", *words)


@pytest.mark.parametrize(
    "attempt",
    [
        "import _socket; _socket.socket()",
        "import _socket; _socket.getaddrinfo('example.test', 80)",
        "import socket; socket.socket()",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_sockets_do_fail(attempt: str) -> None:
    done = run_script(NO_SOCKETS + attempt)
    assert done.status == 1
    assert "no network here" in done.err


def test_key_commands_need_no_network(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = key_files
    signature = tmp_path / "model.sig"
    sign = ("sign", "key", "--private-key", private, "--signature", signature)
    verify = ("verify", "key", "--public-key", public, "--signature", signature)
    commands: list[tuple[str | Path, ...]] = [
        (*sign, model),
        (*verify, model),
        (*verify, "--json", "--ignore-unsigned-files", "--allow-v0.2", model),
        (*sign, "--hash-algorithm", "blake2b", "--shard-size", "1000", "--workers", "2", model),
        (*verify, model),
        ("digest", model),
        ("demo",),
        ("demo", model),
        ("--help",),
        ("--version",),
    ]
    for command in commands:
        done = run_without_sockets(*command)
        assert done.status == 0, done
        assert "socket" not in done.err
    (model / "extra").write_bytes(b"x")
    assert run_without_sockets(*verify, model).status == 1
    other = keys_for(tmp_path, ec.SECP384R1(), "other")[1]
    assert run_without_sockets("verify", "key", "--public-key", other, "--signature", signature, model).status == 1
    assert run_without_sockets("digest", "/no/such/model").status == 2


LOADED = "import json\nprint('\\n' + json.dumps(sorted(sys.modules)))\n"
# What the key method calls. It loads some of the standard library itself: dataclasses, inspect, random, threading.
CRYPTOGRAPHY = """
import sys
import cryptography.exceptions
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
key.public_key().verify(key.sign(b"", ec.ECDSA(hashes.SHA256())), b"", ec.ECDSA(hashes.SHA256()))
"""
HEAVY = (
    *("concurrent.futures", "logging", "asyncio", "ssl", "urllib", "http", "email", "socket", "subprocess"),
    *("tempfile", "shutil", "threading", "typing_extensions", "cryptography.x509", "unittest", "multiprocessing"),
)


def modules(done: Done) -> set[str]:
    assert done.status == 0, done
    return set(json.loads(done.out.splitlines()[-1]))


def heavy(names: set[str], allowed: Sequence[str] = ()) -> set[str]:
    return {name for name in names if name.startswith(HEAVY) and not name.startswith(tuple(allowed) or "\0")}


@pytest.fixture
def verify_words(model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> tuple[str | Path, ...]:
    signature = tmp_path / "model.sig"
    words = ("sign", "key", "--private-key", key_files[0], "--signature", signature, model)
    assert run_script(f"import sys\n{MAIN}", *words).status == 0
    return ("verify", "key", "--public-key", key_files[1], "--signature", signature, model)


def test_verify_key_loads_the_standard_library_and_cryptography(verify_words: tuple[str | Path, ...]) -> None:
    base = modules(run_script(CRYPTOGRAPHY + LOADED))
    loaded = modules(run_script(f"import sys\n{MAIN}{LOADED}", *verify_words)) - base
    foreign = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    ours = {name for name in foreign if name.split(".")[0] == "model_signing_ref"}
    assert "model_signing_ref.verifying" in ours
    assert {name for name in foreign - ours if not name.startswith("cryptography.")} == set()
    assert heavy(loaded) == set()
    unused = {"signing", "output", "demo", "compat", "progress", "signers", "signer"}
    assert {name for name in ours if name.split(".")[1:2] and name.split(".")[1] in unused} == set()


def test_help_and_version_load_no_cryptography() -> None:
    base = modules(run_script("import sys\n" + LOADED))
    for word in ("--version", "--help"):
        script = f"import sys\nfrom model_signing_ref.cli import main\ntry: main([{word!r}])\nexcept SystemExit: pass\n"
        loaded = modules(run_script(script + LOADED)) - base
        assert {name for name in loaded if name.split(".")[0] == "cryptography"} == set()
        assert heavy(loaded) == set()
    package = modules(run_script("import sys\nimport model_signing_ref\n" + LOADED)) - base
    assert package == {"model_signing_ref"}


def test_heavy_modules_would_be_seen(verify_words: tuple[str | Path, ...]) -> None:
    script = f"import sys\nimport logging, concurrent.futures\n{MAIN}{LOADED}"
    assert {"logging", "concurrent.futures"} <= heavy(modules(run_script(script, *verify_words)))
