"""The envelope: base64 in both alphabets, the encoding that is signed, and exactly one signature."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from forge import KEY, OTHER_KEY, b64, bundle_value, edited, judge, pae, replaced, signed, statement, to_json

from model_signing_ref import dsse, keys

PAYLOAD = to_json(statement())
GOOD = bundle_value(PAYLOAD)
SIG = ("dsseEnvelope", "signatures", 0, "sig")
BODY = ("dsseEnvelope", "payload")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def with_sig(signature: bytes) -> bytes:
    return to_json(replaced(GOOD, SIG, b64(signature)))


BASE64 = {
    "white space": ("AA A", "BASE64-01"),
    "a newline at the end": ("AAAA\n", "BASE64-01"),
    "a newline for a character": ("AAA\n", "BASE64-01"),
    "junk": ("AA!A", "BASE64-01"),
    "not ASCII": ("AAA\u00e9", "BASE64-01"),
    "full-width letters": ("\uff21AAA", "BASE64-01"),
    "a NUL": ("AAA\0", "BASE64-01"),
    "no padding": ("AA", "REF-BASE64-03"),
    "half the padding": ("AA=", "BASE64-02"),
    "one character": ("A", "BASE64-02"),
    "padding alone": ("====", "BASE64-02"),
    "padding first": ("=AAA", "BASE64-02"),
    "three of padding": ("A===", "BASE64-02"),
    "padding inside": ("AA==AAAA", "BASE64-02"),
    "padding inside a group": ("AA=A", "BASE64-02"),
    "both alphabets": ("+-AA", "REF-BASE64-01"),
    "both alphabets, other pair": ("_/AA", "REF-BASE64-01"),
    "four last bits": ("AB==", "REF-BASE64-02"),
    "four last bits, URL-safe": ("-_==", "REF-BASE64-02"),
    "two last bits": ("AAB=", "REF-BASE64-02"),
    "two last bits, late": ("AAAAAAB=", "REF-BASE64-02"),
}


@pytest.mark.parametrize("at", [BODY, SIG], ids=["payload", "sig"])
@pytest.mark.parametrize("name", BASE64)
def test_base64_refused(name: str, at: tuple[str, ...]) -> None:
    text, clause = BASE64[name]
    assert judge(to_json(replaced(GOOD, at, text))) == f"envelope {clause}"


def test_a_superfluous_group_of_padding_is_refused() -> None:
    assert str(judge(to_json(replaced(GOOD, SIG, "AAAA====")))).startswith("envelope ")


@pytest.mark.parametrize("text", ["", "AA==", "AAA=", "AAAA", "+/+/", "-_-_", "_w==", "/w=="])
def test_base64_accepted(text: str) -> None:
    expected = base64.b64decode(text.replace("-", "+").replace("_", "/"))
    assert dsse.decode_base64(text) == expected
    assert judge(to_json(replaced(GOOD, SIG, text))) == "signature DSSE-01"


def test_an_empty_payload_is_base64_and_no_statement() -> None:
    assert judge(signed(b"")) == "statement JSON-01"


def test_both_alphabets_hold_with_one_signature() -> None:
    payload = to_json({**statement(), "more": "\u07ff\u07ff~~~???"})
    value = bundle_value(payload)
    standard = value["dsseEnvelope"]["payload"]
    url_safe = standard.replace("+", "-").replace("/", "_")
    assert standard != url_safe
    assert judge(to_json(value)) == "accepted"
    assert judge(to_json(replaced(value, BODY, url_safe))) == "accepted"


@pytest.mark.parametrize(
    "other",
    [
        "application/vnd.in-toto+json ",
        "application/vnd.in-toto+JSON",
        "application/json",
        "",
        "https://in-toto.io/Statement/v1",
    ],
)
def test_payload_type(other: str) -> None:
    """Refused by name, with a signature over the other type that holds."""
    encoded = b"DSSEv1 %d %b %d %b" % (len(other), other.encode(), len(PAYLOAD), PAYLOAD)
    value = bundle_value(PAYLOAD, keys.sign_ecdsa(KEY, encoded))
    value["dsseEnvelope"]["payloadType"] = other
    assert judge(to_json(value)) == "envelope INTOTO-01"


def test_number_of_signatures() -> None:
    signatures = GOOD["dsseEnvelope"]["signatures"]
    at = ("dsseEnvelope", "signatures")
    assert judge(to_json(replaced(GOOD, at, []))) == "envelope DSSE-03"
    assert judge(to_json(replaced(GOOD, at, signatures * 2))) == "envelope BUNDLE-01"
    assert judge(to_json(GOOD)) == "accepted"


@pytest.mark.parametrize("keyid", ["", "anything", "\n"])
def test_keyid_is_no_matter(keyid: str) -> None:
    verdict = judge(to_json(replaced(GOOD, ("dsseEnvelope", "signatures", 0), {"sig": b64(sign()), "keyid": keyid})))
    assert (verdict, verdict.notes) == ("accepted", [])


def sign(message: bytes = pae(PAYLOAD), key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    return keys.sign_ecdsa(key, message)


# What a careless implementation signs or verifies in place of the encoding.
ENCODINGS = {
    "the payload": PAYLOAD,
    "its base64": b64(PAYLOAD).encode(),
    "the base64 encoded": pae(b64(PAYLOAD).encode()),
    "another version": pae(PAYLOAD).replace(b"DSSEv1", b"DSSEv2"),
    "upper case": pae(PAYLOAD).replace(b"DSSEv1", b"DSSEV1"),
    "version 0.2.0": f"DSSEV1 28 application/vnd.in-toto+json {len(PAYLOAD)} {PAYLOAD!r}".encode(),
    "no length of the type": pae(PAYLOAD).replace(b" 28 ", b" "),
    "lengths of 8 bytes": b"DSSEv1" + (28).to_bytes(8, "little") + PAYLOAD,
    "a newline at the end": pae(PAYLOAD) + b"\n",
    "one byte less": pae(PAYLOAD)[:-1],
    "nothing": b"",
    "its hash": hashlib.sha256(pae(PAYLOAD)).digest(),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_only_the_encoding_is_verified(name: str) -> None:
    assert judge(with_sig(sign())) == "accepted"
    assert judge(with_sig(sign(ENCODINGS[name]))) == "signature DSSE-01"


def test_length_counts_bytes() -> None:
    payload = json.dumps({**statement(), "more": "é" * 7}, ensure_ascii=False).encode()
    assert dsse.pae("é", b"\0\xff") == b"DSSEv1 2 \xc3\xa9 2 \0\xff"
    assert judge(signed(payload)) == "accepted"


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_signatures_that_do_not_hold() -> None:
    good = sign()
    r, s = decode_dss_signature(good)
    assert good[3] == 33  # r has its first bit set, so that it needs a byte of zero in front
    bad = {
        "another key's": sign(key=OTHER_KEY),
        "of the next hash": KEY.sign(pae(PAYLOAD), ec.ECDSA(hashes.SHA384())),
        "empty": b"",
        "r and s raw": raw(r, s),
        "s and r": encode_dss_signature(s, r),
        "zeros": encode_dss_signature(0, 0),
        "r is 0": encode_dss_signature(0, s),
        "s is 0": encode_dss_signature(r, 0),
        "s plus the order": encode_dss_signature(r, s + ORDER),
        "r negative": b"\x30" + bytes([good[1] - 1, 2, 32]) + r.to_bytes(32, "big") + good[4 + good[3] :],
        "a byte more": good + b"\0",
        "a byte less": good[:-1],
        "a long length": b"\x30\x81" + good[1:],
        "r padded": b"\x30" + bytes([good[1] + 1, 2, good[3] + 1, 0]) + good[4:],
        "bit string": b"\x03" + good[1:],
    }
    assert judge(with_sig(good)) == "accepted"
    assert {name for name, sig in bad.items() if judge(with_sig(sig)) != "signature DSSE-01"} == set()


def test_high_and_low_s_both_hold() -> None:
    r, s = decode_dss_signature(sign())
    assert judge(with_sig(encode_dss_signature(r, ORDER - s))) == "accepted"


def test_nothing_of_the_payload_is_read_before_the_signature_holds() -> None:
    value = bundle_value(b"no JSON at all", sign(b"something else"))
    assert judge(to_json(value)) == "signature DSSE-01"
    assert judge(signed(b"no JSON at all")) == "statement JSON-01"


def test_an_edited_payload_is_refused_and_signed_again_is_not() -> None:
    other = to_json(statement([{"name": "x", "algorithm": "sha256", "digest": "00" * 32}]))
    assert judge(to_json(replaced(GOOD, BODY, b64(other)))) == "signature DSSE-01"
    assert judge(edited(to_json(GOOD), lambda _: json.loads(other))) == "accepted"


# RFC 6979, A.2.5 to A.2.7: curve, private key, and for each message r and s with the hash that goes with the curve.
P256 = (
    ec.SECP256R1(),
    "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    {
        b"sample": (
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        b"test": (
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    },
)
P384 = (
    ec.SECP384R1(),
    "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
    {
        b"sample": (
            "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
            "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
        ),
        b"test": (
            "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
            "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5",
        ),
    },
)
P521 = (
    ec.SECP521R1(),
    "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75"
    "CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538",
    {
        b"sample": (
            "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F"
            "174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA",
            "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF"
            "282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A",
        ),
        b"test": (
            "013E99020ABF5CEE7525D16B69B229652AB6BDF2AFFCAEF38773B4B7D08725F1"
            "0CDB93482FDCC54EDCEE91ECA4166B2A7C6265EF0CE2BD7051B7CEF945BABD47EE6D",
            "01FBD0013C674AA79CB39849527916CE301C66EA7CE8B80682786AD60F98F7E7"
            "8A19CA69EFF5C57400E3B3A0AD66CE0978214D13BAF4E9AC60752F7B155E2DE4DCE3",
        ),
    },
)


@pytest.mark.parametrize("vector", [P256, P384, P521], ids=["A.2.5", "A.2.6", "A.2.7"])
def test_signatures_are_those_of_rfc_6979(vector: Any) -> None:
    curve, private, signatures = vector
    key = ec.derive_private_key(int(private, 16), curve)
    for message, (r, s) in signatures.items():
        assert decode_dss_signature(keys.sign_ecdsa(key, message)) == (int(r, 16), int(s, 16))
        assert keys.sign_ecdsa(key, message, random=True) != keys.sign_ecdsa(key, message)
