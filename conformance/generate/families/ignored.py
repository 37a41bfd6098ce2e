"""Ignored paths, recorded, by default or given by the caller; and unsigned files that the caller excuses."""

from __future__ import annotations

from conformance.generate.edits import apply, option, remove_at, set_at, tree
from conformance.generate.kit import Content, Edit, Family, Material, directory, file, key_case, link, special

FAMILY = Family(
    "ignored",
    "Ignored paths and unsigned files",
    stage="files",
    stages=("files",),
    control="recorded",
    severity="high",
    why="OMS has a file that is neither listed nor under an ignored path fail verification.",
    gain="Files that nobody signed lie in a model that passes as signed.",
)
FILES: dict[str, Content] = {"code/run.py": "pass\n", "weights.bin": {"seed": "ignored", "length": 30}}
IGNORED = "/predicate/serialization/ignore_paths"


def add(path: str) -> Edit:
    """One more file in the tree, signed by nobody."""
    return tree("add", entry=file(path, "unsigned"))


@FAMILY.control("recorded", "OMS-6.2.1-04", "OMS-5.2.2-06")
def recorded() -> Material:
    """A folder and a file are recorded as ignored, and both are there."""
    unsigned = [file("cache/index", "unsigned"), file("code/notes.txt", "unsigned")]
    return key_case(FILES, unsigned=unsigned, ignore_paths=["cache", "code/notes.txt"])


@FAMILY.accept(
    "recorded-deeper",
    "OMS-6.2.1-04",
    severity="medium",
    why="What lies under an ignored folder is ignored, at any depth.",
    gain="Models with ignored folders can't be verified.",
)
def recorded_deeper() -> Edit:
    """A file lies two folders below an ignored one."""
    return add("cache/a/b/c")


@FAMILY.accept(
    "recorded-and-gone",
    "OMS-6.2.1-04",
    severity="medium",
    why="What is ignored need not be there.",
    gain="A model without its cache can't be verified.",
)
def recorded_and_gone() -> Edit:
    """An ignored file is not there."""
    return tree("remove", path="code/notes.txt")


@FAMILY.accept(
    "recorded-in-any-order",
    "OMS-5.2.2-06",
    severity="medium",
    why="OMS prescribes no order of ignored paths.",
    gain="Bundles of released clients can't be verified.",
)
def recorded_in_any_order() -> Edit:
    """The ignored paths are not sorted."""
    return set_at("payload", IGNORED, ["code/notes.txt", "cache"])


@FAMILY.accept(
    "link-under-ignored",
    "OMS-6.2.1-04",
    severity="medium",
    why="What lies under an ignored path is no part of the model.",
    gain="A model can't be verified because of a link in a folder that nobody looks at.",
)
def link_under_ignored() -> Edit:
    """A link that leads out of the model lies under an ignored folder."""
    return tree("add", entry=link("cache/home", "../.."))


@FAMILY.accept(
    "fifo-under-ignored",
    "OMS-6.2.1-04",
    severity="medium",
    why="What lies under an ignored path is no part of the model.",
    gain="A client hangs on something that it was told to leave alone.",
)
def fifo_under_ignored() -> Edit:
    """A FIFO lies under an ignored folder."""
    return tree("add", entry=special("cache/pipe", "fifo"))


@FAMILY.reject("prefix-of-a-name", "OMS-6.2.1-04", "OMS-8.5-01")
def prefix_of_a_name() -> Edit:
    """An unsigned file's name starts with that of an ignored folder."""
    return add("cache.py")


@FAMILY.reject("prefix-of-a-folder", "OMS-6.2.1-04", "OMS-8.5-01")
def prefix_of_a_folder() -> Edit:
    """An unsigned file lies in a folder whose name starts with that of an ignored one."""
    return add("cache2/index")


@FAMILY.reject("same-name-deeper", "OMS-6.2.1-04", "OMS-8.5-01")
def same_name_deeper() -> Edit:
    """An unsigned file lies in a folder of the ignored one's name, inside another folder."""
    return add("code/cache/index")


@FAMILY.reject("same-base-name", "OMS-6.2.1-04", "OMS-8.5-01")
def same_base_name() -> Edit:
    """An unsigned file has the base name of an ignored one, in another folder."""
    return add("notes.txt")


@FAMILY.reject("another-case", "OMS-6.2.1-04", "OMS-8.5-01", "OMS-6.1.2-08", severity="medium")
def another_case() -> Edit:
    """An unsigned folder has the name of the ignored one in upper case."""
    return add("CACHE/index")


@FAMILY.reject("beside-ignored", "OMS-6.2.1-04", "OMS-8.5-01")
def beside_ignored() -> Edit:
    """An unsigned file lies beside an ignored one."""
    return add("code/more.txt")


LISTED = FAMILY.group(
    why="OMS has every listed file verified; to ignore a path excuses what is extra, not what is signed.",
    gain="Whoever may name ignored paths takes files out of the signature.",
)


@LISTED.open_control(
    "listed-under-ignored",
    "OMS-8.4-01",
    why="OMS has listed files verified and ignored ones left out; it does not say which goes first.",
)
def listed_under_ignored() -> Material:
    """A signed file lies under a path that is recorded as ignored."""
    return key_case({**FILES, "cache/kept.bin": "kept"}, ignore_paths=["cache"])


@LISTED.reject(
    "listed-under-ignored-changed",
    "OMS-8.4-01",
    control="listed-under-ignored",
    stage="digest",
    stages=("digest", "files", "predicate"),
)
def listed_under_ignored_changed() -> Edit:
    """A signed file under an ignored path has other contents."""
    return tree("replace", path="cache/kept.bin", entry=file("cache/kept.bin", "other"))


@LISTED.reject(
    "listed-under-ignored-missing", "OMS-8.4-01", control="listed-under-ignored", stages=("files", "predicate")
)
def listed_under_ignored_missing() -> Edit:
    """A signed file under an ignored path is missing."""
    return tree("remove", path="cache/kept.bin")


FORM = FAMILY.group(
    stage="predicate",
    stages=("predicate",),
    severity="medium",
    why="OMS has ignored paths be plain paths relative to the root: no patterns, no leading slash, no `..`.",
    gain="A client that reads the entry as a pattern or resolves it ignores files that others check.",
)


def record(path: str) -> Edit:
    """One recorded path in place of the two."""
    return set_at("payload", IGNORED, ["cache", "code/notes.txt", path])


@FORM.reject("star", "OMS-6.2.1-01", severity="high")
def star() -> Edit:
    """An ignored path is a star."""
    return record("*")


@FORM.reject("star-in-a-folder", "OMS-6.2.1-01")
def star_in_a_folder() -> Edit:
    """An ignored path ends in a slash and a star."""
    return record("code/*")


@FORM.reject("question-mark", "OMS-6.2.1-01")
def question_mark() -> Edit:
    """An ignored path holds a question mark."""
    return record("code/run.p?")


@FORM.reject("brackets", "OMS-6.2.1-01")
def brackets() -> Edit:
    """An ignored path holds a set of characters in brackets."""
    return record("code/[a-z].txt")


@FORM.reject("leading-slash", "OMS-6.2.1-02")
def leading_slash() -> Edit:
    """An ignored path starts with a slash."""
    return record("/data")


@FORM.reject("parent", "OMS-6.2.1-02", severity="high")
def parent() -> Edit:
    """An ignored path is the folder above the model."""
    return record("..")


@FORM.reject("out-and-in", "OMS-6.2.1-02", severity="high")
def out_and_in() -> Edit:
    """An ignored path leads out of the model and back to all of it."""
    return record("../model")


@FORM.reject("in-and-out", "OMS-6.2.1-02", severity="high")
def in_and_out() -> Edit:
    """An ignored path leads into a folder and out of it."""
    return record("code/..")


OPEN = FORM.group(why="OMS rules out patterns, a leading slash and `..`, and does not speak of this.")


@OPEN.either("dot", "REF-IGNORE-01", severity="high")
def dot() -> Edit:
    """An ignored path is a dot, which is all of the model."""
    return record(".")


@OPEN.either("empty", "REF-IGNORE-01", severity="high")
def empty() -> Edit:
    """An ignored path is empty."""
    return record("")


@OPEN.either("dot-in-front", "REF-IGNORE-01")
def dot_in_front() -> Edit:
    """An ignored path starts with a dot and a slash."""
    return record("./code/x")


@OPEN.either("trailing-slash", "REF-IGNORE-01", severity="low")
def trailing_slash() -> Edit:
    """An ignored path ends in a slash."""
    return record("data/")


@OPEN.either("backslash", "REF-IGNORE-01", "OMS-6.2.1-03", severity="low")
def backslash() -> Edit:
    """An ignored path has a backslash between its parts."""
    return record("code\\x")


@OPEN.either("repeated", "OMS-5.2.2-06", ours="accept", severity="low", gain="None is known.")
def repeated() -> Edit:
    """An ignored path is there twice."""
    return record("cache")


GIT = FAMILY.group(
    control="plain",
    severity="medium",
    why="OMS leaves out .git, .gitattributes, .github and .gitignore at the top level by default.",
    gain="A checkout of a signed model can't be verified.",
)


@GIT.control("plain", "OMS-6.2-01")
def plain() -> Material:
    """A model with nothing recorded as ignored."""
    return key_case({**FILES, "plain.txt": "ignored/plain"})


@GIT.accept("git-folder", "OMS-6.2-01")
def git_folder() -> Edit:
    """A .git folder is in the model."""
    return add(".git/config")


@GIT.accept("git-file", "OMS-6.2-01")
def git_file() -> Edit:
    """A file .git, as a submodule has it, is in the model."""
    return add(".git")


@GIT.accept("gitignore", "OMS-6.2-01")
def gitignore() -> Edit:
    """A file .gitignore is in the model."""
    return add(".gitignore")


@GIT.accept("gitattributes", "OMS-6.2-01")
def gitattributes() -> Edit:
    """A file .gitattributes is in the model."""
    return add(".gitattributes")


@GIT.accept("github", "OMS-6.2-01")
def github() -> Edit:
    """A folder .github is in the model."""
    return add(".github/workflows/ci.yml")


@GIT.control(
    "nothing-recorded", "OMS-11.2-01", "OMS-11.1-07", why="With ignore_paths absent the default exclusions apply."
)
def nothing_recorded() -> Material:
    """There is no ignore_paths, and a .git folder is in the model."""
    made = key_case({**FILES, "plain.txt": "nothing recorded"}, unsigned=[file(".git/config", "unsigned")])
    return apply(made, remove_at("payload", IGNORED))


SAFE = FAMILY.group(control="plain")


@SAFE.reject("git-folder-deeper", "OMS-8.5-01", "OMS-6.2-01")
def git_folder_deeper() -> Edit:
    """A .git folder lies in a folder of the model."""
    return add("code/.git/hooks/post-checkout")


@SAFE.reject("gitignore-deeper", "OMS-8.5-01", "OMS-6.2-01", severity="medium")
def gitignore_deeper() -> Edit:
    """A file .gitignore lies in a folder of the model."""
    return add("code/.gitignore")


@SAFE.reject("git-prefix", "OMS-8.5-01", "OMS-6.2-01")
def git_prefix() -> Edit:
    """An unsigned folder's name starts with .git."""
    return add(".git-hooks/run.py")


@SAFE.reject("git-upper-case", "OMS-8.5-01", "OMS-6.1.2-08", severity="medium")
def git_upper_case() -> Edit:
    """An unsigned folder is named .GIT."""
    return add(".GIT/run.py")


@SAFE.either(
    "gitmodules",
    "OMS-6.2-02",
    "OMS-8.5-01",
    severity="low",
    profile="core",
    why="OMS lets a client leave more out, with .gitmodules as its example.",
)
def gitmodules() -> Edit:
    """A file .gitmodules is in the model."""
    return add(".gitmodules")


@SAFE.either(
    "git-folder-not-ignored",
    "OMS-8.5-01",
    control="git-excused-by-caller",
    severity="low",
    why="OMS has a default, and does not say how a caller switches it off.",
)
def git_folder_not_ignored() -> Edit:
    """The caller switches the default exclusions off, and a .git folder is in the model."""
    return option("ignore_git_paths", False)


@SAFE.accept(
    "git-excused-by-caller",
    "OMS-6.2-01",
    severity="low",
    why="OMS leaves .git out by default.",
    gain="A checkout of a signed model can't be verified.",
)
def git_excused_by_caller() -> Edit:
    """A .git folder with one file is in the model."""
    return add(".git/HEAD")


@SAFE.open_control(
    "signed-gitattributes",
    "OMS-8.4-01",
    why="OMS has listed files verified and ignored ones left out; it does not say which goes first.",
)
def signed_gitattributes() -> Material:
    """A file .gitattributes is signed."""
    return key_case({**FILES, ".gitattributes": "*.bin filter=lfs\n"})


@SAFE.reject(
    "signed-gitattributes-changed",
    "OMS-8.4-01",
    control="signed-gitattributes",
    stage="digest",
    stages=("digest", "files"),
    why="OMS has every listed file verified.",
)
def signed_gitattributes_changed() -> Edit:
    """A signed file .gitattributes has other contents."""
    return tree("replace", path=".gitattributes", entry=file(".gitattributes", "* filter=evil\n"))


@SAFE.reject(
    "signed-gitattributes-missing",
    "OMS-8.4-01",
    control="signed-gitattributes",
    severity="medium",
    why="OMS has every listed file verified.",
)
def signed_gitattributes_missing() -> Edit:
    """A signed file .gitattributes is missing."""
    return tree("remove", path=".gitattributes")


CALLER = FAMILY.group(control="caller")


@CALLER.control("caller", "OMS-6.2-03", why="OMS lets a user name paths to leave out.")
def caller() -> Material:
    """The caller names a folder and a file to ignore, and both are there."""
    unsigned = [file("logs/today.txt", "unsigned"), file("code/tmp.txt", "unsigned")]
    return key_case(
        {**FILES, "plain.txt": "caller"}, unsigned=unsigned, options={"ignore_paths": ["logs", "code/tmp.txt"]}
    )


@CALLER.accept(
    "caller-and-not-there",
    "OMS-6.2-03",
    severity="low",
    why="What is ignored need not be there.",
    gain="The same command line fails on one model and not on another.",
)
def caller_and_not_there() -> Edit:
    """The caller names a path that does not exist."""
    return option("ignore_paths", ["logs", "code/tmp.txt", "not-there"])


@CALLER.reject("caller-beside", "OMS-8.5-01")
def caller_beside() -> Edit:
    """An unsigned file lies beside one that the caller ignores."""
    return add("code/tmp.txt.py")


@CALLER.reject("caller-ignores-nothing", "OMS-8.5-01")
def caller_ignores_nothing() -> Edit:
    """The caller names one path, and another unsigned one is there."""
    return option("ignore_paths", ["logs"])


@CALLER.open_control(
    "caller-ignores-a-signed-file",
    "OMS-8.4-01",
    why="OMS has listed files verified and ignored ones left out; it does not say which goes first.",
)
def caller_ignores_a_signed_file() -> Material:
    """The caller ignores a file that is signed and unchanged."""
    return key_case({**FILES, "plain.txt": "signed"}, options={"ignore_paths": ["plain.txt"]})


@CALLER.reject(
    "caller-ignores-a-changed-file",
    "OMS-8.4-01",
    control="caller-ignores-a-signed-file",
    stage="digest",
    stages=("digest", "files"),
    why="OMS has every listed file verified.",
)
def caller_ignores_a_changed_file() -> Edit:
    """The caller ignores a file that is signed and has other contents."""
    return tree("replace", path="plain.txt", entry=file("plain.txt", "changed"))


@CALLER.reject(
    "caller-ignores-a-missing-file",
    "OMS-8.4-01",
    control="caller-ignores-a-signed-file",
    why="OMS has every listed file verified.",
)
def caller_ignores_a_missing_file() -> Edit:
    """The caller ignores a file that is signed and missing."""
    return tree("remove", path="plain.txt")


EXCUSED = FAMILY.group(control="excused")


@EXCUSED.control(
    "excused", "OMS-8.5-03", why="OMS has no file refused for not being listed where the caller excuses such files."
)
def excused() -> Material:
    """Unsigned files are in three places, and the caller excuses them."""
    unsigned = [file("a.txt", "u"), file("code/b.txt", "u"), file("new/c.txt", "u"), directory("empty")]
    return key_case({**FILES, "plain.txt": "excused"}, unsigned=unsigned, options={"ignore_unsigned_files": True})


@EXCUSED.reject("not-excused", "OMS-8.5-01")
def not_excused() -> Edit:
    """The caller says that unsigned files are not excused."""
    return option("ignore_unsigned_files", False)


@EXCUSED.reject(
    "excused-and-changed",
    "OMS-8.5-02",
    "OMS-8.4-01",
    stage="digest",
    stages=("digest", "files"),
    why="OMS has every listed file verified, with unsigned files excused too.",
    gain="Changed code passes as signed.",
)
def excused_and_changed() -> Edit:
    """A signed file has other contents, and unsigned files are excused."""
    return tree("replace", path="code/run.py", entry=file("code/run.py", "evil\n"))


@EXCUSED.reject(
    "excused-and-missing",
    "OMS-8.5-02",
    "OMS-8.4-01",
    why="OMS has every listed file verified, with unsigned files excused too.",
    gain="A model with a part taken out passes as signed.",
)
def excused_and_missing() -> Edit:
    """A signed file is missing, and unsigned files are excused."""
    return tree("remove", path="code/run.py")


PLACE = FAMILY.group(
    control="bundle-inside",
    severity="medium",
    why="OMS leaves out the signature file, and files under recorded paths.",
)


@PLACE.control("bundle-inside", "OMS-6.2-04", "OMS-6.2-05")
def bundle_inside() -> Material:
    """The bundle lies inside the model, under a name that is recorded as ignored."""
    return key_case({**FILES, "plain.txt": "inside"}, bundle_path="model/model.sig", ignore_paths=["model.sig"])


@PLACE.reject("bundle-inside-and-another", "OMS-8.5-01")
def bundle_inside_and_another() -> Edit:
    """Beside the bundle inside the model lies another file of nearly its name."""
    return add("model.sig.bak")


@PLACE.accept(
    "bundle-elsewhere",
    "OMS-6.2-04",
    severity="low",
    why="Where the bundle lies is the caller's business.",
    gain="A bundle that was moved out of its model can't be verified.",
)
def bundle_elsewhere() -> Edit:
    """The bundle lies outside, and the name inside the model that was recorded for it is free."""
    return {"layer": "placement", "op": "set", "value": "signatures/model.sig"}


@PLACE.reject("bundle-name-deeper", "OMS-8.5-01")
def bundle_name_deeper() -> Edit:
    """A file in a folder of the model has the name of the bundle."""
    return add("code/model.sig")


@CALLER.open_control(
    "caller-ignores-a-folder-of-signed-files",
    "OMS-8.4-01",
    why="OMS has listed files verified and ignored ones left out; it does not say which goes first.",
)
def caller_ignores_a_folder_of_signed_files() -> Material:
    """The caller ignores a folder that holds a signed and an unsigned file."""
    unsigned = [file("code/extra.txt", "unsigned")]
    return key_case({**FILES, "plain.txt": "folder"}, unsigned=unsigned, options={"ignore_paths": ["code"]})


@CALLER.reject(
    "caller-ignores-a-folder-with-a-changed-file",
    "OMS-8.4-01",
    control="caller-ignores-a-folder-of-signed-files",
    stage="digest",
    stages=("digest", "files"),
    why="OMS has every listed file verified.",
)
def caller_ignores_a_folder_with_a_changed_file() -> Edit:
    """The caller ignores a folder in which a signed file has other contents."""
    return tree("replace", path="code/run.py", entry=file("code/run.py", "changed"))


ELSEWHERE = PLACE.group(
    why="OMS leaves out the signature file, which is one file however its path is spelled.",
    gain="A model with its bundle inside can't be verified where a folder has two names.",
    severity="low",
)


@ELSEWHERE.accept("bundle-inside-by-a-link-to-the-model", "OMS-6.2-04", control="bundle-inside-linked")
def bundle_inside_by_a_link_to_the_model() -> Edit:
    """The bundle inside the model is given by way of a link to the model."""
    return {"layer": "placement", "op": "set", "value": "alias/model.sig"}


@ELSEWHERE.control("bundle-inside-linked", "OMS-6.2-04")
def bundle_inside_linked() -> Material:
    """The bundle lies inside the model, not recorded, and beside the model is a link to it."""
    return key_case({**FILES, "plain.txt": "linked"}, bundle_path="model/model.sig", outside=[link("alias", "model")])


@ELSEWHERE.control("bundle-is-a-link-into-the-model", "OMS-6.2-04")
def bundle_is_a_link_into_the_model() -> Material:
    """The bundle is given as a link, which leads to a file inside the model that is not recorded."""
    return key_case(
        {**FILES, "plain.txt": "into"}, bundle_path="signature", outside=[link("signature", "model/model.sig")]
    )


@FORM.reject("parent-alone", "OMS-6.2.1-02", control="one-recorded")
def parent_alone() -> Edit:
    """The one recorded ignored path leads out of the model."""
    return set_at("payload", IGNORED, ["../cache"])


@FAMILY.control("one-recorded", "OMS-6.2.1-04")
def one_recorded() -> Material:
    """One folder is recorded as ignored."""
    return key_case({**FILES, "plain.txt": "one"}, unsigned=[file("cache/index", "unsigned")], ignore_paths=["cache"])


@SAFE.either("link-beside-an-excused-one", "REF-FILES-07", control="link-under-ignored", severity="medium")
def link_beside_an_excused_one() -> Edit:
    """One link lies under an ignored folder, and another one lies beside it and is not signed."""
    return tree("add", entry=link("zz", "weights.bin"))


BEHIND = FAMILY.group(control="caller-ignores-behind-a-link", profile="symlinks")
LINKED = {"allow_symlinks": True}


@BEHIND.control("caller-ignores-behind-a-link", "OMS-6.2-03", why="OMS lets a user name paths to leave out.")
def caller_ignores_behind_a_link() -> Material:
    """Links are allowed, and the caller ignores a file behind a link that leads out of the model."""
    entries = [file("weights.bin", "behind"), link("out", "../elsewhere")]
    outside = [file("elsewhere/run.py", "pass\n"), file("elsewhere/notes.txt", "unsigned")]
    files: dict[str, Content] = {"weights.bin": "behind", "out/run.py": "pass\n"}
    options = {**LINKED, "ignore_paths": ["out/notes.txt"]}
    return key_case(files, entries=entries, outside=outside, options=options, allow_symlinks=True)


@BEHIND.reject("caller-ignores-another-behind-a-link", "OMS-8.5-01")
def caller_ignores_another_behind_a_link() -> Edit:
    """The caller ignores another name than that of the unsigned file behind the link."""
    return option("ignore_paths", ["notes.txt"])


@BEHIND.accept(
    "bundle-behind-a-link",
    "OMS-6.2-04",
    severity="low",
    why="OMS leaves out the signature file, by the name that it has in the model.",
    gain="A model with its bundle behind a link can't be verified.",
)
def bundle_behind_a_link() -> Edit:
    """The bundle lies behind a link that leads out of the model, and is given by that name."""
    return {"layer": "placement", "op": "set", "value": "model/out/model.sig"}


ONE_NAME = BEHIND.group(
    why="OMS has a user name paths to leave out, and does not say whether that leaves out all names of one file.",
)


@ONE_NAME.control("caller-ignores-both-names", "OMS-6.2-03")
def caller_ignores_both_names() -> Material:
    """Links are allowed, and the caller ignores a link and the file that it leads to."""
    entries = [file("weights.bin", "both"), file("notes.txt", "unsigned"), link("alias", "notes.txt")]
    options = {**LINKED, "ignore_paths": ["alias", "notes.txt"]}
    return key_case({"weights.bin": "both"}, entries=entries, options=options, allow_symlinks=True)


@ONE_NAME.either("caller-ignores-the-link-alone", "OMS-8.5-01", control="caller-ignores-both-names")
def caller_ignores_the_link_alone() -> Edit:
    """The caller ignores a link, and not the unsigned file that it leads to."""
    return option("ignore_paths", ["alias"])


@ONE_NAME.control("caller-ignores-in-both-folders", "OMS-6.2-03")
def caller_ignores_in_both_folders() -> Material:
    """Links are allowed, one folder is a link to another, and the caller ignores one file by both names."""
    entries = [file("code/run.py", "pass\n"), file("code/notes.txt", "unsigned"), link("alias", "code")]
    files: dict[str, Content] = {"alias/run.py": "pass\n", "code/run.py": "pass\n"}
    options = {**LINKED, "ignore_paths": ["alias/notes.txt", "code/notes.txt"]}
    return key_case(files, entries=entries, options=options, allow_symlinks=True)


@ONE_NAME.either("caller-ignores-in-the-linked-folder", "OMS-8.5-01", control="caller-ignores-in-both-folders")
def caller_ignores_in_the_linked_folder() -> Edit:
    """The caller ignores an unsigned file by its name behind a link, and not by the name in its own folder."""
    return option("ignore_paths", ["alias/notes.txt"])


SPELT = CALLER.group(
    severity="low",
    why="OMS has a user name paths to leave out, and does not say how a path may be spelled.",
    gain="The same command line works by one name of a folder and fails by another.",
)


@SPELT.control("caller-beside-a-link-to-the-model", "OMS-6.2-03")
def caller_beside_a_link_to_the_model() -> Material:
    """The caller ignores a file, and beside the model is a link to it."""
    unsigned, outside = [file("notes.txt", "unsigned")], [link("alias", "model")]
    return key_case(
        {**FILES, "plain.txt": "spelt"}, unsigned=unsigned, outside=outside, options={"ignore_paths": ["notes.txt"]}
    )


@SPELT.either(
    "caller-ignores-by-a-link-to-the-model",
    "OMS-6.2-03",
    control="caller-beside-a-link-to-the-model",
    ours="accept",
)
def caller_ignores_by_a_link_to_the_model() -> Edit:
    """The caller gives the path of an unsigned file by way of a link to the model."""
    return option("ignore_paths", ["../alias/notes.txt"])
