"""Certificates: what a signer may do, with which keys and algorithms, and what it signed."""

from __future__ import annotations

from conformance.generate.edits import option, remove_at, signature, tree
from conformance.generate.kit import Edit, Material, file
from conformance.generate.recipes import FILES, IDENTIFIERS, SIGNS, bundled, change, leaf, of, signed_model, usual

from .certificate import FAMILY

# --- what a signer may do

USAGE = FAMILY.group(
    severity="high",
    why="ExtendedKeyUsage limits a certificate to the purposes that it names (RFC 5280, 4.2.1.12).",
)


def purposes(*names: str) -> Edit:
    """Another ExtendedKeyUsage of the leaf."""
    return change("leaf", "extensions/extKeyUsage/purposes", list(names))


@USAGE.reject("for-servers", "RFC5280-10")
def for_servers() -> Edit:
    """The leaf's ExtendedKeyUsage has serverAuth alone: a certificate of a web site."""
    return purposes("serverAuth")


@USAGE.reject("for-clients", "RFC5280-10")
def for_clients() -> Edit:
    """The leaf's ExtendedKeyUsage has clientAuth alone."""
    return purposes("clientAuth")


@USAGE.reject("for-e-mail", "RFC5280-10")
def for_e_mail() -> Edit:
    """The leaf's ExtendedKeyUsage has emailProtection alone."""
    return purposes("emailProtection")


@USAGE.reject("for-timestamps", "RFC5280-10")
def for_timestamps() -> Edit:
    """The leaf's ExtendedKeyUsage has timeStamping alone."""
    return purposes("timeStamping")


@USAGE.reject(
    "key-agreement",
    "RFC5280-09",
    why="A KeyUsage without digitalSignature says that the key signs no data (RFC 5280, 4.2.1.3).",
)
def key_agreement() -> Edit:
    """The leaf's KeyUsage has keyAgreement alone, beside an ExtendedKeyUsage of codeSigning."""
    return change("leaf", "extensions/keyUsage/bits", ["keyAgreement"])


@USAGE.accept(
    "critical-purposes",
    "RFC5280-10",
    why="ExtendedKeyUsage may be critical or not, and a verifier has to know it (RFC 5280, 4.2, 4.2.1.12).",
    gain="Signers of authorities that mark it critical can't be verified.",
)
def critical_purposes() -> Edit:
    """The leaf's ExtendedKeyUsage is critical."""
    return change("leaf", "extensions/extKeyUsage/critical", True)


OPEN_USAGE = FAMILY.group(why="OMS does not say what a signer's certificate has to allow, and clients differ.")


@OPEN_USAGE.either("content-commitment", "RFC5280-09")
def content_commitment() -> Edit:
    """The leaf's KeyUsage has contentCommitment alone, once called nonRepudiation."""
    return change("leaf", "extensions/keyUsage/bits", ["contentCommitment"])


@OPEN_USAGE.either("any-purpose", "RFC5280-10", ours="accept")
def any_purpose() -> Edit:
    """The leaf's ExtendedKeyUsage has anyExtendedKeyUsage alone."""
    return purposes("anyExtendedKeyUsage")


@OPEN_USAGE.either("for-servers-too", "RFC5280-10", ours="accept")
def for_servers_too() -> Edit:
    """The leaf's ExtendedKeyUsage has serverAuth before codeSigning."""
    return purposes("serverAuth", "codeSigning")


@OPEN_USAGE.either("no-extended-key-usage", "RFC5280-10", ours="accept")
def no_extended_key_usage() -> Edit:
    """The leaf has a KeyUsage of digitalSignature and no ExtendedKeyUsage."""
    return remove_at("chain", of("leaf", "extensions/extKeyUsage"))


@OPEN_USAGE.either("no-key-usage", "RFC5280-09", ours="accept")
def no_key_usage() -> Edit:
    """The leaf has an ExtendedKeyUsage of codeSigning and no KeyUsage."""
    return remove_at("chain", of("leaf", "extensions/keyUsage"))


@OPEN_USAGE.either("no-usage", "REF-CERT-01")
def no_usage() -> Edit:
    """The leaf has BasicConstraints, and neither KeyUsage nor ExtendedKeyUsage."""
    return change("leaf", "extensions", {"basicConstraints": SIGNS["basicConstraints"], **IDENTIFIERS})


@OPEN_USAGE.either("leaf-of-version-1", "REF-CERT-01")
def leaf_of_version_1() -> Edit:
    """The leaf is a certificate of version 1, which has no extensions."""
    return change("leaf", "version", 1)


@OPEN_USAGE.either("purpose-asked-for", "REF-CERT-05", control=None)
def purpose_asked_for() -> Material:
    """The leaf's ExtendedKeyUsage has anyExtendedKeyUsage, and the caller asked for codeSigning."""
    signer = leaf("p256/leaf", "ca", 3, extKeyUsage={"purposes": ["anyExtendedKeyUsage"]})
    return signed_model(usual(leaf=signer), options={"require_code_signing": True})


@OPEN_USAGE.either("purpose-asked-for-and-absent", "REF-CERT-05", control=None)
def purpose_asked_for_and_absent() -> Material:
    """The leaf has no ExtendedKeyUsage, and the caller asked for codeSigning."""
    signer = leaf("p256/leaf", "ca", 3)
    del signer["extensions"]["extKeyUsage"]
    return signed_model(usual(leaf=signer), options={"require_code_signing": True})


@OPEN_USAGE.either("purpose-asked-for-and-there", "REF-CERT-05", ours="accept")
def purpose_asked_for_and_there() -> Edit:
    """The leaf's ExtendedKeyUsage has codeSigning, and the caller asked for it."""
    return option("require_code_signing", True)


@OPEN_USAGE.either("no-basic-constraints", "RFC5280-04", ours="accept")
def no_basic_constraints() -> Edit:
    """The leaf has no BasicConstraints."""
    return remove_at("chain", of("leaf", "extensions/basicConstraints"))


@OPEN_USAGE.either("marked-as-ca", "REF-CERT-02", ours="accept")
def marked_as_ca() -> Edit:
    """The leaf is a CA by its BasicConstraints and has no keyCertSign, as certificates of released clients are."""
    return change("leaf", "extensions/basicConstraints/ca", True)


@OPEN_USAGE.either("ca-that-signs", "REF-CERT-02", control="among-others")
def ca_that_signs() -> Edit:
    """The signer's certificate is that of an authority, with digitalSignature and keyCertSign."""
    return bundled("ca-signer", "ca")


@OPEN_USAGE.either("cert-sign-without-ca", "REF-CERT-02")
def cert_sign_without_ca() -> Edit:
    """The leaf's KeyUsage has keyCertSign too, though it is no CA."""
    return change("leaf", "extensions/keyUsage/bits", ["digitalSignature", "keyCertSign"])


@OPEN_USAGE.either("key-usage-not-critical", "RFC5280-09", ours="accept")
def key_usage_not_critical() -> Edit:
    """The leaf's KeyUsage is not critical, though authorities should mark it so."""
    return change("leaf", "extensions/keyUsage/critical", False)


# --- keys and algorithms

CURVES = FAMILY.group(
    severity="medium",
    why="The registry of OMS has P-256, P-384 and P-521 for certificates too.",
    gain="Models that are signed with a registered key can't be verified.",
)


@CURVES.accept("p-384", "OMS-REG-04")
def p_384() -> Edit:
    """The leaf's key is on P-384, and the envelope is signed with SHA-384."""
    return change("leaf", "key", "p384/leaf")


@CURVES.accept("p-521", "OMS-REG-04")
def p_521() -> Edit:
    """The leaf's key is on P-521, and the envelope is signed with SHA-512."""
    return change("leaf", "key", "p521/leaf")


OTHERS = FAMILY.group(
    stage="key",
    stages=("key", "certificate", "signature"),
    why="The registry of OMS has P-256, P-384 and P-521 and no other type or curve, for certificates too.",
    gain="A model verifies with one client and not with another, or by a weaker key than OMS allows.",
)


@OTHERS.reject("leaf-on-secp256k1", "OMS-REG-04")
def leaf_on_secp256k1() -> Edit:
    """The leaf's key is on secp256k1, whose numbers are as long as those of P-256."""
    return change("leaf", "key", "secp256k1/leaf")


@OTHERS.reject("leaf-on-brainpool", "OMS-REG-04")
def leaf_on_brainpool() -> Edit:
    """The leaf's key is on brainpoolP256r1."""
    return change("leaf", "key", "brainpoolP256r1/leaf")


@OTHERS.reject("leaf-on-p-224", "OMS-REG-04")
def leaf_on_p_224() -> Edit:
    """The leaf's key is on P-224, which is weaker than OMS allows."""
    return change("leaf", "key", "p224/leaf")


@OTHERS.reject("leaf-with-rsa", "OMS-REG-04")
def leaf_with_rsa() -> Edit:
    """The leaf's key is an RSA key of 2048 bits; the envelope is signed by PKCS #1 with SHA-256."""
    return change("leaf", "key", "rsa/model")


@OTHERS.reject("leaf-with-ed25519", "OMS-REG-04")
def leaf_with_ed25519() -> Edit:
    """The leaf's key is an Ed25519 key."""
    return change("leaf", "key", "ed25519/leaf")


FORMS = FAMILY.group(
    severity="low",
    why="RFC 5480 has keys name their curve, and lets verifiers do without compressed points.",
    gain="Numbers in place of a name have let attackers choose the base point.",
)


@FORMS.either("curve-spelled-out", "OMS-REG-04", stage="key")
def curve_spelled_out() -> Edit:
    """The leaf's key is on P-256, which is given by its numbers and not by its name."""
    return change("leaf", "key_form", "explicit curve")


@FORMS.either("compressed-point", "OMS-REG-04", ours="accept")
def compressed_point() -> Edit:
    """The leaf's key is a compressed point."""
    return change("leaf", "key_form", "compressed point")


AUTHORITIES = FAMILY.group(
    severity="low",
    why="OMS registers algorithms for the signer; RFC 5280 and those that go with it have more for authorities.",
    gain="Signers of most authorities can't be verified.",
)


@AUTHORITIES.accept("intermediate-with-rsa", "RFC5280-02")
def intermediate_with_rsa() -> Edit:
    """The intermediate's key is an RSA key of 2048 bits, as the authority of released clients has one."""
    return change("ca", "key", "rsa/model")


@AUTHORITIES.accept("leaf-signed-with-sha-512", "RFC5280-02")
def leaf_signed_with_sha_512() -> Edit:
    """The intermediate signed the leaf with P-256 and SHA-512."""
    return change("leaf", "hash", "sha512")


@AUTHORITIES.accept("intermediate-on-p-384", "RFC5280-02")
def intermediate_on_p_384() -> Edit:
    """The intermediate's key is on P-384, and it signed the leaf with SHA-384."""
    return change("ca", "key", "p384/ca")


WEAK = FAMILY.group(
    why="OMS and RFC 5280 do not say which algorithms of authorities are too weak.",
    gain="A certificate is forged by who can break a weak hash or key.",
)


@WEAK.either("leaf-signed-with-sha-1", "REF-CERT-04")
def leaf_signed_with_sha_1() -> Edit:
    """The leaf is signed with SHA-1."""
    return change("leaf", "hash", "sha1")


@WEAK.either("intermediate-signed-with-sha-1", "REF-CERT-04")
def intermediate_signed_with_sha_1() -> Edit:
    """The intermediate is signed with SHA-1."""
    return change("ca", "hash", "sha1")


@WEAK.either("leaf-signed-with-sha-224", "REF-CERT-04", severity="low")
def leaf_signed_with_sha_224() -> Edit:
    """The leaf is signed with SHA-224."""
    return change("leaf", "hash", "sha224")


@WEAK.either("intermediate-with-rsa-1024", "REF-CERT-04")
def intermediate_with_rsa_1024() -> Edit:
    """The intermediate's key is an RSA key of 1024 bits."""
    return change("ca", "key", "rsa1024/ca")


@WEAK.either("intermediate-on-secp256k1", "REF-CERT-04", severity="low")
def intermediate_on_secp256k1() -> Edit:
    """The intermediate's key is on secp256k1."""
    return change("ca", "key", "secp256k1/ca")


# --- the signature over the model

SIGNATURE = FAMILY.group(
    stage="signature",
    severity="high",
    why="The signature has to hold with the key of the leaf over the pre-authentication encoding (DSSE).",
    gain="Anybody signs models in the name of the holder of the certificate.",
)


@SIGNATURE.reject("signature-changed", "DSSE-01")
def signature_changed() -> Edit:
    """The last bit of the signature over the model is another one."""
    return signature("flip", byte=-1)


@SIGNATURE.reject("signature-by-another-key", "DSSE-01")
def signature_by_another_key() -> Edit:
    """The signature over the model is by a key that no certificate is for."""
    return signature("resign", key="p256/attacker")


@SIGNATURE.reject("signature-by-the-intermediate", "DSSE-01")
def signature_by_the_intermediate() -> Edit:
    """The signature over the model is by the key of the intermediate, which is in the bundle too."""
    return signature("resign", key="p256/ca")


@SIGNATURE.reject("signature-over-the-payload-alone", "DSSE-01")
def signature_over_the_payload_alone() -> Edit:
    """The leaf's key signed the payload and not its pre-authentication encoding."""
    return signature("over", what="the payload alone")


@SIGNATURE.reject("signature-with-another-hash", "DSSE-01", "OMS-REG-04", control="p-384", severity="medium")
def signature_with_another_hash() -> Edit:
    """The leaf's key is on P-384, and signed with SHA-256."""
    return signature("resign", hash="sha256")


@SIGNATURE.reject("another-leaf", "DSSE-01", control="among-others")
def another_leaf() -> Edit:
    """In the leaf's place stands another one of the same authority, as good as it, for another key."""
    return bundled("other-leaf", "ca")


@SIGNATURE.reject(
    "contents-changed",
    "OMS-8.4-01",
    stage="digest",
    why="A listed file whose contents differ makes verification fail, whatever the method.",
    gain="A model is replaced while its signature holds.",
)
def contents_changed() -> Edit:
    """The chain is good, and the contents of the model are others than those signed."""
    path = next(iter(FILES))
    return tree("replace", path=path, entry=file(path, {"seed": "another model", "length": 100}))
