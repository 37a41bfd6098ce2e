"""The model's files against the manifest: missing, extra, special, unreadable, and links of every kind."""

from __future__ import annotations

from conformance.generate.edits import model, option, set_at, tree
from conformance.generate.kit import Content, Edit, Family, Material, directory, file, hardlink, key_case, link, special

FAMILY = Family(
    "files",
    "Files: missing, extra, empty, special, links, unreadable",
    stage="files",
    stages=("files",),
    control="plain",
)

CODE = "import this\n"
FILES: dict[str, Content] = {"code/a.py": CODE, "code/b.py": "pass\n", "weights.bin": {"seed": "files", "length": 90}}


@FAMILY.control("plain", "OMS-8.4-01", "OMS-8.5-01")
def plain() -> Material:
    """Three files, two of them in a folder, and nothing else."""
    return key_case(FILES)


@FAMILY.control(
    "excused", "OMS-8.5-02", "OMS-8.5-03", why="OMS has no extra file refused where the caller excuses them."
)
def excused() -> Material:
    """Three files and an unsigned fourth, verified by a caller who excuses unsigned files."""
    return key_case(FILES, unsigned=[file("notes.txt", "unsigned")], options={"ignore_unsigned_files": True})


MISSING = FAMILY.group(
    severity="high",
    why="OMS has a listed file that is missing fail verification.",
    gain="A model with a part taken out, a safety filter for instance, still passes as signed.",
)


@MISSING.reject("missing", "OMS-8.4-01")
def missing() -> Edit:
    """A signed file is missing."""
    return tree("remove", path="code/b.py")


@MISSING.reject("missing-excused", "OMS-8.4-01", "OMS-8.5-02", control="excused")
def missing_excused() -> Edit:
    """A signed file is missing, and the caller excuses unsigned files."""
    return tree("remove", path="weights.bin")


@MISSING.reject("renamed", "OMS-8.4-01", "OMS-8.5-01")
def renamed() -> Edit:
    """A signed file was renamed."""
    return tree("rename", path="code/b.py", to="code/c.py")


@MISSING.reject("moved-up", "OMS-8.4-01", "OMS-8.5-01")
def moved_up() -> Edit:
    """A signed file was moved to the folder above, under the same base name."""
    return tree("rename", path="code/b.py", to="b.py")


@MISSING.reject("folder-in-its-place", "OMS-8.4-01", severity="medium")
def folder_in_its_place() -> Edit:
    """A folder has the name of a signed file."""
    return tree("replace", path="code/b.py", entry=directory("code/b.py"))


@MISSING.reject("file-in-the-place-of-a-folder", "OMS-8.4-01", severity="medium", control="excused-outer")
def file_in_the_place_of_a_folder() -> Edit:
    """A file has the name of the folder that a signed file lies in, and the caller excuses unsigned files."""
    return tree("replace", path="outer/inner.py", entry=file("outer", CODE))


@FAMILY.control("excused-outer", "OMS-8.5-02")
def excused_outer() -> Material:
    """A file alone in a folder, verified by a caller who excuses unsigned files."""
    return key_case({"outer/inner.py": CODE, "z.bin": "z"}, options={"ignore_unsigned_files": True})


EXTRA = FAMILY.group(
    severity="high",
    why="OMS has a file that is not listed fail verification, unless the caller excuses such files.",
    gain="Code that nobody signed lies in a model that passes as signed.",
)


def add(path: str) -> Edit:
    """One more file in the tree, signed by nobody."""
    return tree("add", entry=file(path, "unsigned"))


@EXTRA.reject("extra", "OMS-8.5-01")
def extra() -> Edit:
    """A file beside the signed ones is not signed."""
    return add("sitecustomize.py")


@EXTRA.reject("extra-in-folder", "OMS-8.5-01")
def extra_in_folder() -> Edit:
    """A file in a folder of signed ones is not signed."""
    return add("code/__init__.py")


@EXTRA.reject("extra-in-new-folder", "OMS-8.5-01")
def extra_in_new_folder() -> Edit:
    """A file three folders down, in folders without a signed file, is not signed."""
    return add("x/y/z.py")


@EXTRA.reject("extra-hidden", "OMS-8.5-01")
def extra_hidden() -> Edit:
    """A file whose name starts with a dot is not signed."""
    return add(".pth")


@EXTRA.reject("extra-in-hidden-folder", "OMS-8.5-01")
def extra_in_hidden_folder() -> Edit:
    """A file in a folder whose name starts with a dot is not signed."""
    return add(".cache/a.py")


@EXTRA.reject("extra-empty", "OMS-8.5-01")
def extra_empty() -> Edit:
    """A file of zero bytes is not signed."""
    return tree("add", entry=file("__init__.py", ""))


@EXTRA.reject("extra-pycache", "OMS-8.5-01", severity="medium")
def extra_pycache() -> Edit:
    """A file in __pycache__, which Python loads in place of the source, is not signed."""
    return add("code/__pycache__/a.cpython-311.pyc")


@EXTRA.reject(
    "extra-signature",
    "OMS-8.5-01",
    severity="medium",
    why="OMS leaves out the signature file, not every file that looks like one.",
)
def extra_signature() -> Edit:
    """A file with the extension .sig, which is not the bundle being verified, is not signed."""
    return add("other.sig")


@EXTRA.reject(
    "extra-named-as-the-bundle",
    "OMS-8.5-01",
    severity="medium",
    why="OMS leaves out the signature file, not files of its name elsewhere.",
)
def extra_named_as_the_bundle() -> Edit:
    """A file in the model has the name of the bundle, which lies beside the model."""
    return add("model.sig")


@EXTRA.reject("extra-prefix", "OMS-8.5-01", severity="medium")
def extra_prefix() -> Edit:
    """An unsigned file's name starts with that of a signed one."""
    return add("weights.bin.py")


@EXTRA.reject("extra-not-utf-8", "OMS-8.5-01", "OMS-6.1.2-09", severity="medium")
def extra_not_utf_8() -> Edit:
    """A file whose name is not UTF-8 is not signed."""
    return tree("add", entry=file({"hex": b"code\xff.py".hex()}, "unsigned"))


@EXTRA.accept(
    "empty-folder",
    "OMS-8.5-01",
    severity="low",
    why="OMS is about files; a folder is neither listed nor extra.",
    gain="A model can't be verified because of an empty folder.",
)
def empty_folder() -> Edit:
    """The model has an empty folder more."""
    return tree("add", entry=directory("logs"))


@EXTRA.accept(
    "signed-and-empty",
    "OMS-8.4-01",
    severity="medium",
    why="With the method files an empty file is listed as any other.",
    gain="A model with an empty file can't be verified.",
)
def signed_and_empty() -> Edit:
    """A file of zero bytes is signed."""
    return model("add", "code/__init__.py", content="")


@EXTRA.reject(
    "signed-and-empty-missing",
    "OMS-8.4-01",
    control="signed-and-empty",
    severity="medium",
    gain="Taking an empty file out changes what is imported, or switches something off.",
)
def signed_and_empty_missing() -> Edit:
    """A signed file of zero bytes is missing."""
    return tree("remove", path="code/__init__.py")


@EXTRA.accept(
    "bundle-in-the-model",
    "OMS-6.2-04",
    severity="medium",
    why="OMS has the signature file be no part of the model, at verifying too.",
    gain="A bundle inside its model, where many put it, can't be verified.",
)
def bundle_in_the_model() -> Edit:
    """The bundle lies inside the model and is not recorded as ignored."""
    return {"layer": "placement", "op": "set", "value": "model/model.sig"}


@EXTRA.accept(
    "bundle-deep-in-the-model",
    "OMS-6.2-04",
    why="OMS has the signature file be no part of the model, at verifying too.",
    gain="A bundle in a folder of its model can't be verified.",
)
def bundle_deep_in_the_model() -> Edit:
    """The bundle lies in a folder of the model."""
    return {"layer": "placement", "op": "set", "value": "model/signatures/oms.sig"}


@EXTRA.reject("two-bundles", "OMS-8.5-01", control="bundle-in-the-model", severity="medium")
def two_bundles() -> Edit:
    """The bundle lies inside the model, and so does another file with the extension .sig."""
    return add("old.sig")


EMPTY = FAMILY.group(
    severity="high", why="OMS has a model without files be refused.", gain="An emptied model passes as signed."
)


@EMPTY.reject("all-gone", "OMS-8.4-01", "OMS-6.1-03", control="one-file")
def all_gone() -> Edit:
    """The only file of the model is gone, and the folder is empty."""
    return tree("remove", path="only.bin")


@EMPTY.control("one-file", "OMS-8.4-01")
def one_file() -> Material:
    """A model of one file in a folder."""
    return key_case({"only.bin": "only"})


SPECIAL = FAMILY.group(
    why="A listed resource is a regular file with its contents.",
    gain="A client that opens it hangs, or reads what another program gives it, once and differently later.",
)


@SPECIAL.reject("fifo-for-a-file", "OMS-8.4-01", "REF-FILES-01", severity="high")
def fifo_for_a_file() -> Edit:
    """A signed file was replaced by a FIFO, which nobody writes to."""
    return tree("replace", path="code/b.py", entry=special("code/b.py", "fifo"))


@SPECIAL.reject(
    "fifo-for-a-file-excused", "OMS-8.4-01", "REF-FILES-01", "OMS-8.5-02", severity="high", control="excused"
)
def fifo_for_a_file_excused() -> Edit:
    """A signed file was replaced by a FIFO, and the caller excuses unsigned files."""
    return tree("replace", path="code/b.py", entry=special("code/b.py", "fifo"))


@SPECIAL.either(
    "extra-fifo",
    "REF-FILES-01",
    why="OMS has signers list regular files, and does not say what a verifier does with others.",
)
def extra_fifo() -> Edit:
    """A FIFO lies beside the signed files."""
    return tree("add", entry=special("pipe", "fifo"))


@SPECIAL.either(
    "extra-socket",
    "REF-FILES-01",
    severity="low",
    why="OMS has signers list regular files, and does not say what a verifier does with others.",
)
def extra_socket() -> Edit:
    """A socket lies beside the signed files."""
    return tree("add", entry=special("socket", "socket"))


@SPECIAL.accept(
    "extra-fifo-excused",
    "OMS-8.5-03",
    control="excused",
    severity="medium",
    why="OMS has nothing extra refused where the caller excuses it.",
    gain="A client hangs on something that it was told to leave alone.",
)
def extra_fifo_excused() -> Edit:
    """A FIFO lies beside the signed files, and the caller excuses unsigned files."""
    return tree("add", entry=special("pipe", "fifo"))


@SPECIAL.accept(
    "hard-link",
    "OMS-8.4-01",
    control="twins",
    severity="low",
    why="Two names of one file are two regular files.",
    gain="Models on storage that shares equal files can't be verified.",
)
def hard_link() -> Edit:
    """Two signed files with equal contents are two names of one file."""
    return tree("replace", path="twin.bin", entry=hardlink("twin.bin", "one.bin"))


@FAMILY.control("twins", "OMS-8.4-01")
def twins() -> Material:
    """Two files have the same contents."""
    return key_case({"one.bin": "twins", "twin.bin": "twins"})


UNREADABLE = FAMILY.group(
    severity="high",
    why="What can't be read was not compared; OMS has every listed file checked and every other refused.",
    gain="Content that the verifier may not read, and its user may, passes as signed.",
)


@UNREADABLE.reject("unreadable", "OMS-8.4-01", "REF-FILES-02")
def unreadable() -> Edit:
    """A signed file can't be read."""
    return tree("replace", path="code/b.py", entry=file("code/b.py", "pass\n", mode="0000"))


@UNREADABLE.reject("unreadable-excused", "OMS-8.4-01", "OMS-8.5-02", "REF-FILES-02", control="excused")
def unreadable_excused() -> Edit:
    """A signed file can't be read, and the caller excuses unsigned files."""
    return tree("replace", path="code/b.py", entry=file("code/b.py", "pass\n", mode="0000"))


@UNREADABLE.reject("unlistable-folder", "OMS-8.5-01", "REF-FILES-02")
def unlistable_folder() -> Edit:
    """A folder that can be entered and not listed holds an unsigned file."""
    return tree("add", entries=[directory("data", mode="0311"), file("data/extra.py", "unsigned")])


@UNREADABLE.either(
    "unlistable-empty-folder",
    "REF-FILES-02",
    severity="medium",
    why="OMS does not speak of folders; there is no extra file, and a verifier can't know.",
)
def unlistable_empty_folder() -> Edit:
    """A folder that can't be listed is empty."""
    return tree("add", entry=directory("data", mode="0311"))


@UNREADABLE.either(
    "unlistable-folder-excused",
    "REF-FILES-02",
    "OMS-8.5-03",
    ours="accept",
    control="excused",
    severity="low",
    why="OMS has nothing extra refused where the caller excuses it, and does not speak of folders that hide it.",
    gain="A model can't be verified because of a folder that nobody asked about.",
)
def unlistable_folder_excused() -> Edit:
    """A folder that can't be listed holds an unsigned file, and the caller excuses unsigned files."""
    return tree("add", entries=[directory("data", mode="0311"), file("data/extra.py", "unsigned")])


@UNREADABLE.reject("unreadable-extra", "OMS-8.5-01", severity="medium")
def unreadable_extra() -> Edit:
    """An unsigned file can't be read."""
    return tree("add", entry=file("secret.py", "unsigned", mode="0000"))


@UNREADABLE.accept(
    "unreadable-extra-excused",
    "OMS-8.5-03",
    control="excused",
    severity="medium",
    why="OMS has nothing extra refused where the caller excuses it.",
    gain="A model can't be verified because of a file that nobody asked about.",
)
def unreadable_extra_excused() -> Edit:
    """An unsigned file can't be read, and the caller excuses unsigned files."""
    return tree("add", entry=file("secret.py", "unsigned", mode="0000"))


LINKS = FAMILY.group(
    severity="high",
    why="With allow_symlinks false no resource is a symbolic link, and a verifier goes by what was recorded.",
    gain="What the link leads to can be changed after verification, by whoever owns it.",
)
OUT = "../outside.py"


@LINKS.control("file-outside", "OMS-6.1.1-07")
def file_outside() -> Material:
    """Three files, and outside of the model a file and a folder with the same contents."""
    outside = [file("outside.py", CODE), file("elsewhere/a.py", CODE), file("elsewhere/b.py", "pass\n")]
    return key_case({**FILES, "more.txt": "file-outside"}, outside=outside)


@LINKS.reject("link-out-for-a-file", "OMS-6.1.1-03", "OMS-6.1.1-07", control="file-outside")
def link_out_for_a_file() -> Edit:
    """A signed file was replaced by a link to a file outside of the model with the same contents."""
    return tree("replace", path="code/a.py", entry=link("code/a.py", "../../outside.py"))


@LINKS.reject("link-in-for-a-file", "OMS-6.1.1-03", "OMS-6.1.1-07", control="twins", severity="medium")
def link_in_for_a_file() -> Edit:
    """A signed file was replaced by a link to another file of the model with the same contents."""
    return tree("replace", path="twin.bin", entry=link("twin.bin", "one.bin"))


@LINKS.reject("link-for-a-folder", "OMS-6.1.1-03", "OMS-6.1.1-07", control="folder-outside")
def link_for_a_folder() -> Edit:
    """The folder of a signed file was replaced by a link to a folder outside with the same file."""
    return tree("replace", path="code/a.py", entry=link("code", "../elsewhere"))


@LINKS.control("folder-outside", "OMS-6.1.1-07")
def folder_outside() -> Material:
    """A file in a folder, and outside of the model a folder with the same file."""
    return key_case({"code/a.py": CODE, "z.bin": "z"}, outside=[file("elsewhere/a.py", CODE)])


@LINKS.reject("link-for-a-folder-excused", "OMS-6.1.1-03", "OMS-6.1.1-07", control="folder-outside-excused")
def link_for_a_folder_excused() -> Edit:
    """The folder of a signed file was replaced by a link, and the caller excuses unsigned files."""
    return tree("replace", path="code/a.py", entry=link("code", "../elsewhere"))


@LINKS.accept(
    "folder-outside-excused",
    "OMS-8.5-03",
    control="folder-outside",
    severity="low",
    why="The option changes nothing where no file is extra.",
    gain="A client with the option fails on ordinary models.",
)
def folder_outside_excused() -> Edit:
    """A caller excuses unsigned files, and there are none."""
    return option("ignore_unsigned_files", True)


@LINKS.control("one-file-excused", "OMS-8.5-03")
def one_file_excused() -> Material:
    """The one file lies in a folder, a folder outside has the same file, and the caller excuses unsigned files."""
    outside = [file("elsewhere/a.py", CODE)]
    return key_case({"code/a.py": CODE}, outside=outside, options={"ignore_unsigned_files": True})


@LINKS.reject("link-for-the-only-folder-excused", "OMS-6.1.1-03", "OMS-6.1.1-07", control="one-file-excused")
def link_for_the_only_folder_excused() -> Edit:
    """The folder of all that is signed was replaced by a link, and the caller excuses unsigned files."""
    return tree("replace", path="code/a.py", entry=link("code", "../elsewhere"))


@LINKS.reject(
    "links-allowed-by-the-caller-alone",
    "OMS-6.1.1-03",
    "OMS-6.1.1-07",
    control="link-out-allowed-twice",
    profile="symlinks",
)
def links_allowed_by_the_caller_alone() -> Edit:
    """A signed name is a link, the caller allows links, and the bundle records that there are none."""
    return set_at("payload", "/predicate/serialization/allow_symlinks", False)


EXTRA_LINK = FAMILY.group(
    why="OMS has extra files refused, and does not say whether a link that nobody listed is one.",
    gain="A link that nobody signed redirects whoever opens it.",
)


@EXTRA_LINK.either("extra-link", "REF-FILES-07")
def extra_link() -> Edit:
    """An unsigned link leads to a signed file."""
    return tree("add", entry=link("latest.bin", "weights.bin"))


@EXTRA_LINK.either("extra-link-out", "REF-FILES-07")
def extra_link_out() -> Edit:
    """An unsigned link leads out of the model."""
    return tree("add", entry=link("home", "../.."))


@EXTRA_LINK.either("extra-link-nowhere", "REF-FILES-07", severity="low")
def extra_link_nowhere() -> Edit:
    """An unsigned link leads nowhere."""
    return tree("add", entry=link("nowhere", "no-such-file"))


@EXTRA_LINK.either("extra-link-to-itself", "REF-FILES-07", severity="low")
def extra_link_to_itself() -> Edit:
    """An unsigned link leads to itself."""
    return tree("add", entry=link("loop", "loop"))


@EXTRA_LINK.accept(
    "extra-link-excused",
    "OMS-8.5-03",
    control="excused",
    severity="low",
    why="OMS has nothing extra refused where the caller excuses it.",
    gain="A model can't be verified because of a link that nobody asked about.",
)
def extra_link_excused() -> Edit:
    """An unsigned link leads out of the model, and the caller excuses unsigned files."""
    return tree("add", entry=link("home", "../.."))


@EXTRA_LINK.either(
    "model-is-a-link",
    "REF-FILES-05",
    control="link-target",
    why="OMS does not speak of the model's own path; released clients refuse a link.",
    gain="The model can be exchanged between verification and use.",
)
def model_is_a_link() -> Edit:
    """The path of the model is a link to the model."""
    return tree("exchange", entries=[link("", "real")])


@FAMILY.control("link-target", "OMS-8.4-01")
def link_target() -> Material:
    """A model of one file, and the same folder again under another name beside it."""
    return key_case({"a.bin": "link target"}, outside=[file("real/a.bin", "link target")])


ALLOWED = FAMILY.group(
    profile="symlinks",
    severity="high",
    why="With allow_symlinks true a link is resolved, and what it leads to is hashed under the link's name.",
    gain="What is behind a link is neither signed nor checked, though it looks so.",
)
BOTH = {"allow_symlinks": True}
ELSEWHERE = [file("outside.py", CODE), file("elsewhere/b.py", "pass\n")]


@ALLOWED.control("link-in-allowed", "OMS-6.1.1-04")
def link_in_allowed() -> Material:
    """Links are allowed by bundle and caller, and one of two signed names is a link to the other."""
    entries = [file("one.bin", "linked"), link("two.bin", "one.bin")]
    return key_case({"one.bin": "linked", "two.bin": "linked"}, entries=entries, allow_symlinks=True, options=BOTH)


@ALLOWED.control("link-out-allowed-twice", "OMS-6.1.1-04")
def link_out_allowed_twice() -> Material:
    """Links are allowed by bundle and caller, and a signed name is a link to a file outside of the model."""
    entries = [link("a.py", OUT), file("z.bin", "z")]
    return key_case({"a.py": CODE, "z.bin": "z"}, entries=entries, outside=ELSEWHERE, allow_symlinks=True, options=BOTH)


@ALLOWED.either(
    "links-allowed-by-the-bundle-alone",
    "REF-FILES-06",
    control="link-out-allowed-twice",
    why="OMS has the recorded value rule; this project has the caller allow links too.",
    gain="A signer has files opened that lie outside of the model on the verifier's machine.",
)
def links_allowed_by_the_bundle_alone() -> Edit:
    """The bundle allows links, and the caller does not."""
    return option("allow_symlinks", False)


@ALLOWED.reject(
    "target-changed", "OMS-8.4-01", control="link-out-allowed-twice", stage="digest", stages=("digest", "files")
)
def target_changed() -> Edit:
    """The file that a signed link leads to has other contents."""
    return tree("replace", layer="outside", path="outside.py", entry=file("outside.py", "import that\n"))


@ALLOWED.reject("target-gone", "OMS-8.4-01", "REF-FILES-04", control="link-out-allowed-twice", severity="medium")
def target_gone() -> Edit:
    """The file that a signed link leads to is gone."""
    return tree("remove", layer="outside", path="outside.py")


@ALLOWED.control("folder-link-allowed", "OMS-6.1.1-04")
def folder_link_allowed() -> Material:
    """Links are allowed by bundle and caller, and a signed file lies behind a link to a folder."""
    entries = [link("code", "../elsewhere"), file("z.bin", "z")]
    files = {"code/b.py": "pass\n", "z.bin": "z"}
    return key_case(files, entries=entries, outside=ELSEWHERE, allow_symlinks=True, options=BOTH)


@ALLOWED.reject("extra-behind-a-folder-link", "OMS-8.5-01", control="folder-link-allowed")
def extra_behind_a_folder_link() -> Edit:
    """An unsigned file lies behind a link to a folder."""
    return tree("add", layer="outside", entry=file("elsewhere/extra.py", "unsigned"))


@ALLOWED.reject(
    "changed-behind-a-folder-link",
    "OMS-8.4-01",
    control="folder-link-allowed",
    stage="digest",
    stages=("digest", "files"),
)
def changed_behind_a_folder_link() -> Edit:
    """A signed file behind a link to a folder has other contents."""
    return tree("replace", layer="outside", path="elsewhere/b.py", entry=file("elsewhere/b.py", "import that\n"))


@ALLOWED.either(
    "cycle",
    "REF-FILES-03",
    control="link-in-allowed",
    severity="medium",
    why="OMS has signers warn of a cycle, and does not say what a verifier does.",
    gain="A client that follows it does not come to an end.",
)
def cycle() -> Edit:
    """A link leads to the folder that it is in."""
    return tree("add", entry=link("again", "."))


@ALLOWED.either(
    "unlisted-link-nowhere",
    "REF-FILES-04",
    control="link-in-allowed",
    severity="low",
    why="OMS does not speak of links that lead nowhere.",
    gain="What the name leads to may come into being later.",
)
def unlisted_link_nowhere() -> Edit:
    """Links are allowed, and one that nobody listed leads nowhere."""
    return tree("add", entry=link("nowhere", "no-such-file"))


SINGLE = FAMILY.group(
    severity="high",
    why="A model that is one file is listed under its base name, and is a regular file with these contents.",
    gain="Another file passes as the signed one.",
)


@SINGLE.control("single-file", "OMS-6.1.2-07", severity="none", gain="A single file can't be verified.")
def single_file() -> Material:
    """The model is one file, and another file lies beside it, which is no part of the model."""
    outside = [file("other.gguf", "beside")]
    return key_case({"model.gguf": "files"}, entries=[file("", "files")], name="model.gguf", outside=outside)


@SINGLE.reject("single-file-changed", "OMS-8.4-01", control="single-file", stage="digest", stages=("digest", "files"))
def single_file_changed() -> Edit:
    """The model is one file with other contents."""
    return tree("exchange", entries=[file("", "other")])


@SINGLE.reject("single-file-is-a-fifo", "OMS-8.4-01", "REF-FILES-01", control="single-file")
def single_file_is_a_fifo() -> Edit:
    """The model is a FIFO, which nobody writes to."""
    return tree("exchange", entries=[special("", "fifo")])


@SINGLE.either(
    "single-file-is-a-link",
    "REF-FILES-05",
    control="single-file-copied",
    severity="medium",
    why="OMS does not speak of the model's own path; released clients refuse a link.",
)
def single_file_is_a_link() -> Edit:
    """The path of the model is a link to a file with the right contents."""
    return tree("exchange", entries=[link("", "copy.gguf")])


@SINGLE.control("single-file-copied", "OMS-6.1.2-07", severity="none", gain="A single file can't be verified.")
def single_file_copied() -> Material:
    """The model is one file, and a copy of it lies beside."""
    outside = [file("copy.gguf", "copied")]
    return key_case({"model.gguf": "copied"}, entries=[file("", "copied")], name="model.gguf", outside=outside)


@SINGLE.reject("folder-for-a-single-file", "OMS-8.4-01", control="single-file-in-a-folder")
def folder_for_a_single_file() -> Edit:
    """The model was a file, and is now a folder of its name with another file in it."""
    return tree("exchange", entries=[file("inner.gguf", "in a folder")])


@SINGLE.control("single-file-in-a-folder", "OMS-6.1.2-07", severity="none", gain="A single file can't be verified.")
def single_file_in_a_folder() -> Material:
    """The model is one file, verified by a caller who excuses unsigned files."""
    options = {"ignore_unsigned_files": True}
    return key_case({"m.gguf": "in a folder"}, entries=[file("", "in a folder")], name="m.gguf", options=options)


@ALLOWED.either(
    "model-is-a-link-and-allowed",
    "REF-FILES-05",
    ours="accept",
    control="link-target-allowed",
    severity="low",
    why="OMS does not speak of the model's own path.",
    gain="None is known where both sides allow links.",
)
def model_is_a_link_and_allowed() -> Edit:
    """The path of the model is a link to the model, and links are allowed by bundle and caller."""
    return tree("exchange", entries=[link("", "real")])


@ALLOWED.control("link-target-allowed", "OMS-8.4-01")
def link_target_allowed() -> Material:
    """Links are allowed by bundle and caller, and there are none; the same folder lies beside the model."""
    outside = [file("real/a.bin", "target allowed")]
    return key_case({"a.bin": "target allowed"}, outside=outside, allow_symlinks=True, options=BOTH)


@EXTRA.reject("extra-of-one-byte-not-utf-8", "OMS-8.5-01", "OMS-6.1.2-09", severity="medium")
def extra_of_one_byte_not_utf_8() -> Edit:
    """The name of an unsigned file is a single byte, which is not UTF-8."""
    return tree("add", entry=file({"hex": "ff"}, "unsigned"))
