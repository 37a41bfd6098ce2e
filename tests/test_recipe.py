"""The recipes of the spec and the code have the same steps in the same order, and `--explain` shows them.

Run as a program, this writes model_signing_ref/recipe.json from the tables of spec/verification.md and spec/signing.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import model_signing_ref

PACKAGE = Path(model_signing_ref.__file__).parent
SPEC = Path(__file__).parent.parent / "spec"
DATA = PACKAGE / "recipe.json"
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


def plain(cell: str) -> str:
    """A cell without Markdown."""
    return LINK.sub(r"\1", cell).replace("`", "").strip()


def table(path: Path) -> list[dict[str, Any]]:
    """The steps in the tables of a chapter, columns by their headings."""
    found: list[dict[str, Any]] = []
    head: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["Step"]:
            head = cells
        elif not cells:
            head = []
        elif head and set(cells[0]) != {"-"}:
            row = dict(zip(head, map(plain, cells)))
            clauses = re.split(", *", row["Clauses"])
            found.append({"number": row["Step"], "stage": row["Stage"], "clauses": clauses, "text": row["Checked"]})
    return found


def numbered(path: Path) -> list[dict[str, Any]]:
    """The items of a chapter's one numbered list: number, clauses, and the first sentence after the title."""
    found: list[dict[str, Any]] = []
    for match in re.finditer(r"^(\d+)\. ((?:.+\n)(?:   .+\n)*)", path.read_text("utf-8"), re.MULTILINE):
        item = " ".join(match[2].split())
        clauses = re.findall(r"`((?:OMS|REF|RFC\d+)-[A-Z0-9.-]+)`", item)
        bare = re.sub(r" \([^()]*\)", "", plain(item.replace("**", "")))
        sentences = re.findall(r".*?[.:](?= |$)", bare)
        text = " ".join(sentences[: 2 if "." in item.split("**")[1] else 1]).rstrip(".:").replace(".  ", ". ")
        found.append({"number": f"S{match[1]}", "stage": "", "clauses": clauses, "text": text})
    return found


def recipes() -> dict[str, list[dict[str, Any]]]:
    return {"verify": table(SPEC / "verification.md"), "sign": numbered(SPEC / "signing.md")}


def laid_out(value: dict[str, list[dict[str, Any]]]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DATA.write_text(laid_out(recipes()), "utf-8")
