"""The predicate: its shape, the resources' members, and the parameters of the serialization."""

from __future__ import annotations

from conformance.generate.edits import move_at, remove_at, rooted, set_at, substitute
from conformance.generate.kit import Edit, Family, Material, digest_of, file, key_case

FAMILY = Family(
    "predicate",
    "Predicate and serialization",
    stage="predicate",
    stages=("predicate", "statement"),
    control="plain",
    why="OMS has a verifier check that the predicate is there and has the prescribed members and types (8.3).",
    gain="A client that goes on with a default for what is missing verifies by other rules than were signed.",
)
RESOURCE, SERIALIZATION = "/predicate/resources/0", "/predicate/serialization"
CONFIG = '{"hidden": 768}'


@FAMILY.control("plain", "OMS-5.2-01", "OMS-8.3-04")
def plain() -> Material:
    """A predicate with two resources, the method files and SHA-256."""
    return key_case({"config.json": CONFIG, "weights.bin": {"seed": "predicate", "length": 70}})


@FAMILY.control("excused", "OMS-8.5-03")
def excused() -> Material:
    """A model of one signed and one unsigned file, verified by a caller who excuses unsigned files."""
    return key_case(
        {"config.json": CONFIG}, unsigned=[file("extra.py", "pass")], options={"ignore_unsigned_files": True}
    )


@FAMILY.reject("absent", "OMS-8.3-04", severity="high")
def absent() -> Edit:
    """The statement has no predicate."""
    return remove_at("payload", "/predicate")


@FAMILY.reject("null", "OMS-8.3-04", severity="high", control="excused")
def null() -> Edit:
    """The predicate is null, and the caller excuses unsigned files."""
    return set_at("payload", "/predicate", None)


@FAMILY.reject("array", "OMS-8.3-04", severity="low")
def array() -> Edit:
    """The predicate is an array."""
    return set_at("payload", "/predicate", [])


RESOURCES = FAMILY.group(
    severity="high",
    why="OMS has the predicate list at least one resource.",
    gain="A signature over nothing verifies any model where unsigned files are excused or ignored.",
)


@RESOURCES.reject("no-resources", "OMS-5.2-01", "OMS-8.3-04", control="excused")
def no_resources() -> Edit:
    """The predicate has no resources, and the caller excuses unsigned files."""
    return remove_at("payload", "/predicate/resources")


@RESOURCES.reject("resources-null", "OMS-5.2-01", "OMS-8.3-04", control="excused")
def resources_null() -> Edit:
    """The member resources is null, and the caller excuses unsigned files."""
    return set_at("payload", "/predicate/resources", None)


@RESOURCES.reject("resources-empty", "OMS-5.2.1-04", control="excused")
def resources_empty() -> Edit:
    """The list of resources is empty, the root digest is that of nothing, and the caller excuses unsigned files."""
    return rooted(set_at("payload", "/predicate/resources", []))


@RESOURCES.reject("resources-object", "OMS-5.2-01", "OMS-8.3-04", severity="medium", control="excused")
def resources_object() -> Edit:
    """The member resources is an empty object."""
    return set_at("payload", "/predicate/resources", {})


EACH = FAMILY.group(
    why="OMS has every resource be an object with a name, a digest and an algorithm.",
    gain="A resource that is not understood is passed over, and its file is not checked.",
)


@EACH.reject("resource-null", "OMS-5.2.1-01")
def resource_null() -> Edit:
    """A resource is null."""
    return set_at("payload", RESOURCE, None)


@EACH.reject("no-name", "OMS-5.2.1-01")
def no_name() -> Edit:
    """A resource has no name."""
    return remove_at("payload", RESOURCE + "/name")


@EACH.reject("name-number", "OMS-5.2.1-01", severity="low")
def name_number() -> Edit:
    """A resource's name is a number."""
    return set_at("payload", RESOURCE + "/name", 7)


@EACH.reject("name-in-an-array", "OMS-5.2.1-01", severity="low")
def name_in_an_array() -> Edit:
    """A resource's name is an array of its parts."""
    return set_at("payload", RESOURCE + "/name", ["config.json"])


@EACH.reject("no-digest", "OMS-5.2.1-02", severity="high")
def no_digest() -> Edit:
    """A resource has no digest."""
    return remove_at("payload", RESOURCE + "/digest")


@EACH.reject("digest-null", "OMS-5.2.1-02", severity="high")
def digest_null() -> Edit:
    """A resource's digest is null."""
    return set_at("payload", RESOURCE + "/digest", None)


@EACH.reject(
    "digest-empty", "OMS-5.2.1-02", severity="high", stages=("predicate", "statement", "root-digest", "digest")
)
def digest_empty() -> Edit:
    """A resource's digest is empty."""
    return rooted(set_at("payload", RESOURCE + "/digest", ""))


@EACH.reject("digest-cut", "OMS-5.2.1-02", severity="high", stages=("predicate", "statement", "root-digest", "digest"))
def digest_cut() -> Edit:
    """A resource's digest is the first 16 bytes of the right one."""
    return rooted(set_at("payload", RESOURCE + "/digest", digest_of("sha256", CONFIG.encode())[:32]))


@EACH.reject("digest-upper-case", "OMS-5.2.1-02", severity="low", stages=("predicate", "statement", "digest"))
def digest_upper_case() -> Edit:
    """A resource's digest is in upper case, where OMS's schema has lower-case hex."""
    return set_at("payload", RESOURCE + "/digest", digest_of("sha256", CONFIG.encode()).upper())


@EACH.reject(
    "digest-with-algorithm", "OMS-5.2.1-02", severity="low", stages=("predicate", "statement", "root-digest", "digest")
)
def digest_with_algorithm() -> Edit:
    """A resource's digest has its algorithm in front."""
    return set_at("payload", RESOURCE + "/digest", "sha256:" + digest_of("sha256", CONFIG.encode()))


@EACH.reject(
    "digest-with-space", "OMS-5.2.1-02", severity="low", stages=("predicate", "statement", "root-digest", "digest")
)
def digest_with_space() -> Edit:
    """A resource's digest has a space between its bytes, which some hex decoders skip."""
    hex_digest = digest_of("sha256", CONFIG.encode())
    return set_at("payload", RESOURCE + "/digest", hex_digest[:2] + " " + hex_digest[2:])


@EACH.reject("digest-object", "OMS-5.2.1-02", severity="medium")
def digest_object() -> Edit:
    """A resource's digest is an object, as in-toto's resource descriptors have it."""
    return move_at("payload", RESOURCE + "/digest", RESOURCE + "/sha256")


@EACH.reject("no-algorithm", "OMS-5.2.1-03")
def no_algorithm() -> Edit:
    """A resource has no algorithm."""
    return remove_at("payload", RESOURCE + "/algorithm")


@EACH.reject("algorithm-null", "OMS-5.2.1-03")
def algorithm_null() -> Edit:
    """A resource's algorithm is null."""
    return set_at("payload", RESOURCE + "/algorithm", None)


@EACH.reject("algorithm-unregistered", "OMS-7-01", why="OMS has algorithms be named as its registry names them.")
def algorithm_unregistered() -> Edit:
    """A resource's algorithm is md5, which is not registered."""
    return set_at("payload", RESOURCE + "/algorithm", "md5")


@EACH.reject(
    "algorithm-upper-case", "OMS-7-01", severity="low", why="OMS has algorithms be named as its registry names them."
)
def algorithm_upper_case() -> Edit:
    """A resource's algorithm is SHA256 in capitals."""
    return set_at("payload", RESOURCE + "/algorithm", "SHA256")


@EACH.either(
    "algorithm-of-another",
    "REF-PREDICATE-04",
    why="OMS has the algorithm equal hash_type for shards, and does not say so for files.",
)
def algorithm_of_another() -> Edit:
    """A resource's algorithm is blake3, and hash_type and digest are those of sha256."""
    return set_at("payload", RESOURCE + "/algorithm", "blake3")


@EACH.accept(
    "unknown-member-of-resource",
    "OMS-5.2.1-07",
    why="OMS has a verifier ignore members of a resource that it does not know.",
    gain="Models that are signed with annotations can't be verified.",
    severity="medium",
)
def unknown_member_of_resource() -> Edit:
    """A resource has a member that OMS does not name."""
    return set_at("payload", RESOURCE + "/size", 15)


METHOD = FAMILY.group(severity="medium")


@METHOD.reject("no-serialization", "OMS-5.2-01", "OMS-8.3-04", severity="high")
def no_serialization() -> Edit:
    """The predicate has no serialization."""
    return remove_at("payload", SERIALIZATION)


@METHOD.reject("serialization-null", "OMS-5.2-01", "OMS-8.3-04")
def serialization_null() -> Edit:
    """The serialization is null."""
    return set_at("payload", SERIALIZATION, None)


@METHOD.reject("no-method", "OMS-5.2.2-01")
def no_method() -> Edit:
    """The serialization has no method."""
    return remove_at("payload", SERIALIZATION + "/method")


@METHOD.reject("method-null", "OMS-5.2.2-01")
def method_null() -> Edit:
    """The method is null."""
    return set_at("payload", SERIALIZATION + "/method", None)


@METHOD.reject("method-unknown", "OMS-5.2.2-01", severity="high")
def method_unknown() -> Edit:
    """The method is one that OMS does not have."""
    return set_at("payload", SERIALIZATION + "/method", "archive")


@METHOD.reject("method-singular", "OMS-5.2.2-01", severity="low")
def method_singular() -> Edit:
    """The method is file and not files."""
    return set_at("payload", SERIALIZATION + "/method", "file")


@METHOD.reject("method-upper-case", "OMS-5.2.2-01", severity="low")
def method_upper_case() -> Edit:
    """The method is Files with a capital letter."""
    return set_at("payload", SERIALIZATION + "/method", "Files")


@METHOD.reject("no-hash-type", "OMS-5.2.2-02")
def no_hash_type() -> Edit:
    """The serialization has no hash_type, which resources name too."""
    return remove_at("payload", SERIALIZATION + "/hash_type")


@METHOD.reject("hash-type-null", "OMS-5.2.2-02")
def hash_type_null() -> Edit:
    """The hash_type is null."""
    return set_at("payload", SERIALIZATION + "/hash_type", None)


@METHOD.reject("hash-type-unregistered", "OMS-5.2.2-02", "OMS-7-01")
def hash_type_unregistered() -> Edit:
    """The hash_type is sha3-256, which OMS's registry does not have."""
    return set_at("payload", SERIALIZATION + "/hash_type", "sha3-256")


@METHOD.reject("hash-type-dash", "OMS-5.2.2-02", "OMS-7-01", severity="low")
def hash_type_dash() -> Edit:
    """The hash_type is written sha-256."""
    return set_at("payload", SERIALIZATION + "/hash_type", "sha-256")


@METHOD.reject("hash-type-upper-case", "OMS-5.2.2-02", "OMS-7-01", severity="low")
def hash_type_upper_case() -> Edit:
    """The hash_type is SHA256 in capitals."""
    return set_at("payload", SERIALIZATION + "/hash_type", "SHA256")


@METHOD.reject(
    "shard-size-with-files",
    "OMS-5.2.2-04",
    why="OMS has shard_size be absent with the method files.",
    gain="A client that goes by shard_size reads the model in another way than one that goes by the method.",
)
def shard_size_with_files() -> Edit:
    """The method is files, and there is a shard_size."""
    return set_at("payload", SERIALIZATION + "/shard_size", 1000000000)


LINKS = FAMILY.group(
    why="OMS has allow_symlinks be there and be true or false.",
    gain="A client that takes what is missing or odd for true follows links that nobody signed.",
)


@LINKS.reject("no-allow-symlinks", "OMS-5.2.2-05")
def no_allow_symlinks() -> Edit:
    """The serialization has no allow_symlinks."""
    return remove_at("payload", SERIALIZATION + "/allow_symlinks")


@LINKS.reject("allow-symlinks-null", "OMS-5.2.2-05", severity="low")
def allow_symlinks_null() -> Edit:
    """The member allow_symlinks is null."""
    return set_at("payload", SERIALIZATION + "/allow_symlinks", None)


@LINKS.reject("allow-symlinks-string", "OMS-5.2.2-05")
def allow_symlinks_string() -> Edit:
    """The member allow_symlinks is the string false, which many languages take for true."""
    return set_at("payload", SERIALIZATION + "/allow_symlinks", "false")


@LINKS.reject("allow-symlinks-number", "OMS-5.2.2-05", severity="low")
def allow_symlinks_number() -> Edit:
    """The member allow_symlinks is 0."""
    return set_at("payload", SERIALIZATION + "/allow_symlinks", 0)


IGNORED = FAMILY.group(
    why="OMS has ignore_paths be absent or an array of strings.",
    gain="A client that reads a string as its letters, or passes over what is odd, ignores other paths than others.",
)


@IGNORED.accept(
    "no-ignore-paths",
    "OMS-11.1-07",
    "OMS-5.2.2-06",
    severity="medium",
    why="OMS has a verifier accept an absent ignore_paths.",
    gain="Bundles of released clients can't be verified.",
)
def no_ignore_paths() -> Edit:
    """The serialization has no ignore_paths."""
    return remove_at("payload", SERIALIZATION + "/ignore_paths")


@IGNORED.reject("ignore-paths-null", "OMS-5.2.2-06", severity="low")
def ignore_paths_null() -> Edit:
    """The member ignore_paths is null."""
    return set_at("payload", SERIALIZATION + "/ignore_paths", None)


@IGNORED.reject("ignore-paths-string", "OMS-5.2.2-06")
def ignore_paths_string() -> Edit:
    """The member ignore_paths is a string and not an array of strings."""
    return set_at("payload", SERIALIZATION + "/ignore_paths", "cache")


@IGNORED.reject("ignore-paths-number", "OMS-5.2.2-06", severity="low")
def ignore_paths_number() -> Edit:
    """The array ignore_paths holds a number."""
    return set_at("payload", SERIALIZATION + "/ignore_paths", [1])


@IGNORED.reject("ignore-paths-object", "OMS-5.2.2-06", severity="low")
def ignore_paths_object() -> Edit:
    """The member ignore_paths is an object whose names are paths."""
    return set_at("payload", SERIALIZATION + "/ignore_paths", {"cache": True})


OPEN = FAMILY.group(
    why="OMS's schema forbids it, and in-toto has readers ignore members that they don't know.",
    gain="A later version gives the member a meaning that narrows what is signed, and a client passes over it.",
)


@OPEN.either("unknown-member", "REF-PREDICATE-01")
def unknown_member() -> Edit:
    """The predicate has a member that OMS does not name."""
    return set_at("payload", "/predicate/expires", "2026-01-01T00:00:00Z")


@OPEN.either("unknown-member-of-serialization", "REF-PREDICATE-01")
def unknown_member_of_serialization() -> Edit:
    """The serialization has a member that OMS does not name."""
    return set_at("payload", SERIALIZATION + "/follow", "all")


@OPEN.either(
    "repeated-hash-type", "REF-JSON-02", stage="statement", why="RFC 8259 leaves repeated names to the reader."
)
def repeated_hash_type() -> Edit:
    """The member hash_type is there twice, first as blake2b."""
    return substitute("payload-bytes", '"hash_type":', '"hash_type":"blake2b","hash_type":')


@OPEN.either(
    "repeated-name",
    "REF-JSON-02",
    stage="statement",
    severity="high",
    why="RFC 8259 leaves repeated names to the reader.",
)
def repeated_name() -> Edit:
    """The name of a resource is there twice, first as that of another file."""
    return substitute("payload-bytes", '"name":"config.json"', '"name":"config.txt","name":"config.json"')


LAST = EACH.group(severity="high", gain="A client that checks the first resource only verifies one file.")
SECOND = "/predicate/resources/1"


@LAST.reject("last-without-digest", "OMS-5.2.1-02")
def last_without_digest() -> Edit:
    """The last resource has no digest."""
    return remove_at("payload", SECOND + "/digest")


@LAST.reject("last-without-name", "OMS-5.2.1-01", stages=("predicate", "statement", "names"))
def last_without_name() -> Edit:
    """The last resource has no name."""
    return remove_at("payload", SECOND + "/name")


@LAST.reject("last-without-algorithm", "OMS-5.2.1-03")
def last_without_algorithm() -> Edit:
    """The last resource has no algorithm."""
    return remove_at("payload", SECOND + "/algorithm")


@LAST.reject(
    "last-algorithm-unregistered",
    "OMS-7-01",
    why="OMS has algorithms be named as its registry names them.",
    severity="medium",
)
def last_algorithm_unregistered() -> Edit:
    """The last resource's algorithm is md5, which is not registered."""
    return set_at("payload", SECOND + "/algorithm", "md5")


@EACH.reject("digest-longer", "OMS-5.2.1-02", severity="high")
def digest_longer() -> Edit:
    """A digest has a byte more than its algorithm gives."""
    return rooted(set_at("payload", RESOURCE + "/digest", digest_of("sha256", CONFIG.encode()) + "00"))


@EACH.reject("algorithm-sharded", "OMS-7-01", "OMS-5.2.1-03", "REF-PREDICATE-04", severity="low")
def algorithm_sharded() -> Edit:
    """With the method files, a resource's algorithm is spelled as old clients spelled that of shards."""
    return set_at("payload", RESOURCE + "/algorithm", "sha256-sharded-None")


@METHOD.reject("hash-type-array", "OMS-5.2.2-02")
def hash_type_array() -> Edit:
    """The hash_type is an array that holds it."""
    return set_at("payload", SERIALIZATION + "/hash_type", ["sha256"])
