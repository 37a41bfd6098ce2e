"""What the documents' blocks marked `made` hold, by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from conformance.generate import kit
from conformance.generate.worked_example import MODEL
from model_signing_ref.compat import pae_v02
from model_signing_ref.dsse import pae

WIDTH = 100
V02_PAYLOADS = (b'{"a": "b"}', b'{"a": "\'"}', b'{"a":\t"\\n"}\r\n', '{"é": "\x7f"}'.encode(), b"{'a'}")


def folded(text: str) -> str:
    """`text` in lines, as fold has it."""
    return "".join(f"{text[start : start + WIDTH]}\n" for start in range(0, len(text), WIDTH))


def hex_dump(data: bytes) -> str:
    """Offset, bytes and printable ASCII, sixteen bytes a line."""
    lines = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):47}  {shown}".rstrip() + "\n")
    return "".join(lines)


def small_pae() -> str:
    """The pre-authentication encoding of three bytes."""
    return hex_dump(pae("text", "é\n".encode()))


def digests() -> str:
    """The digests of `abc` by each algorithm."""
    lines = []
    for name in ("sha256", "blake2b", "blake3"):
        digest = kit.digest_of(name, b"abc")
        lines += [f"{name:8} {digest[:64]}", *([f"{'':8} {digest[64:]}"] if digest[64:] else [])]
    return "\n".join(lines) + "\n"


def v02_payload_bytes() -> bytes:
    """A statement as version 0.2.0 laid it out."""
    subject = {
        "name": "weights.bin",
        "digest": {"sha256": hashlib.sha256(MODEL["weights.bin"]).hexdigest()},
        "annotations": {"actual_hash_algorithm": "file-sha256"},
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }
    return json.dumps(statement, indent=2).encode()


def v02_payload() -> str:
    """The same as text."""
    return v02_payload_bytes().decode() + "\n"


def v02_message() -> str:
    """What version 0.2.0 signed for it."""
    message = pae_v02(kit.PAYLOAD_TYPE, v02_payload_bytes())
    return f"{folded(message.decode('ascii'))}\n{len(message)} bytes, SHA-256 {hashlib.sha256(message).hexdigest()}\n"


def v02_escapes() -> str:
    """Payloads in hex, and what version 0.2.0 signed for them, with the type `t`."""
    lines = (f"{payload.hex(' '):50}  {pae_v02('t', payload).decode('ascii')}\n" for payload in V02_PAYLOADS)
    return "".join(lines)


MAKERS: dict[str, Callable[[], str]] = {
    "small-pae": small_pae,
    "digests": digests,
    "v02-payload": v02_payload,
    "v02-message": v02_message,
    "v02-escapes": v02_escapes,
}
