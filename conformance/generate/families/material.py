"""Verification material: there, of the one kind that was asked for, and of the right shape."""

from __future__ import annotations

import base64

from conformance.generate import certificates, keys
from conformance.generate.edits import move_at, open_bundle, remove_at, set_at
from conformance.generate.kit import SIGNER, Edit, Family, Material, b64, key_case
from conformance.loopback import encodings as enc
from conformance.loopback import static

FAMILY = Family(
    "material",
    "Verification material and method confusion",
    stage="material",
    stages=("material", "bundle"),
    control="plain",
    why="OMS has the material be that of the method being verified, and a key be named by it (4.1, 11.1).",
    gain="What the signature is checked with is no longer what the caller asked for.",
)
AT = "/verificationMaterial"


def certificate() -> dict[str, str]:
    """A self-signed certificate for the signing key, as it stands in a bundle."""
    return {"rawBytes": b64(certificates.self_signed(SIGNER, "material"))}


@FAMILY.control("plain", "OMS-4.1-01", "OMS-11.1-08")
def plain() -> Material:
    """A bundle of the method key with a hint and nothing else."""
    return key_case({"model.onnx": {"seed": "material", "length": 100}})


@FAMILY.accept(
    "no-log-entries",
    "OMS-11.1-06",
    why="OMS has a verifier of the method key take log entries that are absent or an empty array alike.",
    gain="Bundles of writers that always write the array can't be verified.",
)
def no_log_entries() -> Edit:
    """The material has an empty array of log entries."""
    return set_at("bundle", AT + "/tlogEntries", [])


@FAMILY.either(
    "no-timestamps",
    "OMS-4.1-06",
    ours="accept",
    profile="core",
    why="OMS lets timestamps be absent for the method key and does not speak of an empty list.",
    gain="Bundles of writers that always write the member can't be verified.",
    severity="low",
)
def no_timestamps() -> Edit:
    """The material has the member for timestamps, with an empty list in it."""
    return set_at("bundle", AT + "/timestampVerificationData", {"rfc3161Timestamps": []})


@FAMILY.either(
    "unchecked-log-entry",
    "OMS-11.1-06",
    "OMS-4.1-06",
    ours="accept",
    why="OMS says what holds when log entries are absent or empty, and not what to do when there are some.",
    gain="The entry seems to say that the signature is in a log, which nobody checked.",
)
def unchecked_log_entry() -> Edit:
    """The bundle of the method key has a log entry of the right shape, whose contents are nonsense."""
    return log_entry()


@FAMILY.reject("none", "OMS-4-01", "OMS-4.1-01")
def none() -> Edit:
    """The bundle has no verification material."""
    return remove_at("bundle", AT)


@FAMILY.reject("null", "OMS-4-01", "OMS-4.1-01", stage="bundle", severity="low")
def null() -> Edit:
    """The verification material is null."""
    return set_at("bundle", AT, None)


@FAMILY.reject("empty", "OMS-4-01", "OMS-4.1-01")
def empty() -> Edit:
    """The verification material is an empty object."""
    return set_at("bundle", AT, {})


@FAMILY.reject("array", "OMS-4-01", "OMS-4.1-01", stage="bundle", severity="low")
def array() -> Edit:
    """The verification material is an array that holds the right object's member name."""
    return set_at("bundle", AT, ["publicKey"])


@FAMILY.reject("only-log-entries", "OMS-4.1-01", "OMS-4-01")
def only_log_entries() -> Edit:
    """The material has an empty array of log entries and no key."""
    return set_at("bundle", AT, {"tlogEntries": []})


@FAMILY.reject("key-null", "OMS-4.1-01", "OMS-4-01", stage="bundle")
def key_null() -> Edit:
    """The member publicKey is null."""
    return set_at("bundle", AT + "/publicKey", None)


UNNAMED = FAMILY.group(
    stages=("material", "bundle", "key"),
    why="OMS has a key named by hint or rawBytes, and does not say what a verifier does that knows the key anyway.",
)


@UNNAMED.either("key-empty", "OMS-11.1-02")
def key_empty() -> Edit:
    """The member publicKey has neither hint nor rawBytes."""
    return set_at("bundle", AT + "/publicKey", {})


@FAMILY.reject("key-is-a-string", "OMS-4-01", stage="bundle", severity="low")
def key_is_a_string() -> Edit:
    """The member publicKey is the hint itself and not an object with it."""
    return move_at("bundle", AT + "/publicKey/hint", AT + "/publicKey")


@FAMILY.reject("key-in-an-array", "OMS-4-01", stage="bundle", severity="low")
def key_in_an_array() -> Edit:
    """The member publicKey is an empty array."""
    return set_at("bundle", AT + "/publicKey", [])


@UNNAMED.either("hint-null", "OMS-4-01", "OMS-11.1-02", stage="bundle")
def hint_null() -> Edit:
    """The hint is null, and there is no rawBytes."""
    return set_at("bundle", AT + "/publicKey/hint", None)


@FAMILY.reject("hint-number", "OMS-4-01", stage="bundle", stages=("material", "bundle", "key"), severity="low")
def hint_number() -> Edit:
    """The hint is a number."""
    return set_at("bundle", AT + "/publicKey/hint", 1)


@FAMILY.reject("key-at-the-top", "OMS-4-01", "REF-BUNDLE-02", "OMS-4.1-01", stage="bundle")
def key_at_the_top() -> Edit:
    """The member publicKey stands beside the material and not in it."""
    return move_at("bundle", AT + "/publicKey", "/publicKey")


@UNNAMED.either("key-in-another-place", "OMS-4.1-01", "REF-BUNDLE-02", "OMS-4-01", stage="bundle")
def key_in_another_place() -> Edit:
    """The hint stands in the material itself and not in publicKey, which is empty."""
    return move_at("bundle", AT + "/publicKey/hint", AT + "/hint")


CONFUSION = FAMILY.group(severity="high", stages=("material",))


@CONFUSION.reject("chain-for-key", "OMS-11.1-08")
def chain_for_key() -> Edit:
    """The material is a certificate chain for the very key, as the method certificate has it."""
    return set_at("bundle", AT, {"x509CertificateChain": {"certificates": [certificate()]}})


@CONFUSION.reject("certificate-for-key", "OMS-11.1-08")
def certificate_for_key() -> Edit:
    """The material is a certificate for the very key, as the method sigstore has it."""
    return set_at("bundle", AT, {"certificate": certificate(), "tlogEntries": []})


@CONFUSION.reject("sigstore-for-key", "OMS-11.1-08")
def sigstore_for_key() -> Edit:
    """The material is a certificate for the very key and a log entry of this signature, as a Sigstore client wrote."""
    value = open_bundle(plain())
    envelope = value["dsseEnvelope"]
    payload, signature = (base64.b64decode(text) for text in (envelope["payload"], envelope["signatures"][0]["sig"]))
    instance = static.make_instance(static.V1.seed)
    leaf = static.make_leaf(instance, static.V1, keys.elliptic_key(SIGNER).public_key())
    body = static.make_body(instance, static.V1, payload, signature, leaf)
    entry = enc.log_entry_json(static.make_entry(instance, static.V1, body))
    return set_at("bundle", AT, {"certificate": {"rawBytes": b64(enc.der(leaf))}, "tlogEntries": [entry]})


@CONFUSION.reject("empty-chain-for-key", "OMS-11.1-08", stages=("material", "bundle"))
def empty_chain_for_key() -> Edit:
    """The material is a certificate chain without a certificate."""
    return set_at("bundle", AT, {"x509CertificateChain": {"certificates": []}})


BOTH = FAMILY.group(
    severity="high",
    stages=("material", "bundle"),
    why="In the Sigstore format the kinds of material are alternatives, of which a bundle has one at the most.",
    gain="One client verifies with the key, another with the certificate, and both call the bundle signed.",
)


@BOTH.reject("key-and-certificate", "BUNDLE-02")
def key_and_certificate() -> Edit:
    """A certificate stands beside the key."""
    return set_at("bundle", AT + "/certificate", certificate())


@BOTH.reject("key-and-chain", "BUNDLE-02")
def key_and_chain() -> Edit:
    """A certificate chain stands beside the key."""
    return set_at("bundle", AT + "/x509CertificateChain", {"certificates": [certificate()]})


@BOTH.reject("key-and-empty-chain", "BUNDLE-02", severity="medium")
def key_and_empty_chain() -> Edit:
    """A certificate chain without a certificate stands beside the key."""
    return set_at("bundle", AT + "/x509CertificateChain", {"certificates": []})


TYPES = FAMILY.group(
    stage="bundle",
    severity="low",
    why="The Sigstore format says what type each member has, read by the method or not (4).",
    gain="A bundle that no Sigstore reader takes passes here, and what is odd in it goes unseen.",
)


@TYPES.either(
    "log-entries-null",
    "OMS-4-01",
    control="no-log-entries",
    stages=("bundle", "material", "transparency"),
    severity="low",
    why="In protobuf's JSON null stands for a member that is absent, and OMS names absent and empty alone.",
    gain="Readers that differ on null differ on what the bundle holds.",
)
def log_entries_null() -> Edit:
    """The member for log entries is null."""
    return set_at("bundle", AT + "/tlogEntries", None)


@TYPES.reject("log-entries-object", "OMS-4-01", stages=("bundle", "material", "transparency"))
def log_entries_object() -> Edit:
    """The log entries are an object and not an array."""
    return set_at("bundle", AT + "/tlogEntries", {})


@TYPES.reject("log-entry-string", "OMS-4-01", stages=("bundle", "material", "transparency"))
def log_entry_string() -> Edit:
    """A log entry is a string."""
    return set_at("bundle", AT + "/tlogEntries", ["entry"])


RAW = TYPES.group(
    stages=("bundle", "material", "key"),
    why="OMS names rawBytes, which the Sigstore format has not in this place, and does not say what it holds.",
)


@RAW.either("raw-key-number", "OMS-4-01")
def raw_key_number() -> Edit:
    """Beside the hint stands rawBytes, which is a number."""
    return set_at("bundle", AT + "/publicKey/rawBytes", 1)


@TYPES.reject("timestamps-array", "OMS-4-01", stages=("bundle", "material", "transparency"))
def timestamps_array() -> Edit:
    """The member for timestamps is an array and not an object."""
    return set_at("bundle", AT + "/timestampVerificationData", [])


def log_entry(**members: object) -> Edit:
    """A log entry of the right shape but for these members."""
    entry: dict[str, object] = {
        "logIndex": "1",
        "logId": {"keyId": b64(b"log")},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1",
        "canonicalizedBody": b64(b"{}"),
    }
    return set_at("bundle", AT + "/tlogEntries", [entry | members])


ENTRY = TYPES.group(stages=("bundle", "material", "transparency"))


@ENTRY.reject("log-index-too-large", "OMS-4-01")
def log_index_too_large() -> Edit:
    """The index of a log entry is 2^63, which a signed integer of 64 bits does not hold."""
    return log_entry(logIndex=str(2**63))


@ENTRY.reject("log-index-fraction", "OMS-4-01")
def log_index_fraction() -> Edit:
    """The index of a log entry has a fraction."""
    return log_entry(logIndex="1.5")


@ENTRY.reject("log-index-true", "OMS-4-01")
def log_index_true() -> Edit:
    """The index of a log entry is true."""
    return log_entry(logIndex=True)


@ENTRY.reject("log-body-not-base64", "OMS-4-01")
def log_body_not_base64() -> Edit:
    """The body of a log entry is not base64."""
    return log_entry(canonicalizedBody="{}")


@RAW.either("raw-key-not-base64", "OMS-4-01")
def raw_key_not_base64() -> Edit:
    """Beside the hint stands rawBytes, which is PEM text and not base64 of it."""
    return set_at("bundle", AT + "/publicKey/rawBytes", keys.public_pem(SIGNER))


WHOLE = FAMILY.group(
    severity="low",
    why="OMS says what holds when log entries are absent or empty, and not what to do when there are some.",
    gain="A reader of Sigstore's JSON that takes one of its forms only refuses what others write.",
)


@WHOLE.either("log-entry-of-all-members", "OMS-11.1-06", "OMS-4-01", ours="accept", profile="core")
def log_entry_of_all_members() -> Edit:
    """A log entry has every member that the Sigstore format has, with integers as strings."""
    proof = {
        "logIndex": "0",
        "rootHash": b64(b"root"),
        "treeSize": "1",
        "hashes": [b64(b"one"), b64(b"two")],
        "checkpoint": {"envelope": "nonsense"},
    }
    return log_entry(inclusionPromise={"signedEntryTimestamp": b64(b"promise")}, inclusionProof=proof)


@WHOLE.either("log-index-as-number", "OMS-11.1-06", "OMS-4-01", ours="accept", profile="core")
def log_index_as_number() -> Edit:
    """The index of a log entry is a JSON number, which protobuf's JSON mapping reads too."""
    return log_entry(logIndex=1)


@WHOLE.either("log-index-largest", "OMS-11.1-06", "OMS-4-01", ours="accept", profile="core")
def log_index_largest() -> Edit:
    """The index of a log entry is 2^63 - 1, the largest integer of 64 bits."""
    return log_entry(logIndex=str(2**63 - 1))


@WHOLE.either("log-index-smallest", "OMS-11.1-06", "OMS-4-01", ours="accept", profile="core")
def log_index_smallest() -> Edit:
    """The index of a log entry is -2^63, the smallest integer of 64 bits."""
    return log_entry(logIndex=str(-(2**63)))


@ENTRY.reject("log-index-too-small", "OMS-4-01")
def log_index_too_small() -> Edit:
    """The index of a log entry is -2^63 - 1, which a signed integer of 64 bits does not hold."""
    return log_entry(logIndex=str(-(2**63) - 1))


@WHOLE.either("timestamp", "OMS-4.1-06", "OMS-4-01", ours="accept", profile="core")
def timestamp() -> Edit:
    """The material has a timestamp, whose contents are nonsense."""
    return set_at("bundle", AT + "/timestampVerificationData", {"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]})


@TYPES.reject("timestamp-empty", "OMS-4-01", stages=("bundle", "material", "transparency"))
def timestamp_empty() -> Edit:
    """A timestamp has no member that holds it."""
    return set_at("bundle", AT + "/timestampVerificationData", {"rfc3161Timestamps": [{}]})


SPELT = ENTRY.group(
    profile="ref-strict",
    stage="bundle",
    why="Protobuf's JSON mapping reads some of these spellings, RFC 4648 lets a decoder refuse them.",
)


@ENTRY.reject("log-body-padding", "OMS-4-01")
def log_body_padding() -> Edit:
    """The body of a log entry is base64 with three padding characters."""
    return log_entry(canonicalizedBody="A===")


@SPELT.either("log-body-no-padding", "OMS-4-01")
def log_body_no_padding() -> Edit:
    """The body of a log entry is base64 without padding."""
    return log_entry(canonicalizedBody="AAA")


@SPELT.either("log-body-two-alphabets", "OMS-4-01")
def log_body_two_alphabets() -> Edit:
    """The body of a log entry has a character of each of the two alphabets of base64."""
    return log_entry(canonicalizedBody="+_AA")


@SPELT.either("log-body-last-bits", "OMS-4-01")
def log_body_last_bits() -> Edit:
    """The body of a log entry is base64 whose last bits, which stand for nothing, are not zero."""
    return log_entry(canonicalizedBody="A0==")
