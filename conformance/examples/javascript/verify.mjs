// Verify key bundles of OpenSSF Model Signing v1.0, SHA-256 and BLAKE2b, files and shards, written from spec/ alone.
//   node verify.mjs BUNDLE PUBLIC_KEY MODEL   exit status 0 accepted, 1 rejected, 2 usage, 3 unsupported
//   node verify.mjs                           the JSON lines of conformance/PROTOCOL.md
// It keeps the clauses of OMS and of what OMS cites, and few of REF-…. The model must not change while it is read.
// Names are held as their bytes, a character a byte: every name is one, and they compare by code point, as UTF-8 does.

import { createHash, createPublicKey, verify as holds } from "node:crypto";
import { closeSync, lstatSync, openSync, readFileSync, readSync, readdirSync, realpathSync } from "node:fs";
import { basename, relative } from "node:path";
import { createInterface } from "node:readline";

/** Throws the answer to the request where something is wrong; verify catches it. */
function check(right, stage, clause, detail) {
  const verdict = stage === "unsupported" ? "unsupported" : "reject";
  if (!right) throw { verdict, stage, detail: `${detail} [${clause}]` };
}

/** What `act` returns; a refusal where it can't. */
function attempt(act, stage, clause, detail) {
  try {
    return act();
  } catch {
    return check(false, stage, clause, detail);
  }
}

const bytes = (text) => Buffer.from(text).toString("latin1");
const shown = (name) => JSON.stringify(Buffer.from(name, "latin1").toString());

/** The value of a JSON text: objects are maps, integers are of the type bigint. */
function parse(data, stage) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const text = attempt(() => decoder.decode(data), stage, "JSON-02", "it is not UTF-8");
  attempt(() => JSON.parse(text), stage, "JSON-01", "it is not JSON"); // from here on the grammar is known to be right
  let at = 0;
  const skip = () => {
    while (" \t\n\r,:".includes(text[at])) at++;
  };
  const value = (depth) => {
    skip();
    const start = at++;
    if (text[start] === '"') {
      for (; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      const string = JSON.parse(text.slice(start, ++at));
      check(string.isWellFormed(), stage, "REF-JSON-05", "it holds half a surrogate pair");
      return string;
    }
    if ("[{".includes(text[start])) {
      check(depth <= 64, stage, "REF-JSON-04", "it nests more than 64 deep");
      const inside = [];
      for (skip(); !"]}".includes(text[at]); skip()) inside.push(value(depth + 1));
      at++;
      if (text[start] === "[") return inside;
      const members = new Map(inside.flatMap((name, i) => (i % 2 ? [] : [[name, inside[i + 1]]])));
      check(members.size * 2 === inside.length, stage, "REF-JSON-02", "a member is there twice");
      return members;
    }
    while (at < text.length && !" \t\n\r,]}".includes(text[at])) at++;
    const word = text.slice(start, at);
    return /^-?\d+$/.test(word) ? BigInt(word) : JSON.parse(word);
  };
  return value(1);
}

// The members that are read, with their types; those with a question mark may be absent.
const PROOF = {
  "logIndex?": "int64", "rootHash?": "bytes", "treeSize?": "int64", "hashes?": ["bytes"],
  "checkpoint?": { "envelope?": "string" },
};
const LOG_ENTRY = {
  "logIndex?": "int64", "integratedTime?": "int64", "canonicalizedBody?": "bytes", "logId?": { "keyId?": "bytes" },
  "kindVersion?": { "kind?": "string", "version?": "string" }, "inclusionProof?": PROOF,
  "inclusionPromise?": { "signedEntryTimestamp?": "bytes" },
};
const TIMESTAMPS = { "rfc3161Timestamps?": [{ signedTimestamp: "bytes" }] };
const BUNDLE = {
  mediaType: "string",
  verificationMaterial: {
    "publicKey?": { "hint?": "string", "rawBytes?": "bytes" }, "certificate?": "any", "x509CertificateChain?": "any",
    "tlogEntries?": [LOG_ENTRY], "timestampVerificationData?": TIMESTAMPS,
  },
  dsseEnvelope: { payload: "string", payloadType: "string", signatures: [{ sig: "string", "keyid?": "string" }] },
};
const SUBJECT = { name: "string", digest: { sha256: "string" } };
const STATEMENT = { _type: "string", predicateType: "string", predicate: "any", subject: [SUBJECT] };
const SERIALIZATION = {
  method: "string", hash_type: "string", allow_symlinks: "boolean", "shard_size?": "any", "ignore_paths?": ["string"],
};
const RESOURCE = { name: "string", digest: "string", algorithm: "string" };
const PREDICATE = { resources: [RESOURCE], serialization: SERIALIZATION };
const CLAUSES = { bundle: "OMS-4-01", statement: "OMS-8.3-01", predicate: "OMS-8.3-04" };

/** The value with the members of its shape. In a bundle, protobuf's JSON, null means absent. */
function shaped(value, shape, stage, where = "it") {
  const wrong = `${where} is not ${JSON.stringify(shape)}`;
  const need = (right, detail = wrong) => check(right, stage, CLAUSES[stage], detail);
  if (Array.isArray(shape)) {
    need(Array.isArray(value));
    return value.map((each) => shaped(each, shape[0], stage, `${where}[]`));
  }
  if (typeof shape === "object") {
    need(value instanceof Map);
    const kept = {};
    for (const [label, kind] of Object.entries(shape)) {
      const name = label.replace("?", "");
      const there = value.has(name) && !(value.get(name) === null && stage === "bundle");
      need(there || label !== name, `${where} has no ${name}`);
      if (there) kept[name] = shaped(value.get(name), kind, stage, `${where}.${name}`);
    }
    return kept;
  }
  const integer = typeof value === "bigint" || /^-?\d{1,19}$/.test(value);
  if (shape === "int64") need(integer && BigInt.asIntN(64, BigInt(value)) === BigInt(value));
  else need(shape === "any" || typeof value === (shape === "bytes" ? "string" : shape));
  if (shape === "bytes") unbase64(value, stage, where);
  return value;
}

function unbase64(text, stage, where) {
  const data = Buffer.from(text, "base64"); // takes both alphabets, DSSE-02
  const again = text.replaceAll("-", "+").replaceAll("_", "/");
  check(data.toString("base64") === again, stage, "BASE64-01", `${where} is not base64 as it is written`);
  return data;
}

function readEnvelope(file) {
  const data = attempt(() => readFileSync(file), "bundle", "OMS-4-01", "it can't be read");
  const { mediaType, verificationMaterial, dsseEnvelope } = shaped(parse(data, "bundle"), BUNDLE, "bundle");
  const known = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.3\+json|\+json;version=0\.3)$/;
  check(known.test(mediaType), "bundle", "OMS-8.1-01", "another media type");
  const { publicKey, certificate, x509CertificateChain } = verificationMaterial;
  check(publicKey && !certificate && !x509CertificateChain, "material", "OMS-11.1-08", "not of the method key alone");
  check("hint" in publicKey || "rawBytes" in publicKey, "material", "OMS-11.1-02", "nothing identifies the key");
  return dsseEnvelope;
}
const HASHES = { prime256v1: "sha256", secp384r1: "sha384", secp521r1: "sha512" };

/** The payload, if the signature over its pre-authentication encoding holds. */
function readPayload({ payloadType, payload: text, signatures }, keyFile) {
  check(payloadType === "application/vnd.in-toto+json", "envelope", "INTOTO-01", "another payload type");
  check(signatures.length === 1, "envelope", "BUNDLE-01", `there are ${signatures.length} signatures`);
  const payload = unbase64(text, "envelope", "the payload");
  const signature = unbase64(signatures[0].sig, "envelope", "the signature");
  const pem = attempt(() => readFileSync(keyFile, "latin1"), "key", "OMS-REG-04", "the key can't be read");
  const found = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
  check(found.length === 1, "key", "REF-KEY-01", `there are ${found.length} public keys`);
  const key = attempt(() => createPublicKey(found[0]), "key", "OMS-REG-04", "the key can't be read");
  const hash = HASHES[key.asymmetricKeyDetails.namedCurve];
  check(hash, "key", "OMS-REG-04", "the key is not on P-256, P-384 or P-521");
  const head = Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `);
  check(holds(hash, Buffer.concat([head, payload]), key, signature), "signature", "DSSE-01", "it does not hold");
  return payload;
}

function readStatement(payload) {
  const { _type, predicateType, subject, predicate } = shaped(parse(payload, "statement"), STATEMENT, "statement");
  check(_type === "https://in-toto.io/Statement/v1", "statement", "OMS-8.3-02", "another _type");
  check(predicateType === "https://model_signing/signature/v1.0", "statement", "OMS-8.3-03", "another predicateType");
  check(subject.length === 1, "statement", "OMS-6.5-01", `there are ${subject.length} subjects`);
  check(/^[0-9a-f]{64}$/.test(subject[0].digest.sha256), "statement", "OMS-6.5.1-02", "the subject's sha256 is none");
  return [shaped(predicate, PREDICATE, "predicate"), subject[0].digest.sha256];
}

const LENGTHS = { sha256: 64, blake2b: 128, blake3: 64 };
const isName = (name) => name.split("/").every((part) => !["", ".", ".."].includes(part)) && !/[\\\0]/.test(name);

function checkPredicate({ resources, serialization }) {
  const { method, hash_type, shard_size, ignore_paths = [] } = serialization;
  const need = (right, clause, detail) => check(right, "predicate", clause, detail);
  need(["files", "shards"].includes(method), "OMS-5.2.2-01", "the method is not registered");
  need(Object.hasOwn(LENGTHS, hash_type), "OMS-5.2.2-02", "the hash_type is not registered");
  const [size, sharded] = [Number(shard_size), method === "shards"];
  need(sharded || shard_size === undefined, "OMS-5.2.2-04", "there is a shard_size without shards");
  const integral = ["bigint", "number"].includes(typeof shard_size) && Number.isInteger(size) && size >= 1;
  need(!sharded || integral, "OMS-5.2.2-03", "the shard_size is no integer of at least 1");
  for (const path of ignore_paths) {
    need(!/[*?[]/.test(path), "OMS-6.2.1-01", "an ignored path is a pattern");
    need(isName(path), "REF-IGNORE-01", "an ignored path is not canonical");
  }
  need(resources.length > 0, "OMS-5.2.1-04", "it lists nothing");
  for (const { digest, algorithm } of resources) {
    const alike = algorithm === hash_type || (sharded && algorithm === `${hash_type}-sharded-${size}`); // D05
    need(alike && algorithm === resources[0].algorithm, "OMS-6.3.2-07", "an algorithm is not the hash_type");
    const hex = /^[0-9a-f]*$/.test(digest) && digest.length === LENGTHS[hash_type];
    need(hex, "OMS-5.2.1-02", "a digest is none");
  }
  check(hash_type !== "blake3", "unsupported", "REF-UNSUPPORTED-01", "blake3 is not in node:crypto");
  return { size: sharded ? size : 0, hash: hash_type === "blake2b" ? "blake2b512" : hash_type, ignored: ignore_paths };
}

/** The parts of each listed file by its name: where each starts and ends, and its digest. */
function checkNames(resources, root, size) {
  const parts = new Map();
  let [previous, all] = ["", createHash("sha256")];
  for (const { name: text, digest } of resources) {
    const name = bytes(text);
    check(previous < name, "names", "OMS-5.2.1-05", `${shown(name)} does not come after ${shown(previous)}`);
    previous = name;
    const [, file, start, end] = size ? (/^(.*):(0|[1-9]\d*):([1-9]\d*)$/s.exec(name) ?? []) : [, name, 0, Infinity];
    check(file !== undefined, "names", "OMS-6.3.2-08", `${shown(name)} does not end in two numbers`);
    check(isName(file), "names", "OMS-6.1.2-01", `${shown(file)} is not canonical`);
    if (!parts.has(file)) parts.set(file, []);
    parts.get(file).push({ start: Number(start), end: Number(end), digest });
    all.update(Buffer.from(digest, "hex"));
  }
  for (const [file, list] of size ? parts : []) {
    list.sort((one, other) => one.start - other.start);
    const right = ({ start, end }, i) => start === i * size && end > start && end <= start + size;
    const full = ({ start, end }, i) => i === list.length - 1 || end === start + size;
    check(list.every(right) && list.every(full), "names", "OMS-6.3.2-04", `the shards of ${shown(file)} leave a gap`);
  }
  check(all.digest("hex") === root, "root-digest", "OMS-6.5.1-01", "it is not that of the resources");
  return parts;
}

/** By name whatever is in the model and no folder, and what can't be read. It follows no link. */
function* walk(path, name, model) {
  let inside, facts;
  try {
    facts = lstatSync(path);
    inside = facts.isDirectory() && readdirSync(path, { encoding: "buffer" });
  } catch {
    yield [name, { path, kind: "unreadable" }];
    return;
  }
  const kind = facts.isFile() ? "file" : "other";
  if (!inside) yield [name || bytes(basename(model)), { path, kind, size: facts.size }];
  for (const each of inside || []) {
    yield* walk(Buffer.concat([path, Buffer.from("/"), each]), (name && `${name}/`) + each.toString("latin1"), model);
  }
}

function checkFiles(parts, { size, ignored }, { model, bundle, options }) {
  const real = (path) => attempt(() => realpathSync(path), "files", "OMS-8.4-01", "there is no model");
  const given = [...(options.ignore_paths ?? []), bundle].map((path) => relative(model, path));
  const own = [relative(real(model), real(bundle)), ".git", ".gitattributes", ".github", ".gitignore"];
  const excuses = [...ignored, ...given, ...own].map(bytes);
  const files = new Map(walk(Buffer.from(model), "", model));
  for (const [name, { kind, size: length }] of files) {
    const excused = excuses.some((path) => name === path || name.startsWith(`${path}/`));
    const listed = parts.has(name);
    check(!listed || kind === "file", "files", "OMS-6.1.1-03", `${shown(name)} is no regular file`);
    const empty = size && kind === "file" && length === 0; // OMS-6.3.2-06
    const right = listed || excused || empty || options.ignore_unsigned_files;
    check(right, "files", "OMS-8.5-01", `${shown(name)} is not signed: ${kind}`);
  }
  for (const name of parts.keys()) check(files.has(name), "files", "OMS-8.4-01", `${shown(name)} is missing`);
  return files;
}

function checkDigests(parts, files, { size, hash }) {
  for (const [name, list] of parts) {
    const { path, size: length } = files.get(name);
    check(!size || length === list.at(-1).end, "digest", "OMS-6.3.2-10", `${shown(name)} has ${length} bytes`);
    const file = attempt(() => openSync(path), "files", "REF-FILES-02", `${shown(name)} can't be read`);
    const block = Buffer.alloc(1 << 20);
    for (const { start, end, digest } of list) {
      const state = createHash(hash);
      for (let at = start, got = 1; got && at < end; at += got) {
        got = readSync(file, block, 0, Math.min(block.length, end - at), at);
        state.update(block.subarray(0, got));
      }
      check(state.digest("hex") === digest, "digest", "OMS-8.4-01", `${shown(name)} has other contents`);
    }
    closeSync(file);
  }
}

function verify(request) {
  try {
    check(request.method === "key", "unsupported", "REF-UNSUPPORTED-01", "this verifies key bundles");
    const [predicate, root] = readStatement(readPayload(readEnvelope(request.bundle), request.public_key));
    const how = checkPredicate(predicate);
    const parts = checkNames(predicate.resources, root, how.size);
    checkDigests(parts, checkFiles(parts, how, request), how);
    return { verdict: "accept" };
  } catch (error) {
    if (error.verdict) return error;
    throw error; // a fault of this program
  }
}

const HAS = { client: "examples/javascript", profiles: ["shards"], hash_algorithms: ["sha256", "blake2b"] };
const OTHERWISE = { ...HAS, verdict: "unsupported" }; // the answer to hello, and to what this can't do
const words = process.argv.slice(2);
if (words.length === 3) {
  const [bundle, public_key, model] = words;
  const { verdict, stage, detail } = verify({ method: "key", bundle, public_key, model, options: {} });
  if (stage) console.error(`Verification failed at ${stage}: ${detail}`);
  process.exitCode = { accept: 0, reject: 1, unsupported: 3 }[verdict];
} else if (words.length === 0) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.op === "bye") break;
    console.log(JSON.stringify({ id: request.id, ...(request.op === "verify" ? verify(request) : OTHERWISE) }));
  }
} else {
  console.error("usage: node verify.mjs BUNDLE PUBLIC_KEY MODEL");
  process.exitCode = 2;
}
