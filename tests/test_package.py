"""The package as it is built and installed: sdist, wheel, metadata, console script."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import model_signing_ref

CLONE = Path(model_signing_ref.__file__).parent.parent
NOT_SOURCE = (".git", ".venv*", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", ".coverage*")
CARRIED = ("spec", "conformance", "tests")  # beside the package, in the sdist alone
EXTRAS = {"sigstore", "pkcs11", "timestamp", "blake3"}


def run(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a program that must succeed, without the clone among what Python imports; its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd, env=environment
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def source_files(folder: Path) -> set[str]:
    """The files below a folder of the clone, relative to the clone."""
    ignore = shutil.ignore_patterns(*NOT_SOURCE)
    names = set()
    for where, folders, files in os.walk(folder):
        left_out = ignore(where, [*folders, *files])
        folders[:] = [name for name in folders if name not in left_out]
        names |= {str(Path(where, name).relative_to(CLONE)) for name in files if name not in left_out}
    return names


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def requirements(metadata: Message, extra: str = "") -> set[str]:
    """What is required, without or with an extra; spaces left out, names in one spelling."""
    found = set()
    for line in metadata.get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        if (re.findall(r"""extra == ["'](.+?)["']""", marker) or [""]) == [extra]:
            found.add(requirement.replace(" ", "").lower())
    return found


@pytest.mark.slow
def test_sdist_and_wheel(tmp_path: Path) -> None:
    pytest.importorskip("build", reason="pip install build")
    tree, dist, direct = tmp_path / "tree", tmp_path / "dist", tmp_path / "direct"
    shutil.copytree(CLONE, tree, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    run(sys.executable, "-m", "build", "--outdir", dist, tree)  # the wheel from the sdist
    run(sys.executable, "-m", "build", "--wheel", "--outdir", direct, tree)
    (sdist,), (wheel,), (other) = dist.glob("*.tar.gz"), dist.glob("*.whl"), list(direct.glob("*.whl"))
    assert [path.name for path in other] == [wheel.name]
    assert contents(wheel) == contents(other[0])
    check_sdist(sdist)
    check_wheel(contents(wheel))
    check_installed(wheel, tmp_path / "venv")


def check_sdist(sdist: Path) -> None:
    """It carries what a clone has: package, specification, vectors, tests."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "setup.cfg"} <= names
    assert source_files(CLONE / "model_signing_ref") <= names
    present = [folder for folder in CARRIED if (CLONE / folder).is_dir()]
    assert "tests" in present
    for folder in present:
        assert source_files(CLONE / folder) <= names
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in names)


def check_wheel(files: dict[str, bytes]) -> None:
    """It carries the package and nothing else, with its licence, types and extras."""
    info = f"model_signing_ref-{model_signing_ref.__version__}.dist-info"
    assert {name.split("/")[0] for name in files} == {"model_signing_ref", info}
    package = {name for name in files if name.startswith("model_signing_ref/")}
    assert package == source_files(CLONE / "model_signing_ref")
    assert "model_signing_ref/py.typed" in package
    assert files[f"{info}/licenses/LICENSE"] == (CLONE / "LICENSE").read_bytes()
    metadata = email.message_from_bytes(files[f"{info}/METADATA"])
    assert metadata["Name"] == "model_signing_ref"
    assert metadata["Requires-Python"] == ">=3.10"
    assert "Apache-2.0" in (metadata["License"], metadata["License-Expression"])
    assert metadata.get_payload() == (CLONE / "README.md").read_text("utf-8")
    assert requirements(metadata) == {"cryptography>=45"}
    assert {*EXTRAS, "loopback", "test", "all"} == set(metadata.get_all("Provides-Extra", []))
    parts = {extra: requirements(metadata, extra) for extra in EXTRAS}
    assert requirements(metadata, "all") == set().union(*parts.values())
    names = {extra: {re.split("[<>=~!]", line)[0] for line in lines} for extra, lines in parts.items()}
    assert names == {
        "sigstore": {"sigstore"},
        "pkcs11": {"pykcs11", "asn1crypto"},
        "timestamp": {"rfc3161-client"},
        "blake3": {"blake3"},
    }


def check_installed(wheel: Path, venv: Path) -> None:
    """It works where nothing but what it requires is installed."""
    run(sys.executable, "-m", "venv", venv)
    programs = venv / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "-q", wheel)
    listed = run(programs / "python", "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check")
    installed = {line.partition("==")[0].lower().replace("-", "_") for line in listed.splitlines()}
    tools = {"pip", "setuptools", "wheel", "cffi", "pycparser", "typing_extensions"}
    assert installed - tools == {"model_signing_ref", "cryptography"}
    program = programs / "model_signing_ref"
    assert run(program, "--version") == f"model_signing_ref {model_signing_ref.__version__}\n"
    assert "refused at stage digest" in run(program, "demo", cwd=venv)
    assert "refused at stage digest" in run(programs / "python", "-m", "model_signing_ref", "demo", cwd=venv)
    where = "import model_signing_ref as m; print(m.__file__)"
    assert run(programs / "python", "-c", where, cwd=venv).startswith(str(venv))


def test_version_is_in_the_changelog() -> None:
    assert f"## {model_signing_ref.__version__} " in (CLONE / "CHANGELOG.md").read_text("utf-8")
