"""`sign certificate` and `verify certificate` on the command line, and timestamps wherever they are an option."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from certificate_tools import ANY, SERVER, Owner, issue, key_pem, leaf, utc
from conftest import README, Cli, Done, one_line, peer_python, run_block
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from timestamp_authority import Answer, authority, replying, serving, tsa_root

from model_signing_ref.bundle import read_bundle

PASSWORD = "correct horse, battery staple"
HISTORICAL = Path(os.environ.get("OMS_TEST_DATA", "")) / "historical"
Spelling = Callable[[str], str]

ROOT, OTHER = issue("root"), issue("other root")
MIDDLE = issue("intermediate", ROOT)
SIGNER = leaf(MIDDLE)
EXPIRED = leaf(MIDDLE, "expired", end=utc(2026, 7))
WEB = leaf(MIDDLE, "web server", purposes=[SERVER])
TSA_ROOT = tsa_root()
TSA = authority(TSA_ROOT)
INSIDE = utc(2026, 6)  # the lifetime of EXPIRED


def dashes(option: str) -> str:
    return option


def underscores(option: str) -> str:
    return "--" + option[2:].replace("-", "_")


both_spellings = pytest.mark.parametrize("spell", [dashes, underscores])


class Desk:
    """A model, the files of a signer, and every line that was shown."""

    def __init__(self, cli: Cli, model: Path) -> None:
        self.cli, self.model, self.folder = cli, model, model.parent
        self.signature = self.folder / "model.sig"
        self.shown = ""

    def run(self, *words: str | Path) -> Done:
        done = self.cli(*words)
        self.shown += done.out + done.err
        return done

    def pem(self, name: str, *owners: Owner) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(b"".join(owner.pem for owner in owners))
        return path

    def key(self, owner: Owner = SIGNER) -> Path:
        path = self.folder / "key.pem"
        path.write_bytes(key_pem(owner.key))
        return path

    def sign(self, *options: str | Path, owner: Owner = SIGNER, spell: Spelling = dashes) -> Done:
        """Sign with the key of `owner`, its certificate, and the intermediate one."""
        words: list[str | Path] = [spell("--private-key"), self.key(owner), "--signature", self.signature]
        words += [spell("--signing-certificate"), self.pem("leaf", owner)]
        words += [spell("--certificate-chain"), self.pem("middle", MIDDLE)]
        return self.run("sign", "certificate", *words, *options, self.model)

    def verify(self, *options: str | Path, given: Owner = ROOT, spell: Spelling = dashes) -> Done:
        words = (spell("--certificate-chain"), self.pem("given", given), "--signature", self.signature)
        return self.run("verify", "certificate", *words, *options, self.model)


@pytest.fixture
def desk(cli: Cli, model: Path) -> Iterator[Desk]:
    made = Desk(cli, model)
    yield made
    assert PASSWORD not in made.shown
    assert "Traceback" not in made.shown


def refused(done: Done, stage: str, clause: str) -> str:
    """The one line of a verdict against."""
    assert (done.status, done.out) == (1, ""), done
    line = one_line(done.err)
    assert line.startswith(f"Verification failed: {stage}: ") and line.endswith(f" [{clause}]"), line
    return line


def failed(done: Done, status: int = 2) -> str:
    """The one line of a failure without a verdict."""
    assert (done.status, done.out) == (status, ""), done
    return one_line(done.err)


# Sign and verify, option by option


@both_spellings
def test_sign_and_verify(desk: Desk, spell: Spelling) -> None:
    done = desk.sign(spell=spell)
    assert (done.status, done.err) == (0, "")
    assert one_line(done.out).startswith("Signing succeeded")
    done = desk.verify(spell=spell)
    assert (done.status, done.err) == (0, "")
    assert one_line(done.out).startswith("Verification succeeded")
    line = refused(desk.verify(given=OTHER, spell=spell), "certificate", "RFC5280-02")
    assert "above 'CN=signer', which was issued by 'CN=intermediate'" in line
    (desk.model / "weights.bin").write_bytes(b"other")
    refused(desk.verify(spell=spell), "digest", "OMS-8.4-01")


def test_json(desk: Desk) -> None:
    signed = desk.sign("--json").json
    assert (signed["command"], signed["method"], signed["verdict"]) == ("sign", "certificate", "done")
    accepted = desk.verify("--json", "--log-fingerprints").json
    assert (accepted["method"], accepted["verdict"], accepted["warnings"]) == ("certificate", "accepted", [])
    assert [note["code"] for note in accepted["notes"]] == ["fingerprint"] * 3
    answer = desk.verify("--json", given=OTHER).json
    assert (answer["verdict"], answer["stage"], answer["clause"]) == ("rejected", "certificate", "RFC5280-02")
    answer = desk.verify("--json", "--verification-time", "2035-01-01").json
    assert (answer["stage"], answer["exit_status"]) == ("time", 1)


@both_spellings
def test_signing_certificate(desk: Desk, spell: Spelling) -> None:
    option, private = spell("--signing-certificate"), desk.key()
    words = ("sign", "certificate", spell("--private-key"), private, "--signature", desk.signature)
    assert desk.run(*words, option, desk.pem("leaf", SIGNER, MIDDLE), desk.model).status == 0
    assert desk.verify().status == 0
    for given, said in (
        (desk.pem("web", WEB), "is for another key than the private key"),
        (private, "no PEM or DER certificate in 'PATH'; this is a private key"),
        (desk.folder / "absent", "No such file or directory: 'PATH'"),
        (desk.model, "Is a directory: 'PATH'"),
    ):
        line = failed(desk.run(*words, option, given, desk.model))
        assert line.startswith("Signing failed: ")
        assert line.endswith(said.replace("PATH", str(given)))
    assert "--signing-certificate" in failed(desk.run(*words, desk.model))


@both_spellings
def test_private_key(desk: Desk, spell: Spelling) -> None:
    words = ("sign", "certificate", "--signature", desk.signature, "--signing-certificate", desk.pem("leaf", SIGNER))
    assert desk.run(*words, spell("--private-key"), desk.key(), desk.model).status == 0
    assert desk.pem("leaf", SIGNER).read_bytes() == SIGNER.pem
    given = desk.folder / "leaf.pem"
    assert failed(desk.run(*words, spell("--private-key"), given, desk.model)).startswith("Signing failed: ")
    rsa = issue("rsa", ROOT, kind="rsa2048")
    line = failed(desk.run(*words, spell("--private-key"), desk.key(rsa), desk.model))
    assert line.endswith("is not on P-256, P-384 or P-521 (OMS-REG-04)")
    assert "--private-key" in failed(desk.run(*words, desk.model))


@both_spellings
def test_certificate_chain_of_a_signer(desk: Desk, spell: Spelling) -> None:
    words = ("--private-key", desk.key(), "--signing-certificate", desk.pem("leaf", SIGNER), "--signature")
    sign = ("sign", "certificate", *words, desk.signature)
    option, middle, root = spell("--certificate-chain"), desk.pem("middle", MIDDLE), desk.pem("root", ROOT)
    for options, count in (
        ((option, middle), 2),
        ((option, middle, option, root), 3),
        ((option, desk.pem("both", MIDDLE, ROOT)), 3),
    ):
        assert desk.run(*sign, *options, desk.model).status == 0
        assert len(read_bundle(desk.signature.read_bytes()).material.certificates) == count
        assert desk.verify().status == 0
    assert desk.run(*sign, desk.model).status == 0
    refused(desk.verify(), "certificate", "RFC5280-02")
    assert desk.verify(option, middle).status == 0
    line = failed(desk.run(*sign, option, desk.folder / "absent", desk.model))
    assert line.startswith("Signing failed: No such file")


@both_spellings
def test_allow_invalid_certificate(desk: Desk, spell: Spelling) -> None:
    for owner, said in ((EXPIRED, "is valid from"), (WEB, "has an ExtendedKeyUsage without codeSigning (RFC5280-10)")):
        line = failed(desk.sign(owner=owner))
        assert said in line
        assert line.endswith("; --allow-invalid-certificate (allow_invalid_certificate) signs all the same")
        assert not desk.signature.exists()
        assert desk.sign(spell("--allow-invalid-certificate"), owner=owner).status == 0
        desk.signature.unlink()
    words = ("--private-key", desk.key(SIGNER), "--signing-certificate", desk.pem("leaf", WEB))
    done = desk.run("sign", "certificate", *words, spell("--allow-invalid-certificate"), desk.model)
    assert "is for another key" in failed(done)


@both_spellings
def test_random_signature(desk: Desk, spell: Spelling) -> None:
    bundles = []
    for options in ((), (), (spell("--random-signature"),), (spell("--random-signature"),)):
        assert desk.sign(*options).status == 0
        assert desk.verify().status == 0
        bundles.append(desk.signature.read_bytes())
    assert bundles[0] == bundles[1]
    assert len(set(bundles)) == 3


def encrypted(desk: Desk) -> tuple[str | Path, ...]:
    """The words that sign with an encrypted key."""
    path = desk.folder / "encrypted.pem"
    secret = BestAvailableEncryption(PASSWORD.encode())
    path.write_bytes(SIGNER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    words = ("--private-key", path, "--signing-certificate", desk.pem("leaf", SIGNER), "--signature", desk.signature)
    return ("sign", "certificate", *words)


def test_password(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    words = encrypted(desk)
    assert desk.run(*words, "--password", PASSWORD, desk.model).status == 0
    assert "wrong password" in failed(desk.run(*words, "--password", PASSWORD[:-1], desk.model))
    assert "give --password or $MODEL_SIGNING_REF_PASSWORD" in failed(desk.run(*words, desk.model))
    monkeypatch.setenv("MODEL_SIGNING_REF_PASSWORD", PASSWORD)
    done = desk.run("--log-level", "DEBUG", *words, "--json", desk.model)
    assert done.status == 0
    assert PASSWORD.encode() not in desk.signature.read_bytes()
    desk.run("--log-level", "DEBUG", *words, "--pasword", PASSWORD, desk.model)  # and a slip shows none


@both_spellings
def test_certificate_chain_of_a_verifier(desk: Desk, spell: Spelling) -> None:
    desk.sign()
    verify = ("verify", "certificate", "--signature", desk.signature)
    option, root = spell("--certificate-chain"), desk.pem("root", ROOT)
    assert desk.run(*verify, option, root, desk.model).status == 0
    assert desk.run(*verify, option, desk.pem("both", OTHER, ROOT), desk.model).status == 0
    assert desk.run(*verify, option, desk.pem("other", OTHER), option, root, desk.model).status == 0
    for given, said in (
        ((), "no trusted certificate: give --certificate-chain (certificate_chain), or --system-roots"),
        ((option, desk.pem("middle", MIDDLE)), "none of the given certificates is self-signed; --partial-chain"),
        ((option, desk.key()), "this is a private key"),
        ((option, desk.folder / "absent"), "No such file or directory"),
    ):
        line = failed(desk.run(*verify, *given, desk.model))
        assert line.startswith("error: ") and said in line, line


@both_spellings
def test_partial_chain(desk: Desk, spell: Spelling) -> None:
    desk.sign()
    assert desk.verify(spell("--partial-chain"), given=MIDDLE).status == 0
    assert desk.verify(spell("--partial-chain"), given=SIGNER).status == 0
    refused(desk.verify(spell("--partial-chain"), given=OTHER), "certificate", "RFC5280-02")


@both_spellings
def test_system_roots(desk: Desk, spell: Spelling, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.sign()
    verify = ("verify", "certificate", "--signature", desk.signature, desk.model)
    monkeypatch.setenv("SSL_CERT_DIR", str(desk.folder / "absent"))
    monkeypatch.setenv("SSL_CERT_FILE", str(desk.pem("system", ROOT)))
    assert "no trusted certificate" in failed(desk.run(*verify))
    assert desk.run(*verify, spell("--system-roots")).status == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(desk.pem("system", OTHER)))
    refused(desk.run(*verify, spell("--system-roots")), "certificate", "RFC5280-02")


@both_spellings
def test_require_code_signing(desk: Desk, spell: Spelling) -> None:
    desk.sign()
    assert desk.verify(spell("--require-code-signing")).status == 0
    desk.sign(owner=leaf(MIDDLE, "any", purposes=[ANY]))
    assert desk.verify().status == 0
    refused(desk.verify(spell("--require-code-signing")), "certificate", "REF-CERT-05")


@both_spellings
def test_log_fingerprints(desk: Desk, spell: Spelling) -> None:
    desk.sign()
    done = desk.verify(spell("--log-fingerprints"))
    lines = done.err.splitlines()
    assert (done.status, len(lines)) == (0, 3)
    assert re.fullmatch(r"note: the certificate 'CN=signer' has the SHA-256 fingerprint [0-9a-f]{64}", lines[0])
    assert desk.verify(spell("--log-fingerprints"), "--quiet").err == ""


@both_spellings
def test_verification_time(desk: Desk, spell: Spelling) -> None:
    option = spell("--verification-time")
    desk.sign("--allow-invalid-certificate", owner=EXPIRED)
    refused(desk.verify(), "time", "OMS-8.2-01")
    for moment in ("2026-06-30T23:59:59Z", "2026-07-01T01:00:00+02:00", "2026-06-01 12:00", "2026-06-01"):
        assert desk.verify(option, moment).status == 0
    line = refused(desk.verify(option, "2026-07-01T00:00:01Z"), "time", "OMS-8.2-01")
    assert "'CN=expired' is valid from" in line
    for moment in ("yesterday", "2026-13-01", "", "1750000000"):
        line = failed(desk.verify(option, moment))
        assert line == f"error: {moment!r} is not a time such as 2026-01-31T12:00:00Z"
    assert failed(desk.verify(option)).startswith("error: ")


@both_spellings
def test_bounds_and_excuses_are_those_of_every_method(desk: Desk, spell: Spelling) -> None:
    (desk.model / "empty").unlink()
    desk.sign(spell("--shard-size"), "1000", spell("--hash-algorithm"), "blake2b", "--workers", "1")
    assert desk.verify().status == 0
    refused(desk.verify(spell("--hash-algorithm"), "sha256"), "predicate", "REF-PREDICATE-03")
    refused(desk.verify(spell("--max-bundle-bytes"), "100"), "bundle", "REF-BUNDLE-01")
    (desk.model / "extra").write_bytes(b"x")
    refused(desk.verify(), "files", "OMS-8.5-01")
    assert desk.verify(spell("--ignore-unsigned-files")).status == 0
    assert desk.verify(spell("--ignore-paths"), desk.model / "extra").status == 0


def test_material_of_another_method(desk: Desk) -> None:
    words = ("--private-key", desk.key(), "--signature", desk.signature, desk.model)
    assert desk.run("sign", "key", *words).status == 0
    line = refused(desk.verify(), "material", "OMS-11.1-08")
    assert "was signed with the method key, not with certificate" in line
    desk.sign()
    public = desk.folder / "key.pub"
    public.write_bytes(SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    done = desk.run("verify", "key", "--public-key", public, "--signature", desk.signature, desk.model)
    refused(done, "material", "OMS-11.1-08")


def test_unknown_options_are_named_without_their_values(desk: Desk) -> None:
    for words in (("sign", "certificate"), ("verify", "certificate")):
        done = desk.run(*words, "--certificate", PASSWORD, desk.model)
        assert failed(done).startswith("error: ")


# Timestamps


METHODS = ("key", "certificate")


def stamped(desk: Desk, method: str, *options: str | Path) -> Done:
    """Sign by `method`, with options of a timestamp."""
    if method == "certificate":
        return desk.sign(*options)
    words = ("--private-key", desk.key(), "--signature", desk.signature, *options, desk.model)
    return desk.run("sign", "key", *words)


def checked(desk: Desk, method: str, *options: str | Path) -> Done:
    """Verify by `method`, with options of a timestamp."""
    if method == "certificate":
        return desk.verify(*options)
    public = desk.folder / "key.pub"
    public.write_bytes(SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return desk.run("verify", "key", "--public-key", public, "--signature", desk.signature, *options, desk.model)


@both_spellings
@pytest.mark.parametrize("method", METHODS)
def test_a_timestamp_is_asked_for_and_verified(desk: Desk, method: str, spell: Spelling) -> None:
    roots, url_option, chain = desk.pem("tsa", TSA_ROOT), spell("--tsa-url"), spell("--tsa-chain")
    with serving(replying(Answer(TSA))) as url:
        assert stamped(desk, method, url_option, url).status == 0
        assert stamped(desk, method, url_option, url, chain, roots).status == 0
        line = failed(stamped(desk, method, url_option, url, chain, desk.pem("other", OTHER)))
        assert line.startswith("Signing failed: the timestamp authority's answer: the timestamp authority is not tru")
    done = checked(desk, method, chain, roots)
    assert done.status == 0
    assert one_line(done.err).startswith("note: the signature existed at 2026-06-01T00:00:00+00:00, by a verified")
    assert checked(desk, method, chain, desk.pem("other", OTHER), chain, roots).status == 0
    refused(checked(desk, method, chain, desk.pem("other", OTHER)), "transparency", "RFC5280-02")
    answer = checked(desk, method, "--json", chain, roots).json
    assert ([note["code"] for note in answer["notes"]], answer["warnings"]) == (["timestamp"], [])
    done = checked(desk, method)
    assert done.status == 0
    assert one_line(done.err).startswith("warning: the bundle has log entries or timestamps, which were not checked")


@pytest.mark.parametrize("method", METHODS)
def test_a_timestamp_that_is_not_there(desk: Desk, method: str) -> None:
    assert stamped(desk, method).status == 0
    refused(checked(desk, method, "--tsa-chain", desk.pem("tsa", TSA_ROOT)), "transparency", "REF-TS-01")
    assert "No such file" in failed(checked(desk, method, "--tsa-chain", desk.folder / "absent"))
    assert "none of the given certificates is self-signed" in failed(
        checked(desk, method, "--tsa-chain", desk.pem("middle", MIDDLE))
    )


@pytest.mark.parametrize("method", METHODS)
def test_an_authority_that_gives_none(desk: Desk, method: str) -> None:
    with serving(replying(Answer(TSA, refuse=True))) as url:
        line = failed(stamped(desk, method, "--tsa-url", url))
    assert line == (
        "Signing failed: the timestamp authority's answer: the timestamp was refused, status 2 (RFC3161-01)"
    )
    with serving(replying(Answer(TSA, nonce_offset=1))) as url:
        assert failed(stamped(desk, method, "--tsa-url", url)).endswith("(RFC3161-05)")
    assert "'127.0.0.1': Connection refused" in failed(stamped(desk, method, "--tsa-url", url))
    assert "neither http nor https" in failed(stamped(desk, method, "--tsa-url", "nowhere"))
    line = failed(stamped(desk, method, "--tsa-chain", desk.pem("tsa", TSA_ROOT)))
    assert line == "Signing failed: --tsa-chain says how to verify a timestamp, and --tsa-url asks for none"
    assert not desk.signature.exists()


def test_a_password_in_the_address_is_not_shown(desk: Desk) -> None:
    secret = PASSWORD.replace(" ", "-").replace(",", "")
    done = desk.sign("--tsa-url", f"http://user:{secret}@127.0.0.1:1/{secret}")
    assert secret not in failed(done)


def test_a_leaf_that_has_expired_since(desk: Desk) -> None:
    """It verifies with a timestamp from its lifetime, and not without."""
    roots = desk.pem("tsa", TSA_ROOT)
    for moment, status in ((INSIDE, 0), (utc(2026, 8), 1)):
        with serving(replying(Answer(TSA, time=moment))) as url:
            assert desk.sign("--tsa-url", url, "--allow-invalid-certificate", owner=EXPIRED).status == 0
        done = desk.verify("--tsa-chain", roots)
        assert done.status == status
        assert "the signature existed at" in done.err
        assert ("[OMS-8.2-01]" in done.err) == bool(status)
        done = desk.verify()
        assert done.status == 1
        assert done.err.splitlines()[-1].endswith("[OMS-8.2-01]")
    line = failed(desk.verify("--tsa-chain", roots, "--verification-time", "2026-06-01"))
    assert line == "error: --verification-time and --tsa-chain both say at which time to verify; give one"


# Released bundles, and the released client


needs_history = pytest.mark.skipif(
    "OMS_TEST_DATA" not in os.environ, reason="released bundles are read from $OMS_TEST_DATA"
)


def released(desk: Desk, version: str, *options: str | Path) -> Done:
    folder = HISTORICAL / version
    words = ("--certificate-chain", HISTORICAL / "keys" / "ca-cert.pem", "--signature", folder / "model.sig")
    ignored = ("--ignore-paths", folder / "ignore-me")
    return desk.run("verify", "certificate", *words, *ignored, *options, folder)


@needs_history
def test_version_1_1(desk: Desk) -> None:
    answer = released(desk, "v1.1.0-certificate", "--json").json
    assert (answer["verdict"], answer["resources"]) == ("accepted", 2)
    assert "ca-leaf" in [note["code"] for note in answer["warnings"]]
    done = released(desk, "v1.1.0-certificate", "--verification-time", "2024-01-01")
    assert (done.status, "time: " in done.err) == (1, True)


@needs_history
def test_version_0_2_only_on_request(desk: Desk) -> None:
    done = released(desk, "v0.2.0-certificate", "--json")
    assert (done.status, done.json["stage"]) == (1, "signature")
    for option in ("--allow-v0.2", "--allow_v0.2"):
        answer = released(desk, "v0.2.0-certificate", option, "--json").json
        assert answer["verdict"] == "accepted"
        assert [note["code"] for note in answer["warnings"]] == ["ca-leaf", "old-v0.2"]


def peer(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The released client's command line."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [peer_python(), "-m", "model_signing", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.slow
def test_peer_verifies_ours_and_we_verify_theirs(desk: Desk) -> None:
    root = issue("peer root", identifiers=True)  # the released client's library wants key identifiers
    middle = issue("peer intermediate", root, identifiers=True)
    signer = leaf(middle, "peer signer", identifiers=True)
    private, own, chain = desk.key(signer), desk.pem("own", signer), desk.pem("chain", middle)
    trusted, foreign = desk.pem("trusted", root), desk.pem("foreign", OTHER)
    signing = (("--private_key", private), ("--signing_certificate", own), ("--certificate_chain", chain))
    words = [word for pair in signing for word in pair]
    verify = ("verify", "certificate", "--signature", desk.signature, "--certificate_chain")

    assert desk.run("sign", "certificate", *words, "--signature", desk.signature, desk.model).status == 0
    done = peer(*verify, trusted, desk.model)
    assert (done.returncode, done.stdout) == (0, "Verification succeeded\n"), done.stderr
    assert peer(*verify, foreign, desk.model).returncode == 1

    desk.signature.unlink()
    made = peer("sign", "certificate", *words, "--signature", desk.signature, desk.model)
    assert made.returncode == 0, made.stderr
    assert desk.run(*verify, trusted, desk.model).status == 0
    refused(desk.run(*verify, foreign, desk.model), "certificate", "RFC5280-02")


# The README


def test_the_readme_block(model: Path, tmp_path: Path) -> None:
    """The commands under "Certificates", run as they stand there."""
    text = README.read_text("utf-8")
    match = re.search(r"<!-- certificate commands -->\n```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert match
    model.rename(tmp_path / "my-model")
    done = run_block(match[1], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verification succeeded" in done.stdout.splitlines()[-1]
