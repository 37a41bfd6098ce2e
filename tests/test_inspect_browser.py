"""The pages of `inspect` in a real browser: on a phone and on a desk nothing is wider than the window, nothing runs."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import forge
import pytest
from certificate_tools import issue, leaf
from cryptography.hazmat.primitives.asymmetric import ec
from test_inspect import hostile

from model_signing_ref import signing
from model_signing_ref.inspection import compare, inspect_bundle
from model_signing_ref.inspection_html import page
from model_signing_ref.signers.certificate import certificate_signer
from model_signing_ref.verifying import verify_bundle

WIDTHS = (320, 400, 1400)  # CSS pixels: a small phone, a phone, a desk
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# Put in for the measurement alone, in place of the policy that would forbid it.
MEASURE = """<script>
const wide = [...document.querySelectorAll("*")].filter(each => each.getBoundingClientRect().right > innerWidth + 0.5);
const scripts = document.querySelectorAll("script").length;
parent.postMessage([name, document.documentElement.scrollWidth > innerWidth, wide.length, scripts].join(" "), "*");
</script>"""
FRAMES = """<!DOCTYPE html><body><ul></ul><script>
const all = %d;
addEventListener("message", event => {
  const item = document.createElement("li");
  item.textContent = event.data;
  document.querySelector("ul").append(item);
  if (document.querySelectorAll("li").length === all) document.title = "all";
});
</script>%s</body>"""


def browser() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no browser is installed: apt-get install chromium")


def bundles() -> dict[str, bytes]:
    """A bundle of each method, and one with hostile names among 10,000."""
    statement = forge.statement()
    from conformance.loopback import static

    manifest = verify_bundle(forge.signed(statement), lambda bundle, warn: None)
    owner = leaf(issue("root"))
    assert isinstance(owner.key, ec.EllipticCurvePrivateKey)
    signer = certificate_signer(owner.key, [owner.certificate], allow_invalid_certificate=True, random_signature=True)
    kinds = {each.name: each for each in static.cases()}
    many = forge.statement([forge.resource(f"model/shard-{number:05}-of-10000") for number in range(10_000)])
    return {
        "key": forge.signed(statement),
        "certificate": signing.sign_manifest(manifest, signer),
        "sigstore": forge.to_json(static.make(kinds["rekor-v1"], forge.to_json(statement)).bundle),
        "hostile": hostile(),
        "many": forge.signed(many),
        "broken": forge.signed(statement)[:700],
    }


@pytest.mark.slow
def test_no_page_is_wider_than_the_window_and_nothing_runs(tmp_path: Path) -> None:
    program = browser()
    pytest.importorskip("asn1crypto", reason="pip install '.[loopback]'")
    found = {name: inspect_bundle(data) for name, data in bundles().items()}
    pages = {name: page(f"{name}.sig", each, len(each.rows)).decode() for name, each in found.items()}
    other = compare(found["hostile"], found["key"])
    pages["diff"] = page("hostile.sig", found["hostile"], 20, differences=other, other="key.sig").decode()
    frames = []
    pages["wide"] = (
        pages["key"].replace("</main>", "<p>" + "wide&nbsp;" * 200 + "</p></main>").replace("anywhere", "normal")
    )
    for name, text in pages.items():
        assert len(POLICY.findall(text)) == 1
        (tmp_path / f"{name}.html").write_text(POLICY.sub("", text).replace("</body>", f"{MEASURE}</body>"), "utf-8")
        frames += [
            f'<iframe name="{name}-{width}" src="{name}.html" width={width} height=600></iframe>' for width in WIDTHS
        ]
    (tmp_path / "all.html").write_text(FRAMES % (len(frames), "".join(frames)), "utf-8")
    command = [
        program,
        "--headless",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1500,1000",
    ]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += ["--virtual-time-budget=60000", "--dump-dom", f"file://{tmp_path / 'all.html'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    told = [html.unescape(item) for item in re.findall(r"<li>([^<]*)</li>", done.stdout)]
    wide = [item for item in told if item.startswith("wide-")]
    assert sorted(item.split()[:2] for item in wide) == sorted([f"wide-{width}", "true"] for width in WIDTHS)
    # One script: the one that measured.
    good = [name for name in pages if name != "wide"]
    assert sorted(set(told) - set(wide)) == sorted(f"{name}-{width} false 0 1" for name in good for width in WIDTHS)
