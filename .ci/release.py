"""Make a release: build twice, compare byte for byte, sign what was built and the vectors, verify it again.

    python3 .ci/release.py --key KEY --public-key PUB OUT

OUT, which must not exist, gets dist/ (wheel and sdist), dist.sig and vectors.sig: both folders are signed as
models, so that `model_signing_ref verify key --public-key PUB --signature dist.sig dist` tells whether every file is
what was released. Needs the packages `build` and `model_signing_ref`, and a clean clone. Exit status 1: the two
builds differ, or a signature does not verify.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "conformance" / "vectors"
LEFT_OUT = (".git", ".venv*", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", ".coverage*")


def main(words: list[str]) -> int:
    """Run the command line and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", required=True, help="the private key, a PEM file or a pkcs11: URI")
    parser.add_argument("--public-key", type=Path, required=True, help="its public key, a PEM file")
    parser.add_argument("out", type=Path, help="a folder to make")
    arguments = parser.parse_args(words)
    arguments.out.mkdir(parents=True)
    if not build_twice(ROOT, arguments.out / "dist", commit_time(ROOT)):
        return 1
    for name, folder in (("dist", arguments.out / "dist"), ("vectors", VECTORS)):
        signature = arguments.out / f"{name}.sig"
        tool("sign", "key", "--private-key", arguments.key, "--signature", str(signature), str(folder))
        tool("verify", "key", "--public-key", str(arguments.public_key), "--signature", str(signature), str(folder))
    return 0


def tool(*words: str) -> None:
    """Run this project's command, which must succeed."""
    subprocess.run([sys.executable, "-m", "model_signing_ref", *words], check=True)


def commit_time(root: Path) -> int:
    """When the last commit was made, in seconds since 1970: the time that every file of a release bears."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def build_twice(root: Path, dist: Path, time: int) -> bool:
    """Build into `dist`, and again elsewhere; say whether both gave the same bytes, and what differs."""
    with tempfile.TemporaryDirectory() as name:
        again = Path(name)
        first, second = build(root, dist, time), build(root, again, time)
    for file in sorted(first.keys() | second.keys()):
        same = first.get(file) == second.get(file)
        print(f"{first.get(file)}  {file}" if same else f"{file} differs between two builds")
    return first == second


def build(root: Path, dist: Path, time: int) -> dict[str, str]:
    """Wheel and sdist of a copy of the tree at `root`, in `dist`; SHA-256 in hex by file name."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "tree"
        shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        plain_modes(tree)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(time)}
        command = [sys.executable, "-m", "build", "--outdir", str(dist), str(tree)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    for sdist in dist.glob("*.tar.gz"):
        sdist.write_bytes(normalised(sdist.read_bytes(), time))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}


def plain_modes(tree: Path) -> None:
    """Give every file and folder one of two modes, whatever the umask of the clone was."""
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def normalised(sdist: bytes, time: int) -> bytes:
    """The same files in order of their names, all of one owner and time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(sdist)) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            made = tarfile.TarInfo(member.name)
            made.type, made.size, made.mode, made.mtime = member.type, member.size, member.mode, time
            new.addfile(made, old.extractfile(member) if member.isfile() else None)
    return gzip.compress(packed.getvalue(), mtime=time)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
