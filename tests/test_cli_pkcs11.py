"""`sign pkcs11-key`, `sign pkcs11-certificate`, and pkcs11: URIs wherever a private key is taken, on SoftHSM2.

Whatever a test shows, and whatever it signs, is searched for the PIN.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from certificate_tools import Owner, issue, leaf, utc
from conftest import README, Cli, Done, one_line, peer_python, run_block, run_child
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from test_cli import at_a_terminal
from test_cli_certificate import both_spellings, failed, refused
from test_pkcs11 import NEEDS, PIN, SO_PIN, TOOLS, Hsm, find_softhsm, hsm  # noqa: F401 - a fixture

from model_signing_ref.signers.pkcs11 import token_key

Spelling = Callable[[str], str]

ROOT, OTHER = issue("root", identifiers=True), issue("other root", identifiers=True)
KEYS = ("--private-key", "--pkcs11-uri")


class Desk:
    """A token with the key of a certificate, a model, and everything that was shown."""

    def __init__(self, cli: Cli, hsm: Hsm, signer: Owner, model: Path) -> None:  # noqa: F811
        self.cli, self.hsm, self.signer, self.model, self.folder = cli, hsm, signer, model, model.parent
        self.signature, self.shown = self.folder / "model.sig", ""
        self.leaf, self.root = self.pem("leaf", signer), self.pem("root", ROOT)
        self.public = self.folder / "key.pub"
        encoded = signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public.write_bytes(encoded)

    def pem(self, name: str, owner: Owner) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(owner.pem)
        return path

    def uri(self, query: str = "", path: str = "token=desk;object=key") -> str:
        return self.hsm.uri(path, query)

    def run(self, *words: str | Path) -> Done:
        done = self.cli(*words)
        self.shown += done.out + done.err
        return done

    def sign(self, method: str, *options: str | Path) -> Done:
        """Sign by `method`, with whatever it needs besides the key."""
        more = ("--signing-certificate", self.leaf) if method.endswith("certificate") else ()
        return self.run("sign", method, *more, "--signature", self.signature, *options, self.model)

    def verify(self, method: str = "key") -> Done:
        with_key = method.endswith("key")
        words = ("--public-key", self.public) if with_key else ("--certificate-chain", self.root)
        name = "key" if with_key else "certificate"
        return self.run("verify", name, *words, "--signature", self.signature, self.model)


@pytest.fixture(scope="module")
def signer(hsm: Hsm) -> Owner:  # noqa: F811
    """A certificate for a key that is on the token `desk`."""
    made = leaf(ROOT, "token signer", identifiers=True)
    hsm.make_token("desk")
    hsm.import_key("desk", "key", "01", made.key)  # type: ignore[arg-type]
    return made


@pytest.fixture
def desk(cli: Cli, hsm: Hsm, signer: Owner, model: Path) -> Iterator[Desk]:  # noqa: F811
    made = Desk(cli, hsm, signer, model)
    yield made
    written = made.signature.read_text("utf-8") if made.signature.exists() else ""
    for secret in (PIN, SO_PIN):
        assert secret not in made.shown + written
    assert "Traceback" not in made.shown


# A URI wherever a private key is taken


TAKEN = [("key", KEYS[0]), ("certificate", KEYS[0]), ("pkcs11-key", KEYS[0]), *(
    (method, KEYS[1]) for method in ("pkcs11-key", "pkcs11-certificate")
)]  # fmt: skip


@both_spellings
@pytest.mark.parametrize(("method", "option"), TAKEN)
def test_a_uri_signs(desk: Desk, method: str, option: str, spell: Spelling) -> None:
    done = desk.sign(method, spell(option), desk.uri())
    assert (done.status, done.err) == (0, "")
    assert one_line(done.out).startswith("Signing succeeded")
    assert desk.verify(method).status == 0
    answer = desk.sign(method, spell(option), desk.uri(), "--json").json
    assert (answer["method"], answer["verdict"]) == (method, "done")
    (desk.model / "weights.bin").write_bytes(b"other")
    refused(desk.verify(method), "digest", "OMS-8.4-01")


@pytest.mark.parametrize(("method", "option"), TAKEN)
def test_a_key_that_is_not_there(desk: Desk, method: str, option: str) -> None:
    line = failed(desk.sign(method, option, desk.uri(path="token=desk;object=absent")))
    assert line == "Signing failed: the key with the label 'absent' is not on the token 'desk'"
    assert not desk.signature.exists()


def test_an_option_for_the_key_is_needed_and_one_is_enough(desk: Desk) -> None:
    assert "--pkcs11-uri" in failed(desk.sign("pkcs11-key"))
    assert "--pkcs11-uri" in failed(desk.sign("pkcs11-certificate"))
    line = failed(desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri(), "--private-key", desk.uri()))
    assert "not allowed with" in line
    words = ("--pkcs11-uri", desk.uri(), "--signature", desk.signature, desk.model)
    assert "--signing-certificate" in failed(desk.run("sign", "pkcs11-certificate", *words))


def test_verify_has_no_such_method(desk: Desk) -> None:
    desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri())
    help_text = desk.run("sign", "--help").out
    assert "sign with a key on a token, for 'verify key'" in " ".join(help_text.split())


# The errors, each at the boundary


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("key.pem", "a PKCS #11 URI starts with 'pkcs11:' (RFC 7512)"),
        ("pkcs11:token=desk", "the PKCS #11 URI names no key: it needs object or id"),
        ("pkcs11:object=key", "the PKCS #11 URI names no module: add module-path or module-name after a '?'"),
        ("pkcs11:object=key?module-name=none-such", "no PKCS #11 module 'none-such' in "),
        ("pkcs11:object=key?module-path=/no/such.so", "there is no PKCS #11 module '/no/such.so'"),
        ("pkcs11:object=key?module-path=such.so", "'module-path' of the PKCS #11 URI is not an absolute path"),
        ("pkcs11:tokn=desk;object=key", "the path of the PKCS #11 URI has the unknown attribute 'tokn'"),
        ("pkcs11:object=my key", "has a character that must be percent-encoded"),
        ("pkcs11:object=key;object=key", "has the attribute 'object' more than once"),
        ("pkcs11:object=key;type=public", "names an object of type public; signing needs type=private"),
        ("pkcs11:object=key;pin-value=1", "the attribute 'pin-value' of a PKCS #11 URI belongs after the '?'"),
        ("pkcs11:object=key?pin-value=1&pin-source=/p", "has both pin-value and pin-source"),
        ("pkcs11:object=key;slot-id=x", "the attribute 'slot-id' of the PKCS #11 URI is not a decimal number"),
    ],
)
def test_uris_that_will_not_do(desk: Desk, uri: str, said: str) -> None:
    for method in ("pkcs11-key", "pkcs11-certificate"):
        line = failed(desk.sign(method, "--pkcs11-uri", uri))
        assert line.startswith("Signing failed: ") and said in line, line


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("token=absent;object=key", "", "no token matches the PKCS #11 URI; there is "),
        ("token=desk;slot-id=12345678;object=key", "", "the token in slot 12345678 is not there"),
        ("token=desk;object=key;id=%02", "", "the key with the label 'key' and the id 02 is not on the token 'desk'"),
        ("token=desk;object=key", "pin-source=/no/such/pin", "No such file or directory: '/no/such/pin'"),
        ("token=desk;object=key", "pin-source=pin", "pin-source is neither an absolute path nor a file: URI"),
        ("token=desk;object=key", "pin-source=|cat", "pin-source names a command; it is not run here"),
        ("token=desk;object=key", "pin-value=", "the PIN that pin-value gives is empty"),
    ],
)
def test_what_does_not_match(desk: Desk, path: str, query: str, said: str) -> None:
    line = failed(desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri(query, path)))
    assert line.startswith("Signing failed: ") and said in line, line


def test_a_file_that_is_no_module(desk: Desk) -> None:
    words = ("sign", "pkcs11-key", "--signature", desk.signature, "--pkcs11-uri")
    line = failed(run_child(*words, f"pkcs11:object=key?module-path={desk.leaf}", desk.model))
    assert f"'{desk.leaf}' is not a PKCS #11 module" in line  # and what PyKCS11 writes in C is not there


def test_keys_that_will_not_do(desk: Desk) -> None:
    desk.hsm.make_token("odd")
    desk.hsm.make_key("odd", "rsa", "01", kind="rsa:2048")
    desk.hsm.make_key("odd", "twin", "02")
    desk.hsm.make_key("odd", "twin", "03")
    for label, said in (
        ("rsa", "is no elliptic-curve key but CKK_RSA"),
        ("twin", "is 2 keys, with the ids 02, 03; name one by object and id"),
    ):
        line = failed(desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri(path=f"token=odd;object={label}")))
        assert said in line, line
    assert desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri(path="token=odd;object=twin;id=%03")).status == 0


def test_two_tokens_of_one_label(desk: Desk) -> None:
    for _ in range(2):
        desk.hsm.make_token("pair")
    line = failed(desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri(path="token=pair;object=key")))
    assert re.search(r"2 tokens match the PKCS #11 URI, in the slots \d+, \d+; add slot-id or serial$", line)


def test_certificates_that_will_not_do(desk: Desk) -> None:
    option, other = "--signing-certificate", leaf(ROOT, "somebody else")
    expired = leaf(ROOT, "expired", own=desk.signer.key, end=utc(2025))
    words = ("--pkcs11-uri", desk.uri(), "--signature", desk.signature)

    def sign(*options: str | Path) -> Done:
        return desk.run("sign", "pkcs11-certificate", *words, *options, desk.model)

    assert "is for another key" in failed(sign(option, desk.pem("other", other)))
    line = failed(sign(option, desk.pem("expired", expired)))
    assert line.endswith("; --allow-invalid-certificate (allow_invalid_certificate) signs all the same")
    for spelled in ("--allow-invalid-certificate", "--allow_invalid_certificate"):
        assert sign(option, desk.folder / "expired.pem", spelled).status == 0
    assert "No such file" in failed(sign(option, desk.folder / "absent"))
    for spelled in ("--certificate-chain", "--certificate_chain"):
        assert sign("--signing_certificate", desk.leaf, spelled, desk.root).status == 0
        assert desk.verify("certificate").status == 0
        assert "No such file" in failed(sign(option, desk.leaf, spelled, desk.folder / "absent"))


@both_spellings
def test_hashing_is_that_of_every_method(desk: Desk, spell: Spelling) -> None:
    options = (spell("--hash-algorithm"), "blake2b", spell("--shard-size"), "1000", "--workers", "1")
    for method in ("pkcs11-key", "pkcs11-certificate"):
        assert desk.sign(method, spell("--pkcs11-uri"), desk.uri(), *options).status == 0
        assert desk.verify(method).status == 0
    assert failed(desk.sign("pkcs11-key", spell("--pkcs11-uri"), desk.uri(), spell("--shard-size"), "0"))


@pytest.mark.parametrize("method", ["pkcs11-key", "pkcs11-certificate"])
def test_a_timestamp(desk: Desk, method: str) -> None:
    authorities = pytest.importorskip("timestamp_authority")
    tsa_root = authorities.tsa_root()
    answer = authorities.Answer(authorities.authority(tsa_root))
    roots, words = desk.pem("tsa", tsa_root), ("--pkcs11-uri", desk.uri())
    with authorities.serving(authorities.replying(answer)) as url:
        assert desk.sign(method, *words, "--tsa-url", url, "--tsa_chain", roots).status == 0
        failed(desk.sign(method, *words, "--tsa_url", url, "--tsa-chain", desk.pem("other", OTHER)))
    name, trust = ("key", ("--public-key", desk.public)) if method.endswith("key") else (
        "certificate", ("--certificate-chain", desk.root)
    )  # fmt: skip
    verify = ("verify", name, *trust, "--signature", desk.signature, "--tsa-chain")
    assert "by a verified timestamp" in one_line(desk.run(*verify, roots, desk.model).err)
    refused(desk.run(*verify, desk.folder / "other.pem", desk.model), "transparency", "RFC5280-02")


# The PIN


NO_PIN = "no-pin=1"


@pytest.mark.parametrize(("method", "option"), TAKEN)
def test_where_the_pin_comes_from(desk: Desk, method: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--log-level", "DEBUG", "sign", method, option)
    more = ("--signing-certificate", desk.leaf) if method.endswith("certificate") else ()
    rest = (*more, "--signature", desk.signature, desk.model)
    assert desk.run(*words, desk.uri(f"pin-value={PIN}"), *rest).status == 0
    assert desk.run(*words, desk.uri(NO_PIN), "--password", PIN, *rest).status == 0
    line = failed(desk.run(*words, desk.uri(NO_PIN), *rest))
    assert line == (
        "Signing failed: the token 'desk' needs a PIN: add pin-source to the PKCS #11 URI, or give "
        "--password or $MODEL_SIGNING_REF_PASSWORD"
    )
    monkeypatch.setenv("MODEL_SIGNING_REF_PASSWORD", PIN)
    assert desk.run(*words, desk.uri(NO_PIN), *rest).status == 0
    assert "no PIN was given" in failed(desk.run(*words, desk.uri(NO_PIN), "--password", "", *rest))


def test_a_wrong_pin_is_tried_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    session = pytest.importorskip("PyKCS11").Session
    login, tries = session.login, []

    def counting(*arguments: object) -> None:
        tries.append(1)
        login(*arguments)

    monkeypatch.setattr(session, "login", counting)
    wrong = PIN[::-1]
    (desk.folder / "wrong").write_text(wrong)
    for query, options in (
        (f"pin-value={wrong}", ()),
        (f"pin-source={desk.folder / 'wrong'}", ()),
        (NO_PIN, ("--password", wrong)),
    ):
        tries.clear()
        line = failed(desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri(query), *options))
        assert line.startswith("Signing failed: wrong PIN for the token 'desk' (CKR_PIN_INCORRECT)")
        assert wrong not in line
        assert len(tries) == 1
        assert desk.sign("pkcs11-key", "--pkcs11-uri", desk.uri()).status == 0  # and the token is not locked


@pytest.mark.parametrize("method", ["key", "certificate", "pkcs11-key", "pkcs11-certificate"])
def test_the_pin_is_asked_for_on_a_terminal(desk: Desk, method: str) -> None:
    option = "--pkcs11-uri" if method == "pkcs11-certificate" else "--private-key"
    more = ("--signing-certificate", str(desk.leaf)) if method.endswith("certificate") else ()
    words = ["sign", method, option, desk.uri(NO_PIN), *more, "--signature", str(desk.signature), str(desk.model)]
    prompt = b"PIN of the token 'desk': "
    status, shown = at_a_terminal(words, f"{PIN}\n".encode(), prompt)
    desk.shown += shown
    assert status == 0, shown
    assert shown.count("PIN of the token") == 1  # though it is needed twice
    assert desk.verify(method).status == 0
    for typed, expected, said in (
        (b"not it\n", 2, "wrong PIN for the token 'desk'"),
        (b"\n", 2, "no PIN was given for the token 'desk'"),
        (b"\x04", 2, "the token 'desk' needs a PIN"),
        (b"\x03", 130, "interrupted"),
    ):
        status, shown = at_a_terminal(words, typed, prompt)
        desk.shown += shown
        assert (status, said in shown) == (expected, True), shown


def test_a_process_of_its_own_shows_no_pin(desk: Desk) -> None:
    """Nothing of C code or of the interpreter's end either."""
    words = ("--log-level", "DEBUG", "sign", "pkcs11-key", "--signature", desk.signature, "--pkcs11-uri")
    for query, status in ((f"pin-value={PIN}", 0), (f"pin-value={PIN}0", 2), (f"pin-value={PIN}&pin-source=/x", 2)):
        done = run_child(*words, desk.uri(query), desk.model)
        desk.shown += done.out + done.err
        assert (done.status, done.err.count("\n")) == (status, int(status != 0)), done.err.replace(PIN, "PIN")
    assert token_key(desk.uri()).sign(b"")


# The released client, and the README


@pytest.mark.slow
def test_peer_verifies_ours(desk: Desk) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for method, words in (
        ("pkcs11-key", ("key", "--public_key", desk.public)),
        ("pkcs11-certificate", ("certificate", "--certificate_chain", desk.root)),
    ):
        assert desk.sign(method, "--pkcs11-uri", desk.uri()).status == 0
        verify = ["verify", *words, "--signature", desk.signature, desk.model]
        command = [peer_python(), "-m", "model_signing", *map(str, verify)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert (done.returncode, done.stdout) == (0, "Verification succeeded\n"), done.stderr


def test_the_readme_block(model: Path, tmp_path: Path) -> None:
    """The commands under "Keys on tokens", run as they stand there."""
    if find_softhsm() is None or not all(shutil.which(tool) for tool in (*TOOLS, "bash")):
        pytest.skip(NEEDS)
    pytest.importorskip("PyKCS11", reason="pip install 'model_signing_ref[pkcs11]'")
    text = README.read_text("utf-8")
    match = re.search(r"<!-- softhsm2 commands -->\n```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert match
    model.rename(tmp_path / "my-model")
    done = run_block(match[1], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.split(":")[0] for line in done.stdout.splitlines() if "succeeded" in line]
    assert told == ["Signing succeeded", "Verification succeeded"]
