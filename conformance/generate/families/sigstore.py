"""The method sigstore: identity, certificate, logs, timestamps, and OMS below a Sigstore signature that holds.

Scored is what a clause says and what both `sigstore` and `@sigstore/verify` do (conformance/opinions.json). Where
they differ, or do what no clause says, a vector is `either`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from conformance.generate import sigstore
from conformance.generate.edits import (
    add_at,
    apply,
    double_at,
    flip_at,
    insert_at,
    move_at,
    open_payload,
    recipe,
    remove_at,
    root,
    rooted,
    set_at,
    substitute,
    text_at,
    tree,
    trust,
)
from conformance.generate.kit import (
    Content,
    Edit,
    Family,
    Material,
    b64,
    file,
    link,
    sigstore_case,
)
from conformance.loopback import encodings as enc
from conformance.loopback import static
from conformance.loopback.static import IDENTITY, ISSUED_AT, ISSUER, SIZE

FAMILY = Family(
    "sigstore",
    "The method sigstore",
    profile="sigstore",
    severity="high",
    control="rekor-v1",
)
MATERIAL = "/verificationMaterial"
ENTRY = f"{MATERIAL}/tlogEntries/0"
PROOF = f"{ENTRY}/inclusionProof"
STAMPS = f"{MATERIAL}/timestampVerificationData/rfc3161Timestamps"
CODE = "print('hello')\n"
FILES: dict[str, Content] = {"code/run.py": CODE, "weights.bin": {"seed": "sigstore", "length": 60}}
AFTER, BEFORE = ISSUED_AT + enc.LEAF_LIFETIME + 60, ISSUED_AT - 60
ENDED = "2021-01-01T00:00:00Z"


def both(family: Family, name: str, *clauses: str, **about: Any) -> Callable[[Callable[[], Edit]], Callable[[], Edit]]:
    """The same edit of a bundle of each version of Rekor, whose proofs, keys and entries are of different kinds."""

    def register(function: Callable[[], Edit]) -> Callable[[], Edit]:
        for version in ("v1", "v2"):
            family.reject(f"{name}-{version}", *clauses, control=f"rekor-{version}", **about)(of(version, function))
        return function

    return register


def of(version: str, function: Callable[[], Edit]) -> Callable[[], Edit]:
    """The same function, whose docstring says the version of Rekor."""
    assert function.__doc__

    def make() -> Edit:
        return function()

    make.__doc__ = f"With Rekor {version}, {function.__doc__[0].lower()}{function.__doc__[1:]}"
    return make


# --- controls


@FAMILY.control("rekor-v1", "OMS-4.1-03", "OMS-4.1-07", "SIGSTORE-05", "SIGSTORE-06")
def rekor_v1() -> Material:
    """The log is Rekor v1: it proves inclusion and promises it, and its promise proves the time."""
    return sigstore_case(FILES)


@FAMILY.control("rekor-v1-timestamp", "OMS-4.1-08", "SIGSTORE-02", "SIGSTORE-10")
def rekor_v1_timestamp() -> Material:
    """The log is Rekor v1, and both its promise and a timestamp authority prove the time."""
    return sigstore_case(FILES, "rekor-v1-timestamp")


@FAMILY.control("rekor-v2", "OMS-4.1-07", "SIGSTORE-06", "SIGSTORE-08", "SIGSTORE-10")
def rekor_v2() -> Material:
    """The log is Rekor v2: it proves inclusion and no time, which a timestamp authority does."""
    return sigstore_case(FILES, "rekor-v2")


@FAMILY.control("workflow", "SIGSTORE-04")
def workflow() -> Material:
    """The signer is a workflow, whose certificate names it by a URI."""
    return sigstore_case(FILES, "workflow")


@FAMILY.control("subject", "SIGSTORE-04")
def subject() -> Material:
    """The certificate has a common name besides its identity, as those of other authorities may."""
    return sigstore_case(FILES, "subject")


@FAMILY.control("released", "OMS-11-01", "OMS-5.2.2-06")
def released() -> Material:
    """The payload is laid out as version 1.1 of the Python client does, with white space and unsorted ignore_paths."""
    ignored = [".gitignore", ".gitattributes", ".git", ".github", "model.sig"]
    made = sigstore_case(FILES, ignore_paths=ignored, bundle_path="model/model.sig")
    value = json.loads(open_payload(made))
    text = json.dumps({name: value[name] for name in ("_type", "subject", "predicateType", "predicate")}, indent=2)
    return apply(made, {"layer": "payload-bytes", "op": "replace", "data": {"text": text}})


@FAMILY.control("twins", "OMS-6.1.1-07")
def twins() -> Material:
    """Two signed files have the same contents."""
    return sigstore_case({"one.bin": "twin", "twin.bin": "twin"})


@FAMILY.control("excused", "OMS-8.5-03")
def excused() -> Material:
    """An unsigned file lies beside the signed ones, and the caller excuses unsigned files."""
    return sigstore_case(FILES, unsigned=[file("extra.py", CODE)], options={"ignore_unsigned_files": True})


ALLOWED = FAMILY.group(
    severity="medium",
    why="A signed time and an inclusion proof are there, and Sigstore asks for no more.",
    gain="Bundles that Sigstore's own clients write and accept can't be verified.",
)


@ALLOWED.accept("timestamp-and-no-promise", "SIGSTORE-09", control="rekor-v1-timestamp")
def timestamp_and_no_promise() -> Edit:
    """The log's promise is not there, and a timestamp authority proves the time."""
    return remove_at("bundle", f"{ENTRY}/inclusionPromise")


@ALLOWED.accept("timestamp-without-certificates", "SIGSTORE-10", control="rekor-v2")
def timestamp_without_certificates() -> Edit:
    """The timestamp does not bring its authority's certificate, which the trusted root has."""
    return recipe(timestamp_chain=False)


@ALLOWED.accept(
    "last-entry-v1",
    "SIGSTORE-06",
    why="The proof of a log's last entry has the hashes of the subtrees to its left alone (RFC 6962, 2.1.1).",
)
def last_entry_v1() -> Edit:
    """The log entry is the log's last, as one that was logged just now is."""
    return recipe(position=SIZE - 1)


@ALLOWED.accept(
    "several-authorities-trusted",
    "SIGSTORE-01",
    why="A trusted root has a list of certificate authorities, as Sigstore's own has, and each of them is trusted.",
)
def several_authorities_trusted() -> Edit:
    """The trusted root has another certificate authority before the certificate's."""
    return root("set", "/certificateAuthorities", value=sigstore.several("certificateAuthorities"))


@ALLOWED.accept(
    "several-timestamp-authorities-trusted",
    "SIGSTORE-10",
    control="rekor-v2",
    why="A trusted root has a list of timestamp authorities, and each of them is trusted.",
)
def several_timestamp_authorities_trusted() -> Edit:
    """The trusted root has another timestamp authority before the timestamp's."""
    return root("set", "/timestampAuthorities", value=sigstore.several("timestampAuthorities"))


FORM = FAMILY.group(severity="medium", gain="Bundles that other clients write can't be verified.")


@FORM.accept(
    "keyid-empty",
    "OMS-4.1-11",
    "OMS-11.1-03",
    why="OMS has a verifier accept a keyid that is absent, empty or null.",
)
def keyid_empty() -> Edit:
    """The signature's keyid is the empty string."""
    return set_at("envelope", "/signatures/0/keyid", "")


@FORM.accept("keyid-named", "DSSE-05", why="No decision rests on the keyid: the certificate says whose the key is.")
def keyid_named() -> Edit:
    """The signature's keyid is a name."""
    return set_at("envelope", "/signatures/0/keyid", "mallory")


@FORM.accept(
    "media-type-with-version",
    "BUNDLE-03",
    control="rekor-v2",
    why="The Sigstore bundle has its readers accept the older spelling of its media type.",
)
def media_type_with_version() -> Edit:
    """The media type is spelled with version=0.3."""
    return set_at("bundle", "/mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.3")


# --- identity

WHO = FAMILY.group(
    stage="identity",
    stages=("identity", "certificate"),
    why="The certificate has to name whom the caller expects, and Sigstore has a verifier check it (4.3).",
    gain="Whoever can log in anywhere signs models in another's name.",
)


@WHO.reject("another-identity-expected", "SIGSTORE-04", "REF-SIGSTORE-10")
def another_identity_expected() -> Edit:
    """The caller expects another identity than the certificate names."""
    return trust("identity", "bob@example.com")


@WHO.reject("another-identity", "SIGSTORE-04", "REF-SIGSTORE-10", control="rekor-v2")
def another_identity() -> Edit:
    """The certificate names somebody else, vouched for by the expected provider."""
    return recipe(names=["email:mallory@example.com"])


@WHO.reject("identity-longer", "SIGSTORE-04", "REF-SIGSTORE-10")
def identity_longer() -> Edit:
    """The certificate's identity goes on after the expected one, in a domain of somebody else."""
    return recipe(names=[f"email:{IDENTITY}.mallory.example"])


@WHO.reject("identity-at-the-end", "SIGSTORE-04", "REF-SIGSTORE-10")
def identity_at_the_end() -> Edit:
    """The certificate's identity ends in the expected one, with letters before it."""
    return recipe(names=[f"email:mallory{IDENTITY}"])


@WHO.reject("identity-shorter", "SIGSTORE-04", "REF-SIGSTORE-10")
def identity_shorter() -> Edit:
    """The caller expects an identity of which the certificate has the first part alone."""
    return trust("identity", f"{IDENTITY}.au")


@WHO.reject("identity-a-pattern", "SIGSTORE-04", "REF-SIGSTORE-10")
def identity_a_pattern() -> Edit:
    """The certificate's identity has a letter where the expected one has a dot, which as a pattern is any letter."""
    return recipe(names=["email:alice@exampleXcom"])


@WHO.reject("identity-of-dots", "SIGSTORE-04", "REF-SIGSTORE-10", severity="medium")
def identity_of_dots() -> Edit:
    """The caller expects what as a pattern fits every identity."""
    return trust("identity", ".*")


@WHO.reject("identity-in-another-case", "SIGSTORE-04", "REF-SIGSTORE-10")
def identity_in_another_case() -> Edit:
    """The certificate's identity differs in the case of a letter before the at sign, where case counts (RFC 5280)."""
    return recipe(names=["email:Alice@example.com"])


@WHO.reject("identity-of-another-kind", "SIGSTORE-04", "REF-SIGSTORE-10")
def identity_of_another_kind() -> Edit:
    """The text that the caller expects is in the certificate as a DNS name."""
    return recipe(names=[f"DNS:{IDENTITY}"])


@WHO.reject("subject-is-expected", "SIGSTORE-04", "REF-SIGSTORE-10", control="subject")
def subject_is_expected() -> Edit:
    """The caller expects what the certificate has as common name, and as alternative name it has another."""
    return trust("identity", "root@example.com")


@WHO.reject("no-identity", "SIGSTORE-04", "SIGSTORE-01", stage="certificate")
def no_identity() -> Edit:
    """The certificate has no alternative name."""
    return recipe(without=ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string)


@WHO.reject("workflow-of-another-branch", "SIGSTORE-04", "REF-SIGSTORE-10", control="workflow")
def workflow_of_another_branch() -> Edit:
    """The certificate is that of the same workflow on a branch whose name starts with the expected one's."""
    return recipe(names=[f"URI:{sigstore.WORKFLOW}-of-mallory"])


@WHO.reject("workflow-in-another-case", "SIGSTORE-04", "REF-SIGSTORE-10", control="workflow", severity="medium")
def workflow_in_another_case() -> Edit:
    """The path of the certificate's URI differs in the case of a letter."""
    return recipe(names=[f"URI:{sigstore.WORKFLOW.replace('release', 'Release')}"])


@WHO.reject("workflow-encoded", "SIGSTORE-04", "REF-SIGSTORE-10", control="workflow", severity="medium")
def workflow_encoded() -> Edit:
    """The certificate's URI has a slash percent-encoded where the expected one has the slash."""
    return recipe(names=[f"URI:{sigstore.WORKFLOW.replace('heads/main', 'heads%2Fmain')}"])


DISPUTED = FAMILY.group(
    profile="ref-strict",
    severity="medium",
    stage="transparency",
    stages=("transparency", "certificate", "bundle"),
    why="Sigstore's specifications do not settle it, and its clients differ.",
    gain="One client trusts what another refuses, and whoever signs may choose the one.",
)
SILENT = DISPUTED.group(
    why="No clause of OMS or of Sigstore's specifications speaks of it: what their clients do is a choice of theirs.",
)
NAMES = DISPUTED.group(stage="identity", stages=("identity", "certificate"))


@NAMES.either("two-identities", "REF-SIGSTORE-10", ours="accept", profile="sigstore")
def two_identities() -> Edit:
    """The certificate names the expected identity and, before it, another."""
    return recipe(names=["email:mallory@example.com", f"email:{IDENTITY}"])


@NAMES.either("identity-as-uri", "REF-SIGSTORE-10", ours="accept", profile="sigstore", why=SILENT.defaults["why"])
def identity_as_uri() -> Edit:
    """The text that the caller expects, an e-mail address, is in the certificate as a URI."""
    return recipe(names=[f"URI:{IDENTITY}"])


@NAMES.either("identity-as-user-name", "REF-SIGSTORE-10", severity="low", why=SILENT.defaults["why"])
def identity_as_user_name() -> Edit:
    """The text that the caller expects is in the certificate as a user name (an otherName of Fulcio's)."""
    return recipe(names=[f"otherName:{IDENTITY}"])


PROVIDER = WHO.group(
    why="The certificate has to name the provider that the caller expects, and Sigstore has a verifier check it (4.3).",
    gain="Another provider vouches for an account of the same name, which anybody may open there.",
)


@PROVIDER.reject("another-issuer-expected", "SIGSTORE-04", "REF-SIGSTORE-11")
def another_issuer_expected() -> Edit:
    """The caller expects another identity provider than the certificate names."""
    return trust("issuer", "https://accounts.google.com")


@PROVIDER.reject("another-issuer", "SIGSTORE-04", "REF-SIGSTORE-11", control="rekor-v2")
def another_issuer() -> Edit:
    """The expected identity was vouched for by another provider."""
    return issuers("https://mallory.example")


def issuers(issuer: str | None) -> Edit:
    """Name another provider in both extensions, or in none."""
    return recipe(issuer=issuer, issuer_v2=issuer)


@PROVIDER.reject("issuer-with-a-slash", "SIGSTORE-04", "REF-SIGSTORE-11", severity="medium")
def issuer_with_a_slash() -> Edit:
    """The certificate's provider has a slash at its end that the expected one has not."""
    return issuers(f"{ISSUER}/")


@PROVIDER.reject("issuer-expected-with-a-slash", "SIGSTORE-04", "REF-SIGSTORE-11", severity="medium")
def issuer_expected_with_a_slash() -> Edit:
    """The caller expects a provider with a slash at its end, which the certificate's has not."""
    return trust("issuer", f"{ISSUER}/")


@PROVIDER.reject("issuer-longer", "SIGSTORE-04", "REF-SIGSTORE-11")
def issuer_longer() -> Edit:
    """The certificate's provider goes on after the expected one."""
    return issuers(f"{ISSUER}.mallory.example")


@PROVIDER.reject("issuer-of-another-length", "SIGSTORE-04", "REF-SIGSTORE-11")
def issuer_of_another_length() -> Edit:
    """The certificate's provider is so long a text that DER writes its length in two octets (extension .1.8)."""
    return issuers(f"{ISSUER}{'/mallory' * 20}")


@PROVIDER.reject("issuer-below", "SIGSTORE-04", "REF-SIGSTORE-11")
def issuer_below() -> Edit:
    """The certificate's provider is one with a path on the host of the caller's, which expects the host alone."""
    return trust("issuer", ISSUER.rpartition("/")[0])


@PROVIDER.reject("issuer-in-another-case", "SIGSTORE-04", "REF-SIGSTORE-11", severity="medium")
def issuer_in_another_case() -> Edit:
    """The path of the certificate's provider differs in case."""
    return issuers(ISSUER.replace("oauth2", "OAuth2"))


@PROVIDER.reject("issuer-without-tls", "SIGSTORE-04", "REF-SIGSTORE-11")
def issuer_without_tls() -> Edit:
    """The certificate's provider is the expected one with http for https."""
    return issuers(ISSUER.replace("https", "http"))


@PROVIDER.reject("no-issuer", "SIGSTORE-04", "REF-SIGSTORE-11")
def no_issuer() -> Edit:
    """The certificate names no provider."""
    return issuers(None)


@PROVIDER.reject("identity-and-issuer-exchanged", "SIGSTORE-04", "REF-SIGSTORE-10", "REF-SIGSTORE-11", severity="low")
def identity_and_issuer_exchanged() -> Edit:
    """The caller expects as provider what the certificate has as identity."""
    return trust("issuer", IDENTITY)


EXTENSIONS = NAMES.group(
    why="Fulcio writes the provider twice, in extensions .1.1 and .1.8. Sigstore's text names the later, one client "
    "reads the one and another the other.",
)


@EXTENSIONS.either("issuer-in-the-later-extension", "REF-SIGSTORE-11")
def issuer_in_the_later_extension() -> Edit:
    """The provider in extension .1.1 is another, and that in .1.8 the expected one."""
    return recipe(issuer="https://mallory.example")


@EXTENSIONS.either("issuer-in-the-earlier-extension", "REF-SIGSTORE-11", ours="accept", profile="sigstore")
def issuer_in_the_earlier_extension() -> Edit:
    """The provider in extension .1.1 is the expected one, and that in .1.8 another."""
    return recipe(issuer_v2="https://mallory.example")


@EXTENSIONS.either("no-earlier-extension", "REF-SIGSTORE-11", severity="low")
def no_earlier_extension() -> Edit:
    """The expected provider is in extension .1.8 alone."""
    return recipe(issuer=None)


# --- certificate

CHAIN = FAMILY.group(
    stage="certificate",
    stages=("certificate", "transparency"),
    why="Sigstore has a verifier validate the path from the certificate to an authority of the trusted root (4.3).",
    gain="Anybody issues themselves a certificate in another's name.",
)


@CHAIN.reject("issued-by-another-key", "SIGSTORE-01")
def issued_by_another_key() -> Edit:
    """The certificate names the trusted authority, and another key signed it."""
    return recipe(ca_key=True)


@CHAIN.reject("issued-by-a-namesake", "SIGSTORE-01", control="rekor-v2")
def issued_by_a_namesake() -> Edit:
    """The certificate is of an authority that has the names of the trusted one, and a key of its own."""
    return recipe(ca_seed=sigstore.OTHERS)


@CHAIN.reject("certificate-junk", "SIGSTORE-01", stages=("certificate", "bundle"), severity="medium")
def certificate_junk() -> Edit:
    """The certificate is no certificate."""
    return set_at("bundle", f"{MATERIAL}/certificate/rawBytes", b64(b"junk"))


@CHAIN.reject("another-authority-trusted", "SIGSTORE-01", control="rekor-v2")
def another_authority_trusted() -> Edit:
    """The trusted root has the authority of another instance."""
    return root("others", "/certificateAuthorities")


@CHAIN.reject("no-authority-trusted", "SIGSTORE-01", severity="medium")
def no_authority_trusted() -> Edit:
    """The trusted root has no certificate authority."""
    return root("set", "/certificateAuthorities", value=[])


PURPOSE = DISPUTED.group(
    stage="certificate",
    stages=("certificate",),
    severity="low",
    why="What a certificate is for is written in it; Sigstore has no rule for its verifiers, and its clients differ.",
    gain="A certificate that was issued for something else signs models.",
)


@PURPOSE.either("certificate-for-tls-clients", "REF-SIGSTORE-03")
def certificate_for_tls_clients() -> Edit:
    """The certificate's extended key usage is clientAuth and not codeSigning."""
    return recipe(usage=ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string)


@PURPOSE.either("certificate-without-key-usage", "REF-SIGSTORE-03")
def certificate_without_key_usage() -> Edit:
    """The certificate has no key usage."""
    return recipe(without=ExtensionOID.KEY_USAGE.dotted_string)


@PURPOSE.either("certificate-without-extended-key-usage", "REF-SIGSTORE-03")
def certificate_without_extended_key_usage() -> Edit:
    """The certificate has no extended key usage."""
    return recipe(without=ExtensionOID.EXTENDED_KEY_USAGE.dotted_string)


@PURPOSE.either("certificate-not-for-signatures", "REF-SIGSTORE-03")
def certificate_not_for_signatures() -> Edit:
    """The certificate's key usage lacks digitalSignature."""
    return recipe(signing=False)


# --- time

TIME = FAMILY.group(
    stage="time",
    stages=("time", "certificate", "transparency"),
    why="Every proven time of signing has to lie in the certificate's ten minutes and its authorities' years (4.3).",
    gain="A key that was stolen after its ten minutes still signs in another's name.",
)
VALIDITY = ("SIGSTORE-02", "OMS-8.2-01")


@TIME.reject("logged-after-the-certificate-expired", *VALIDITY)
def logged_after_the_certificate_expired() -> Edit:
    """The log promised the entry a minute after the certificate had expired."""
    return recipe(log_time=AFTER)


@TIME.reject("logged-before-the-certificate", *VALIDITY)
def logged_before_the_certificate() -> Edit:
    """The log promised the entry a minute before the certificate's validity began."""
    return recipe(log_time=BEFORE)


@TIME.reject("stamped-after-the-certificate-expired", *VALIDITY, control="rekor-v2")
def stamped_after_the_certificate_expired() -> Edit:
    """The timestamp is of a minute after the certificate had expired."""
    return recipe(timestamp_time=AFTER)


@TIME.reject("stamped-before-the-certificate", *VALIDITY, control="rekor-v2")
def stamped_before_the_certificate() -> Edit:
    """The timestamp is of a minute before the certificate's validity began."""
    return recipe(timestamp_time=BEFORE)


@TIME.reject("stamped-late-and-logged-in-time", *VALIDITY, control="rekor-v1-timestamp")
def stamped_late_and_logged_in_time() -> Edit:
    """The timestamp is of a minute after the certificate had expired; the log's time lies in its validity."""
    return recipe(timestamp_time=AFTER)


@TIME.reject("logged-late-and-stamped-in-time", *VALIDITY, control="rekor-v1-timestamp")
def logged_late_and_stamped_in_time() -> Edit:
    """The log's time is of a minute after the certificate had expired; the timestamp lies in its validity."""
    return recipe(log_time=AFTER)


@TIME.reject("before-the-authority", *VALIDITY, "SIGSTORE-01", severity="medium")
def before_the_authority() -> Edit:
    """Certificate and promise agree on a time at which the authority's own certificate was not yet valid."""
    issued_at = enc.VALID_FROM - 86_400
    return recipe(issued_at=issued_at, log_time=issued_at + 60)


NO_TIME = TIME.group(
    stage="transparency",
    stages=("transparency", "time", "bundle"),
    why="Without a proven time of signing nothing says that the certificate was valid then (4.2).",
    gain="The certificate's ten minutes never end: whoever has its key signs for ever.",
)


@NO_TIME.reject("no-promise-and-no-timestamp", "SIGSTORE-09")
def no_promise_and_no_timestamp() -> Edit:
    """The log's promise is not there: its time stands in the entry, and nobody signed it."""
    return remove_at("bundle", f"{ENTRY}/inclusionPromise")


@NO_TIME.reject("promise-and-no-time", "SIGSTORE-09", "SIGSTORE-05", severity="medium")
def promise_and_no_time() -> Edit:
    """The log's promise is there, and the time that it promises is not."""
    return remove_at("bundle", f"{ENTRY}/integratedTime")


@NO_TIME.reject("no-timestamp", "SIGSTORE-09", control="rekor-v2")
def no_timestamp() -> Edit:
    """There is no timestamp, and Rekor v2 proves no time."""
    return remove_at("bundle", f"{MATERIAL}/timestampVerificationData")


@NO_TIME.reject("timestamps-empty", "SIGSTORE-09", control="rekor-v2")
def timestamps_empty() -> Edit:
    """The list of timestamps is empty, and Rekor v2 proves no time."""
    return set_at("bundle", STAMPS, [])


# --- timestamps

STAMP = FAMILY.group(
    control="rekor-v2",
    stage="transparency",
    stages=("transparency", "time"),
    why="A timestamp that gives the time has to be a trusted authority's, over this signature (4.2.1).",
    gain="Whoever has the certificate's key dates a signature as they like.",
)


@STAMP.reject("timestamp-junk", "SIGSTORE-10", stages=("transparency", "time", "bundle"))
def timestamp_junk() -> Edit:
    """The timestamp is none."""
    return set_at("bundle", f"{STAMPS}/0/signedTimestamp", b64(b"junk"))


@STAMP.reject("timestamp-junk-beside-a-promise", "SIGSTORE-10", control="rekor-v1-timestamp", severity="medium")
def timestamp_junk_beside_a_promise() -> Edit:
    """The timestamp is none, and the log's promise holds."""
    return set_at("bundle", f"{STAMPS}/0/signedTimestamp", b64(b"junk"))


@STAMP.reject("timestamp-by-another-key", "SIGSTORE-09", "SIGSTORE-10")
def timestamp_by_another_key() -> Edit:
    """The timestamp names the trusted authority's certificate, and another key signed it."""
    return recipe(timestamp_key=True)


@STAMP.reject("timestamp-of-another-authority", "SIGSTORE-09", "SIGSTORE-10")
def timestamp_of_another_authority() -> Edit:
    """The timestamp is of an authority that has the names of the trusted one, and brings its own certificate."""
    return recipe(timestamp_seed=sigstore.OTHERS)


@STAMP.reject("timestamp-of-another-signature", "SIGSTORE-09", "SIGSTORE-10", "RFC3161-02")
def timestamp_of_another_signature() -> Edit:
    """The timestamp is over other bytes than the signature."""
    return recipe(timestamp_message="another signature")


@STAMP.reject("timestamp-and-no-authority-trusted", "SIGSTORE-10", severity="medium")
def timestamp_and_no_authority_trusted() -> Edit:
    """The trusted root has no timestamp authority."""
    return root("set", "/timestampAuthorities", value=[])


@STAMP.reject("timestamp-and-another-authority-trusted", "SIGSTORE-09", "SIGSTORE-10")
def timestamp_and_another_authority_trusted() -> Edit:
    """The trusted root has the timestamp authority of another instance."""
    return root("others", "/timestampAuthorities")


@STAMP.reject("timestamp-before-the-authority-counts", "SIGSTORE-09", "SIGSTORE-10", severity="medium")
def timestamp_before_the_authority_counts() -> Edit:
    """The trusted root has the timestamp authority from a later day on."""
    return root("set", "/timestampAuthorities/0/validFor/start", value="2026-01-01T00:00:00Z")


@STAMP.reject("timestamp-after-the-authority-ended", "SIGSTORE-09", "SIGSTORE-10")
def timestamp_after_the_authority_ended() -> Edit:
    """The trusted root's period for the timestamp authority ended before the timestamp."""
    return root("set", "/timestampAuthorities/0/validFor/end", value=ENDED)


@SILENT.either("timestamps-33", "REF-SIGSTORE-08", control="rekor-v2", severity="low")
def timestamps_33() -> Edit:
    """There are 33 timestamps of the trusted authority, each of which holds."""
    return recipe(timestamps=33)


@SILENT.either("timestamp-twice", "REF-SIGSTORE-08", control="rekor-v2", severity="low")
def timestamp_twice() -> Edit:
    """The timestamp is there twice. Both clients refuse it."""
    return double_at(STAMPS)


@DISPUTED.either(
    "two-timestamps", "REF-SIGSTORE-08", ours="accept", profile="sigstore", control="rekor-v2", severity="low"
)
def two_timestamps() -> Edit:
    """There are two timestamps of one authority with different serial numbers, and both hold."""
    return recipe(timestamps=2)


@DISPUTED.either(
    "timestamp-by-another-key-beside-a-promise",
    "SIGSTORE-10",
    ours="accept",
    profile="sigstore",
    control="rekor-v1-timestamp",
    why="Sigstore has a verifier stop at a timestamp that does not hold (4.2.1). One client does; one passes it over "
    "where the log proves a time.",
)
def timestamp_by_another_key_beside_a_promise() -> Edit:
    """Another key signed the timestamp, and the log's promise proves the time."""
    return recipe(timestamp_key=True)


# --- certificate transparency

SCT = FAMILY.group(
    stage="transparency",
    stages=("transparency", "certificate"),
    why="Sigstore has a verifier check that a trusted log of certificates was shown this certificate (4.3).",
    gain="The authority, or who broke into it, issues certificates in another's name that no log shows.",
)


@SCT.reject("no-certificate-timestamp", "SIGSTORE-03")
def no_certificate_timestamp() -> Edit:
    """The certificate holds no signed certificate timestamp."""
    return recipe(scts=0)


@SCT.reject("certificate-timestamp-by-another-key", "SIGSTORE-03", control="rekor-v2")
def certificate_timestamp_by_another_key() -> Edit:
    """The certificate timestamp names the trusted log, and another key signed it."""
    return recipe(sct_key=True)


@SCT.reject("certificate-timestamp-of-another-certificate", "SIGSTORE-03")
def certificate_timestamp_of_another_certificate() -> Edit:
    """The certificate timestamp is the trusted log's, over another certificate."""
    return recipe(others_sct=True)


@SCT.reject("another-certificate-log-trusted", "SIGSTORE-03", control="rekor-v2")
def another_certificate_log_trusted() -> Edit:
    """The trusted root has the certificate log of another instance."""
    return root("others", "/ctlogs")


@SCT.reject("no-certificate-log-trusted", "SIGSTORE-03", severity="medium")
def no_certificate_log_trusted() -> Edit:
    """The trusted root has no certificate log."""
    return root("set", "/ctlogs", value=[])


@SILENT.either("two-certificate-timestamps", "REF-SIGSTORE-05", severity="low")
def two_certificate_timestamps() -> Edit:
    """The certificate holds a second certificate timestamp, of a log that is not trusted."""
    return recipe(scts=2)


# --- the log entry

LOG = FAMILY.group(
    stage="transparency",
    stages=("transparency",),
    why="A verifier follows the proof from the entry to the root of a checkpoint that the log signed.",
    gain="A signature that the log never showed to anybody passes, and its owner never learns of it.",
)


@both(LOG, "proof-hash-flipped", "SIGSTORE-06")
def proof_hash_flipped() -> Edit:
    """A hash of the inclusion proof has a bit flipped."""
    return flip_at(f"{PROOF}/hashes/0")


@both(LOG, "proof-a-hash-short", "SIGSTORE-06")
def proof_a_hash_short() -> Edit:
    """The inclusion proof lacks its first hash."""
    return remove_at("bundle", f"{PROOF}/hashes/0")


@both(LOG, "proof-of-another-entry", "SIGSTORE-06")
def proof_of_another_entry() -> Edit:
    """The log holds another entry in this place: proof and checkpoint are right for it, and this one is not logged."""
    return recipe(unlogged=True)


@both(LOG, "proof-without-hashes", "SIGSTORE-06")
def proof_without_hashes() -> Edit:
    """The inclusion proof has no hash."""
    return set_at("bundle", f"{PROOF}/hashes", [])


@both(LOG, "proof-a-hash-long", "SIGSTORE-06")
def proof_a_hash_long() -> Edit:
    """The inclusion proof has its last hash twice."""
    return double_at(f"{PROOF}/hashes")


@both(LOG, "proof-of-another-index", "SIGSTORE-06")
def proof_of_another_index() -> Edit:
    """The inclusion proof is for the entry before this one."""
    return add_at(f"{PROOF}/logIndex", -1)


@both(LOG, "proof-beyond-the-tree", "SIGSTORE-06", "REF-SIGSTORE-01", stage="bundle", stages=("transparency", "bundle"))
def proof_beyond_the_tree() -> Edit:
    """The inclusion proof's index is the size of the tree, one beyond its last."""
    return set_at("bundle", f"{PROOF}/logIndex", str(SIZE))


@both(LOG, "checkpoint-by-another-key", "SIGSTORE-06")
def checkpoint_by_another_key() -> Edit:
    """Another key signed the checkpoint, under the log's name and ID."""
    return recipe(checkpoint_key=True)


@both(LOG, "checkpoint-names-another-key", "SIGSTORE-06")
def checkpoint_names_another_key() -> Edit:
    """The checkpoint's signature is the log's, and names another key."""
    return recipe(hint_key=True)


@both(LOG, "checkpoint-of-another-tree", "SIGSTORE-06")
def checkpoint_of_another_tree() -> Edit:
    """The log signed the checkpoint, over another root hash than the proof leads to."""
    return recipe(other_root=True)


@both(LOG, "checkpoint-changed", "SIGSTORE-06")
def checkpoint_changed() -> Edit:
    """The checkpoint's size was changed after the log signed it."""
    return text_at(f"{PROOF}/checkpoint/envelope", f"\n{SIZE}\n", f"\n{SIZE + 1}\n")


@both(LOG, "checkpoint-in-one-piece", "SIGSTORE-06", severity="medium")
def checkpoint_in_one_piece() -> Edit:
    """The blank line between text and signature is not in the checkpoint."""
    return text_at(f"{PROOF}/checkpoint/envelope", "\n\n", "\n")


WHOLE = LOG.group(
    stages=("transparency", "bundle"),
    why="An entry in a bundle has an inclusion proof with a checkpoint: a promise is a weaker word of the log.",
)


@both(WHOLE, "no-checkpoint", "BUNDLE-04")
def no_checkpoint() -> Edit:
    """The inclusion proof has no checkpoint, so that its root hash is nobody's word."""
    return remove_at("bundle", f"{PROOF}/checkpoint")


@both(WHOLE, "no-proof", "BUNDLE-04", "REF-SIGSTORE-01", stage="bundle")
def no_proof() -> Edit:
    """The inclusion proof is not there."""
    return remove_at("bundle", PROOF)


@both(WHOLE, "no-entry", "OMS-11.1-05", "OMS-4.1-07", stages=("transparency", "bundle", "material"))
def no_entry() -> Edit:
    """The list of log entries is empty."""
    return set_at("bundle", f"{MATERIAL}/tlogEntries", [])


@WHOLE.reject("no-entries", "OMS-11.1-05", "OMS-4.1-03", "OMS-4.1-07", stages=("transparency", "bundle", "material"))
def no_entries() -> Edit:
    """The member for log entries is not there."""
    return remove_at("bundle", f"{MATERIAL}/tlogEntries")


KEYS = LOG.group(
    why="The log that proves and promises has to be one of the trusted root.",
    gain="Whoever runs a log of their own has it say what they like.",
)


@both(KEYS, "log-of-another-instance", "SIGSTORE-06", "SIGSTORE-05")
def log_of_another_instance() -> Edit:
    """The entry is in a log that has the name of the trusted one, and a key and an ID of its own."""
    return recipe(log_seed=sigstore.OTHERS)


@both(KEYS, "log-unknown", "SIGSTORE-06", "SIGSTORE-05")
def log_unknown() -> Edit:
    """The entry names a log by an ID that the trusted root does not have."""
    return set_at("bundle", f"{ENTRY}/logId/keyId", b64(b"\0" * 32))


@KEYS.reject("another-log-key-trusted-v1", "SIGSTORE-06", "SIGSTORE-05")
def another_log_key_trusted_v1() -> Edit:
    """The trusted root has another key under the ID of the Rekor v1 log."""
    return root("others", "/tlogs/0/publicKey")


@KEYS.reject("another-log-key-trusted-v2", "SIGSTORE-06", control="rekor-v2")
def another_log_key_trusted_v2() -> Edit:
    """The trusted root has another key under the ID of the Rekor v2 log."""
    return root("others", "/tlogs/1/publicKey")


@KEYS.reject("no-log-trusted", "SIGSTORE-06", severity="medium")
def no_log_trusted() -> Edit:
    """The trusted root has no log."""
    return root("set", "/tlogs", value=[])


@KEYS.reject("only-another-log-trusted", "SIGSTORE-06", severity="medium")
def only_another_log_trusted() -> Edit:
    """The trusted root has the Rekor v2 log alone, and the entry is in Rekor v1."""
    return root("remove", "/tlogs/0")


@KEYS.reject("only-logs-of-later-trusted", "SIGSTORE-06", severity="medium")
def only_logs_of_later_trusted() -> Edit:
    """The trusted root has one log, the entry's, and its key from a later day on."""
    log = sigstore.trusted("tlogs")[0]
    log["publicKey"]["validFor"]["start"] = "2090-01-01T00:00:00Z"
    return root("set", "/tlogs", value=[log])


@KEYS.reject("log-key-not-yet-trusted", "SIGSTORE-06", severity="medium")
def log_key_not_yet_trusted() -> Edit:
    """The trusted root has the log's key from a later day on."""
    return root("set", "/tlogs/0/publicKey/validFor/start", value="2090-01-01T00:00:00Z")


PERIOD = DISPUTED.group(
    stage=None,
    stages=("transparency", "certificate", "time"),
    profile="sigstore",
    why="The trusted root says until when a key or an authority is trusted. Sigstore has its clients regard it (6); "
    "one does, and one takes keys that have been retired for good.",
    gain="A key that leaked after it was retired dates signatures back.",
)


@PERIOD.either("log-key-ended", "SIGSTORE-06", ours="accept")
def log_key_ended() -> Edit:
    """The trusted root's period for the log's key ended before the signature."""
    return root("set", "/tlogs/0/publicKey/validFor/end", value=ENDED)


@PERIOD.either("authority-ended", "SIGSTORE-01", ours="accept")
def authority_ended() -> Edit:
    """The trusted root's period for the certificate authority ended before the signature."""
    return root("set", "/certificateAuthorities/0/validFor/end", value=ENDED)


@PERIOD.either("certificate-log-key-ended", "SIGSTORE-03", ours="accept")
def certificate_log_key_ended() -> Edit:
    """The trusted root's period for the certificate log's key ended before the signature."""
    return root("set", "/ctlogs/0/publicKey/validFor/end", value=ENDED)


PROMISE = LOG.group(
    why="The promise is the log's signature over entry, index and time, and the time counts only if it holds (4.2.2).",
    gain="Whoever has the certificate's key dates a signature as they like.",
)


@PROMISE.reject("promise-by-another-key", "SIGSTORE-05")
def promise_by_another_key() -> Edit:
    """Another key signed the promise, and the checkpoint is the log's."""
    return recipe(promise_key=True)


@PROMISE.reject("promise-flipped", "SIGSTORE-05")
def promise_flipped() -> Edit:
    """The promise has a bit flipped."""
    return flip_at(f"{ENTRY}/inclusionPromise/signedEntryTimestamp")


@PROMISE.reject("promise-of-another-entry", "SIGSTORE-05")
def promise_of_another_entry() -> Edit:
    """The log promised another entry at this time and index."""
    return recipe(others_promise=True)


@PROMISE.reject("promise-of-another-time", "SIGSTORE-05")
def promise_of_another_time() -> Edit:
    """The time of the entry is a second later than what the log promised."""
    return add_at(f"{ENTRY}/integratedTime", 1)


@PROMISE.reject("promise-of-the-year-10000", "SIGSTORE-05")
def promise_of_the_year_10000() -> Edit:
    """The time of the entry is the first second of the year 10000, and not what the log promised."""
    return set_at("bundle", f"{ENTRY}/integratedTime", "253402300800")


@PROMISE.reject("promise-of-a-time-beyond-dates", "SIGSTORE-05")
def promise_of_a_time_beyond_dates() -> Edit:
    """The time of the entry is 10^18 seconds, and not what the log promised."""
    return set_at("bundle", f"{ENTRY}/integratedTime", "1000000000000000000")


@PROMISE.reject("promise-of-another-index", "SIGSTORE-05")
def promise_of_another_index() -> Edit:
    """The index of the entry is one higher than what the log promised."""
    return add_at(f"{ENTRY}/logIndex", 1)


@PROMISE.reject("promise-broken-beside-a-timestamp", "SIGSTORE-05", control="rekor-v1-timestamp", severity="medium")
def promise_broken_beside_a_timestamp() -> Edit:
    """The promise has a bit flipped, and a timestamp proves the time."""
    return flip_at(f"{ENTRY}/inclusionPromise/signedEntryTimestamp")


BODY = LOG.group(
    stages=("transparency", "signature"),
    why="The entry's body has to name this signature, this certificate and the digest of what was signed (4.4).",
    gain="An entry of something harmless stands for a signature that the log never saw (CVE-2022-36056).",
)


@both(BODY, "entry-of-another-payload", "SIGSTORE-08")
def entry_of_another_payload() -> Edit:
    """The entry is of another payload that the same key signed."""
    return recipe(others_entry=True)


@both(BODY, "entry-of-another-signer", "SIGSTORE-08")
def entry_of_another_signer() -> Edit:
    """The entry is of another key's signature over the same payload."""
    return recipe(others_signature=True)


@BODY.reject("entry-of-the-bare-payload", "SIGSTORE-08", control="rekor-v2", severity="medium")
def entry_of_the_bare_payload() -> Edit:
    """The entry has the digest of the payload, and not that of the pre-authentication encoding."""
    return recipe(payload_digest=True)


@BODY.reject("entry-of-nothing", "SIGSTORE-07", stages=("transparency", "bundle"))
def entry_of_nothing() -> Edit:
    """The entry's body is an empty object, which the log holds and promised."""
    return recipe(junk_body=True)


KIND = BODY.group(
    stages=("transparency", "bundle"),
    why="A verifier has to know the kind and version of an entry, and to read the body as what the bundle says (4.4).",
    gain="A body that is not understood is passed over, and the entry may be of anything.",
    severity="medium",
)


@both(KIND, "entry-of-an-unknown-version", "SIGSTORE-07", "REF-SIGSTORE-06")
def entry_of_an_unknown_version() -> Edit:
    """The bundle gives the entry's kind a version that there is not."""
    return set_at("bundle", f"{ENTRY}/kindVersion/version", "0.0.3")


@KIND.reject("entry-of-an-unknown-kind", "SIGSTORE-07", "REF-SIGSTORE-06")
def entry_of_an_unknown_kind() -> Edit:
    """The bundle says that the entry is of a kind that there is not."""
    return set_at("bundle", f"{ENTRY}/kindVersion/kind", "nothing")


@KIND.reject("entry-of-no-kind", "SIGSTORE-07", "REF-SIGSTORE-01", stage="bundle", control="rekor-v2")
def entry_of_no_kind() -> Edit:
    """The bundle does not say of what kind the entry is."""
    return remove_at("bundle", f"{ENTRY}/kindVersion")


@KIND.reject("entry-of-another-kind-v1", "SIGSTORE-07", "REF-SIGSTORE-06")
def entry_of_another_kind_v1() -> Edit:
    """The bundle says that the entry is an intoto 0.0.1, and its body is a dsse."""
    return recipe(kind=["intoto", "0.0.1"])


@KIND.reject("entry-of-another-kind-v2", "SIGSTORE-07", "REF-SIGSTORE-06", control="rekor-v2")
def entry_of_another_kind_v2() -> Edit:
    """The bundle says that the entry is a dsse 0.0.2, and its body is a hashedrekord."""
    return recipe(kind=["dsse", "0.0.2"])


@DISPUTED.either(
    "entry-a-hashed-record-v1",
    "REF-SIGSTORE-06",
    severity="low",
    why="Rekor v1 has a kind of its own for envelopes, and both can say what was signed; one client reads both.",
)
def entry_a_hashed_record_v1() -> Edit:
    """The Rekor v1 log has the envelope as a hashedrekord 0.0.1 over the pre-authentication encoding."""
    return recipe(hashed_record=True)


OF_CERTIFICATE = (
    "Sigstore has a verifier compare the entry's certificate with the bundle's (4.4). One client does; one compares "
    "the signature alone."
)


@DISPUTED.either("entry-of-another-certificate-v1", "SIGSTORE-08", why=OF_CERTIFICATE)
def entry_of_another_certificate_v1() -> Edit:
    """The entry has another certificate for the same key, in another's name."""
    return recipe(others_certificate=True)


@DISPUTED.either("entry-of-another-certificate-v2", "SIGSTORE-08", control="rekor-v2", why=OF_CERTIFICATE)
def entry_of_another_certificate_v2() -> Edit:
    """The Rekor v2 entry has another certificate for the same key, in another's name."""
    return recipe(others_certificate=True)


@SILENT.either("entry-twice", "REF-SIGSTORE-06", severity="low")
def entry_twice() -> Edit:
    """The log entry is there twice. OMS asks for one or more; both clients refuse the same one twice."""
    return double_at(f"{MATERIAL}/tlogEntries")


@DISPUTED.either(
    "proof-of-another-root",
    "SIGSTORE-06",
    why="The root hash stands in proof and checkpoint, and the checkpoint's is signed. One client compares the two.",
)
def proof_of_another_root() -> Edit:
    """The proof's own root hash has a bit flipped, and that of the checkpoint, to which the hashes lead, is right."""
    return flip_at(f"{PROOF}/rootHash")


@SILENT.either("proof-of-another-size", "SIGSTORE-06", ours="accept", profile="sigstore")
def proof_of_another_size() -> Edit:
    """The proof's size of the tree is one more than the checkpoint's, and its hashes fit both."""
    return add_at(f"{PROOF}/treeSize", 1)


@DISPUTED.either(
    "integers-as-numbers",
    "REF-SIGSTORE-01",
    stage="bundle",
    stages=("bundle",),
    severity="low",
    why="Protobuf's JSON writes 64-bit integers as strings and reads both forms; one client reads no numbers.",
    gain="A bundle is signed for one client and not for another.",
)
def integers_as_numbers() -> Edit:
    """The log index is a JSON number."""
    return set_at("bundle", f"{ENTRY}/logIndex", 1000 + static.POSITION)


@DISPUTED.either(
    "checkpoint-of-another-size",
    "SIGSTORE-06",
    ours="accept",
    profile="sigstore",
    why="A proof of inclusion is for a tree of one size (RFC 6962); one client compares that of proof and checkpoint.",
)
def checkpoint_of_another_size() -> Edit:
    """The log signed the right root hash for a tree of one entry, which the proof's tree is not."""
    return recipe(other_size=True)


@SILENT.either("another-index-v2", "SIGSTORE-06", ours="accept", profile="sigstore", control="rekor-v2")
def another_index_v2() -> Edit:
    """The index of the entry, beside that of the proof, is one higher. With Rekor v2 nothing signs it."""
    return add_at(f"{ENTRY}/logIndex", 1)


# --- envelope and signature

SIGNED = FAMILY.group(
    stage="signature",
    stages=("signature", "transparency"),
    why="The signature has to hold with the certificate's key over payload type and payload, and be the one logged.",
    gain="A certificate and a log entry of somebody's stand for what they never signed.",
)


@both(SIGNED, "payload-changed", "DSSE-01")
def payload_changed() -> Edit:
    """The payload was changed after it was signed and logged."""
    return {**substitute("payload-bytes", "run.py", "run.pz"), "signature": "kept"}


@SIGNED.reject("signature-flipped", "DSSE-01")
def signature_flipped() -> Edit:
    """The signature has a bit flipped."""
    return flip_at("/dsseEnvelope/signatures/0/sig")


@SIGNED.reject("signed-by-another-key-v1", "DSSE-01")
def signed_by_another_key_v1() -> Edit:
    """Another key than the certificate's signed, and the log has this signature with this certificate."""
    return recipe(signing_key=True)


@SIGNED.reject("signed-by-another-key-v2", "DSSE-01", control="rekor-v2")
def signed_by_another_key_v2() -> Edit:
    """Another key than the certificate's signed; the Rekor v2 log and a timestamp authority have this signature."""
    return recipe(signing_key=True)


@SIGNED.reject("signed-without-encoding", "DSSE-01")
def signed_without_encoding() -> Edit:
    """The signature is over the payload alone, without the pre-authentication encoding."""
    return recipe(over_payload=True)


ENVELOPE = SIGNED.group(
    stage="envelope",
    stages=("envelope", "signature", "statement"),
    why="OMS has the payload be an in-toto statement, and says so in the payload type.",
    gain="What somebody signed as something else is taken for a model's manifest.",
)


@ENVELOPE.reject("another-payload-type-v1", "INTOTO-01")
def another_payload_type_v1() -> Edit:
    """The payload type is application/json, and signature and entry hold for it."""
    return set_at("envelope", "/payloadType", "application/json", signed_again=True)


@ENVELOPE.reject("another-payload-type-v2", "INTOTO-01", control="rekor-v2")
def another_payload_type_v2() -> Edit:
    """The payload type is empty, and signature, timestamp and Rekor v2 entry hold for it."""
    return set_at("envelope", "/payloadType", "", signed_again=True)


@ENVELOPE.reject(
    "two-signatures",
    "BUNDLE-01",
    stages=("envelope", "signature", "bundle"),
    why="A Sigstore bundle has exactly one signature, and clients refuse any other number.",
    severity="medium",
)
def two_signatures() -> Edit:
    """The envelope has its signature twice."""
    return double_at("/dsseEnvelope/signatures")


# --- method confusion

CONFUSION = FAMILY.group(
    stage="material",
    stages=("material", "bundle", "transparency"),
    why="OMS has the material be that of the method being verified, which here is a certificate and log entries.",
    gain="The signature is checked with a key of the attacker's choice, and nobody's identity is.",
)


def signer_pem() -> str:
    """The public key of the certificate, in PEM."""
    public = enc.ec_key("static", "signer").public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@CONFUSION.reject("key-for-certificate", "OMS-11.1-08", "OMS-4.1-03")
def key_for_certificate() -> Edit:
    """The material is the key itself, with which the signature holds, as the method key has it."""
    return other_material({"publicKey": {"rawBytes": b64(signer_pem().encode())}})


@CONFUSION.reject("certificate-as-key", "OMS-11.1-08", "OMS-4.1-03")
def certificate_as_key() -> Edit:
    """The certificate stands in publicKey, as rawBytes; the log entries are there."""
    return move_at("bundle", f"{MATERIAL}/certificate", f"{MATERIAL}/publicKey")


@CONFUSION.reject("chain-for-certificate", "OMS-11.1-08", "OMS-4.1-03")
def chain_for_certificate() -> Edit:
    """The material is a chain of the same certificate, its authority and root, as the method certificate has it."""
    fulcio = static.make_instance("static").fulcio
    leaf = static.make_leaf(static.make_instance("static"), static.V1, enc.ec_key("static", "signer").public_key())
    chain = [{"rawBytes": b64(enc.der(each))} for each in (leaf, fulcio.certificate, fulcio.root)]
    return other_material({"x509CertificateChain": {"certificates": chain}})


def other_material(material: dict[str, Any]) -> Edit:
    """Other material altogether."""
    return set_at("bundle", MATERIAL, material)


@CONFUSION.reject(
    "key-and-certificate",
    "BUNDLE-02",
    why="In the Sigstore format the kinds of material are alternatives, of which a bundle has one at the most.",
    gain="One client verifies with the key, another with the certificate, and both call the bundle signed.",
)
def key_and_certificate() -> Edit:
    """The key stands beside its certificate."""
    return set_at("bundle", f"{MATERIAL}/publicKey", {"rawBytes": b64(signer_pem().encode())})


# --- OMS, below a Sigstore signature that holds

BELOW = FAMILY.group(
    why="A good Sigstore signature says who signed. OMS has a verifier check what was signed, by any method.",
    gain="A client that stops at the signature lets what was signed stand for what was not.",
)


@BELOW.reject("payload-no-json", "OMS-5-01", "JSON-01", stage="statement", stages=("statement", "predicate"))
def payload_no_json() -> Edit:
    """The payload, signed and logged, is no JSON."""
    return {"layer": "payload-bytes", "op": "replace", "data": {"text": "weights.bin"}}


@BELOW.reject("statement-type", "OMS-8.3-02", stage="statement", stages=("statement",))
def statement_type() -> Edit:
    """The statement is of in-toto's version 0.1."""
    return set_at("payload", "/_type", "https://in-toto.io/Statement/v0.1")


@BELOW.reject("predicate-of-provenance", "OMS-8.3-03", stage="statement", stages=("statement",), control="rekor-v2")
def predicate_of_provenance() -> Edit:
    """The predicate's type is that of build provenance, which the same identity signs every day."""
    return set_at("payload", "/predicateType", "https://slsa.dev/provenance/v1")


@BELOW.reject("two-subjects", "OMS-6.5-01", stage="statement", stages=("statement",), severity="medium")
def two_subjects() -> Edit:
    """The statement has a second subject."""
    return insert_at("payload", "/subject/1", {"name": "other", "digest": {"sha256": "00" * 32}})


@BELOW.reject("no-predicate", "OMS-8.3-04", stage="predicate", stages=("predicate", "statement"), control="excused")
def no_predicate() -> Edit:
    """The statement has no predicate, and the caller excuses unsigned files."""
    return remove_at("payload", "/predicate")


@BELOW.reject("no-resources", "OMS-5.2.1-04", stage="predicate", stages=("predicate", "statement"), control="excused")
def no_resources() -> Edit:
    """No file is listed, the root digest is that of nothing, and the caller excuses unsigned files."""
    return rooted(set_at("payload", "/predicate/resources", []))


@BELOW.reject("unknown-algorithm", "OMS-5.2.2-02", "OMS-7-01", stage="predicate", stages=("predicate",))
def unknown_algorithm() -> Edit:
    """The hash algorithm is MD5, which OMS does not register."""
    return set_at("payload", "/predicate/serialization/hash_type", "md5")


@BELOW.reject(
    "no-symlink-rule", "OMS-5.2.2-05", stage="predicate", stages=("predicate", "statement"), severity="medium"
)
def no_symlink_rule() -> Edit:
    """The serialization does not say whether links are followed."""
    return remove_at("payload", "/predicate/serialization/allow_symlinks")


@BELOW.reject("ignored-by-pattern", "OMS-6.2.1-01", stage="predicate", stages=("predicate", "statement"))
def ignored_by_pattern() -> Edit:
    """An ignored path is a pattern."""
    return set_at("payload", "/predicate/serialization/ignore_paths", ["*.py"])


@BELOW.reject("name-out-of-the-model", "OMS-6.1.2-03", stage="names", stages=("names", "files"), control="rekor-v2")
def name_out_of_the_model() -> Edit:
    """A resource's name leads out of the model and back to the right file."""
    return set_at("payload", "/predicate/resources/0/name", "../model/code/run.py")


@BELOW.reject("names-out-of-order", "OMS-5.2.1-05", stage="names", stages=("names", "root-digest"), severity="medium")
def names_out_of_order() -> Edit:
    """The resources do not ascend by name; the root digest is over them as they are."""
    return rooted(move_at("payload", "/predicate/resources/1", "/predicate/resources/0"))


@BELOW.either(
    "another-root-digest",
    "OMS-6.5.1-01",
    profile="ref-strict",
    stage="root-digest",
    stages=("root-digest", "statement"),
    why="OMS has a signer compute the root digest and does not have a verifier compute it again (6.5.1).",
)
def another_root_digest() -> Edit:
    """The subject's digest is not that of the resources."""
    return set_at("payload", "/subject/0/digest/sha256", "00" * 32)


@BELOW.reject("file-changed", "OMS-8.4-01", stage="digest", stages=("digest", "files"))
def file_changed() -> Edit:
    """A signed file has other contents of the same length."""
    return tree("replace", path="code/run.py", entry=file("code/run.py", CODE.replace("hello", "HELLO")))


@BELOW.reject("file-changed-v2", "OMS-8.4-01", stage="digest", stages=("digest", "files"), control="rekor-v2")
def file_changed_v2() -> Edit:
    """With Rekor v2, a signed file has a byte more at its end."""
    return tree("replace", path="code/run.py", entry=file("code/run.py", CODE + "\n"))


@BELOW.reject("file-missing", "OMS-8.4-01", stage="files", stages=("files", "digest"))
def file_missing() -> Edit:
    """A signed file is missing."""
    return tree("remove", path="weights.bin")


@BELOW.reject(
    "file-missing-excused", "OMS-8.4-01", "OMS-8.5-02", stage="files", stages=("files", "digest"), control="excused"
)
def file_missing_excused() -> Edit:
    """A signed file is missing, and the caller excuses unsigned files."""
    return tree("remove", path="weights.bin")


@BELOW.reject("file-extra", "OMS-8.5-01", stage="files", stages=("files",))
def file_extra() -> Edit:
    """A file beside the signed ones is not signed."""
    return tree("add", entry=file("sitecustomize.py", CODE))


@BELOW.reject(
    "file-a-link",
    "OMS-6.1.1-07",
    "OMS-6.1.1-03",
    stage="files",
    stages=("files",),
    severity="medium",
    control="twins",
    why="OMS has a verifier go by the signed allow_symlinks: a listed file that is a link is refused.",
    gain="The file can be exchanged between verification and use.",
)
def file_a_link() -> Edit:
    """A signed file is a link to another with the same contents, and the signer allowed no links."""
    return tree("replace", path="twin.bin", entry=link("twin.bin", "one.bin"))


@BELOW.reject("released-and-changed", "OMS-8.4-01", stage="digest", stages=("digest", "files"), control="released")
def released_and_changed() -> Edit:
    """Below a payload as the released client lays it out, a signed file has other contents."""
    return tree("replace", path="code/run.py", entry=file("code/run.py", CODE.upper()))
