// Verify key bundles of OpenSSF Model Signing v1.0, SHA-256 and the method files, written from spec/ alone.
// It keeps the clauses of OMS and of what OMS cites, and few of REF-…. The model must not change while it is read.
//
//	verify BUNDLE PUBLIC_KEY MODEL   exit status 0 accepted, 1 rejected, 2 usage, 3 unsupported
//	verify                           the JSON lines of conformance/PROTOCOL.md
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type object = map[string]any
type array = []any

// check throws the answer to the request where something is wrong; verify catches it.
func check(holds bool, stage, clause, detail string, values ...any) {
	if !holds {
		verdict := map[bool]string{true: "unsupported", false: "reject"}[stage == "unsupported"]
		panic(object{"verdict": verdict, "stage": stage, "detail": fmt.Sprintf(detail+" ["+clause+"]", values...)})
	}
}

func parse(text []byte, stage string) any {
	check(utf8.Valid(text), stage, "JSON-02", "it is not UTF-8")
	check(json.Valid(text), stage, "JSON-01", "it is not JSON")
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return value(decoder, stage)
}

func value(decoder *json.Decoder, stage string) any {
	token, _ := decoder.Token()
	if token != json.Delim('{') && token != json.Delim('[') {
		return token
	}
	members, elements := object{}, array{}
	for decoder.More() {
		if token == json.Delim('[') {
			elements = append(elements, value(decoder, stage))
			continue
		}
		name := value(decoder, stage).(string)
		_, twice := members[name]
		check(!twice, stage, "REF-JSON-02", "the member %q is there twice", name)
		members[name] = value(decoder, stage)
	}
	_, _ = decoder.Token()
	return map[any]any{json.Delim('{'): members, json.Delim('['): elements}[token]
}

// The members that are read, with their types in Go; those with a question mark may be absent.
var bundleShape = parse([]byte(`{"mediaType": "string", "verificationMaterial": {
		"publicKey?": {"hint?": "string", "rawBytes?": "bytes"}, "certificate?": "any", "x509CertificateChain?": "any",
		"tlogEntries?": [{"logIndex?": "int64", "integratedTime?": "int64", "canonicalizedBody?": "bytes",
			"logId?": {"keyId?": "bytes"}, "kindVersion?": {"kind?": "string", "version?": "string"},
			"inclusionPromise?": {"signedEntryTimestamp?": "bytes"}, "inclusionProof?": {"logIndex?": "int64",
				"rootHash?": "bytes", "treeSize?": "int64", "hashes?": ["bytes"], "checkpoint?": {"envelope?": "string"}}}],
		"timestampVerificationData?": {"rfc3161Timestamps?": [{"signedTimestamp": "bytes"}]}},
	"dsseEnvelope": {"payload": "string", "payloadType": "string", "signatures": [{"sig": "string", "keyid?": "string"}]}}`), "")
var statementShape = parse([]byte(`{"_type": "string", "predicateType": "string", "predicate": "any",
	"subject": [{"name": "string", "digest": {"sha256": "string"}}]}`), "")
var predicateShape = parse([]byte(`{"resources": [{"name": "string", "digest": "string", "algorithm": "string"}],
	"serialization": {"method": "string", "hash_type": "string", "allow_symlinks": "bool", "shard_size?": "json.Number",
		"ignore_paths?": ["string"]}}`), "")
var digestText = regexp.MustCompile(`^[0-9a-f]{64}$`)
var clauses = map[string]string{"bundle": "OMS-4-01", "statement": "OMS-8.3-01", "predicate": "OMS-8.3-04"}

// shaped gives a value with the members of its shape. In a bundle, protobuf's JSON, null means absent.
func shaped(value, shape any, stage, where string) any {
	switch shape := shape.(type) {
	case object:
		members, is := value.(object)
		check(is, stage, clauses[stage], "%s is no object", where)
		kept := object{}
		for label, kind := range shape {
			name := strings.TrimSuffix(label, "?")
			if each, there := members[name]; there && (each != nil || stage != "bundle") {
				kept[name] = shaped(each, kind, stage, where+"."+name)
			} else {
				check(label != name, stage, clauses[stage], "%s has no %s", where, name)
			}
		}
		return kept
	case array:
		elements, is := value.(array)
		check(is, stage, clauses[stage], "%s is no array", where)
		for i := range elements {
			elements[i] = shaped(elements[i], shape[0], stage, where+"[]")
		}
		return elements
	}
	text, isText := value.(string)
	_, err := strconv.ParseInt(fmt.Sprint(value), 10, 64)
	right := shape == "any" || shape == "int64" && err == nil || shape == fmt.Sprintf("%T", value)
	right = right || shape == "bytes" && isText && unbase64(text, stage, where) != nil
	check(right, stage, clauses[stage], "%s is no %s", where, shape)
	return value
}

func unbase64(text, stage, where string) []byte {
	data, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text)) // DSSE-02
	check(err == nil && !strings.ContainsAny(text, "\r\n"), stage, "BASE64-01", "%s is not base64", where)
	return data
}

func readEnvelope(file string) object {
	text, err := os.ReadFile(file)
	check(err == nil, "bundle", "OMS-4-01", "it can't be read")
	bundle := shaped(parse(text, "bundle"), bundleShape, "bundle", "it").(object)
	types := array{"application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3"}
	check(slices.Contains(types, bundle["mediaType"]), "bundle", "OMS-8.1-01", "its media type is %q", bundle["mediaType"])
	material := bundle["verificationMaterial"].(object)
	key, is := material["publicKey"].(object)
	one := is && material["certificate"] == nil && material["x509CertificateChain"] == nil
	check(one, "material", "OMS-11.1-08", "it is not of the method key alone")
	check(key["hint"] != nil || key["rawBytes"] != nil, "material", "OMS-11.1-02", "nothing identifies the key")
	return bundle["dsseEnvelope"].(object)
}

func verifiedPayload(envelope object, keyFile string) []byte {
	kind, signatures := envelope["payloadType"].(string), envelope["signatures"].(array)
	check(kind == "application/vnd.in-toto+json", "envelope", "INTOTO-01", "the payload type is %q", kind)
	check(len(signatures) == 1, "envelope", "BUNDLE-01", "there are %d signatures", len(signatures))
	payload := unbase64(envelope["payload"].(string), "envelope", "the payload")
	signature := unbase64(signatures[0].(object)["sig"].(string), "envelope", "the signature")
	encoding := append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(kind), kind, len(payload)), payload...)
	text, err := os.ReadFile(keyFile)
	block, rest := pem.Decode(text)
	one := err == nil && block != nil && block.Type == "PUBLIC KEY" && !bytes.Contains(rest, []byte("BEGIN PUBLIC KEY"))
	check(one, "key", "REF-KEY-01", "the file holds not one public key")
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, is := parsed.(*ecdsa.PublicKey)
	check(err == nil && is, "key", "OMS-REG-04", "it is not on P-256, P-384 or P-521")
	short, middle, long := sha256.Sum256(encoding), sha512.Sum384(encoding), sha512.Sum512(encoding)
	digest := map[string][]byte{"P-256": short[:], "P-384": middle[:], "P-521": long[:]}[key.Params().Name]
	check(digest != nil, "key", "OMS-REG-04", "it is on %s", key.Params().Name)
	check(ecdsa.VerifyASN1(key, digest, signature), "signature", "DSSE-01", "it does not hold")
	return payload
}

func readStatement(payload []byte) (predicate object, root string) {
	statement := shaped(parse(payload, "statement"), statementShape, "statement", "it").(object)
	check(statement["_type"] == "https://in-toto.io/Statement/v1", "statement", "OMS-8.3-02", "its _type is another")
	check(statement["predicateType"] == "https://model_signing/signature/v1.0", "statement", "OMS-8.3-03", "another type")
	check(len(statement["subject"].(array)) == 1, "statement", "OMS-6.5-01", "it has not one subject")
	root = statement["subject"].(array)[0].(object)["digest"].(object)["sha256"].(string)
	return shaped(statement["predicate"], predicateShape, "predicate", "it").(object), root
}

func checkPredicate(predicate object) (resources array, ignored []string) {
	how, resources := predicate["serialization"].(object), predicate["resources"].(array)
	method, algorithm, registered := how["method"], how["hash_type"], array{"sha256", "blake2b", "blake3"}
	check(method == "files" || method == "shards", "predicate", "OMS-5.2.2-01", "the method is %q", method)
	check(slices.Contains(registered, algorithm), "predicate", "OMS-5.2.2-02", "the hash_type is %q", algorithm)
	check(method == "files" && algorithm == "sha256", "unsupported", "REF-UNSUPPORTED-01", "%s, %s", method, algorithm)
	check(how["shard_size"] == nil, "predicate", "OMS-5.2.2-04", "a shard_size without shards")
	check(len(resources) > 0, "predicate", "OMS-5.2.1-04", "it lists nothing")
	for _, each := range resources {
		name, digest := each.(object)["algorithm"], each.(object)["digest"].(string)
		check(slices.Contains(registered, name), "predicate", "OMS-7-01", "%q is not registered", name)
		check(digestText.MatchString(digest), "predicate", "OMS-5.2.1-02", "%q is no digest", digest)
	}
	recorded, _ := how["ignore_paths"].(array)
	for _, path := range recorded {
		ignored = append(ignored, path.(string))
		check(!strings.ContainsAny(path.(string), "*?["), "predicate", "OMS-6.2.1-01", "%q is a pattern", path)
		check(isName(path.(string)), "predicate", "OMS-6.2.1-02", "%q is no path in the model", path)
	}
	return resources, ignored
}

func isName(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, "\\\x00")
}

func checkNames(resources array, root string) map[string]string {
	listed, all, previous := map[string]string{}, sha256.New(), ""
	for _, each := range resources {
		name, digest := each.(object)["name"].(string), each.(object)["digest"].(string)
		check(isName(name), "names", "OMS-6.1.2-01", "%q is not canonical", name)
		check(previous < name, "names", "OMS-5.2.1-05", "%q does not come after %q", name, previous)
		raw, _ := hex.DecodeString(digest)
		_, _ = all.Write(raw)
		listed[name], previous = digest, name
	}
	check(root == hex.EncodeToString(all.Sum(nil)), "root-digest", "OMS-6.5.1-01", "it is not that of the resources")
	return listed
}

type request struct {
	ID                        int
	Op, Method, Model, Bundle string
	PublicKey                 string `json:"public_key"`
	Options                   struct {
		IgnorePaths         []string `json:"ignore_paths"`
		IgnoreUnsignedFiles bool     `json:"ignore_unsigned_files"`
	}
}

// checkFiles gives the paths of the listed files. What is not listed needs an excuse.
func checkFiles(listed map[string]string, ignored []string, asked request) map[string]string {
	ignored = append(ignored, ".git", ".gitattributes", ".github", ".gitignore")
	model, _ := filepath.EvalSymlinks(asked.Model)
	bundle, _ := filepath.EvalSymlinks(asked.Bundle) // excused under the name as given and under this one
	for _, path := range append(asked.Options.IgnorePaths, asked.Bundle, bundle) {
		given, _ := filepath.Rel(asked.Model, path)
		resolved, _ := filepath.Rel(model, path)
		ignored = append(ignored, filepath.ToSlash(given), filepath.ToSlash(resolved))
	}
	files := map[string]string{}
	_ = filepath.WalkDir(asked.Model, func(path string, entry fs.DirEntry, err error) error { // follows no link
		name, _ := filepath.Rel(asked.Model, path)
		if name = filepath.ToSlash(name); name == "." {
			name = filepath.Base(asked.Model) // OMS-6.1.2-07
		}
		_, needed := listed[name]
		under := func(path string) bool { return name == path || strings.HasPrefix(name, path+"/") }
		excused := asked.Options.IgnoreUnsignedFiles || slices.ContainsFunc(ignored, under)
		if needed && err == nil && entry.Type().IsRegular() {
			files[name] = path
		} else if err != nil {
			check(excused && !needed, "files", "REF-FILES-02", "%q can't be read", name)
		} else if !entry.IsDir() {
			check(!needed, "files", "OMS-6.1.1-03", "%q is no regular file", name)
			check(excused, "files", "OMS-8.5-01", "%q is not signed", name)
		}
		return nil
	})
	for name := range listed {
		check(files[name] != "", "files", "OMS-8.4-01", "%q is missing", name)
	}
	return files
}

func checkDigests(listed, files map[string]string) {
	for name, path := range files {
		file, err := os.Open(path)
		check(err == nil, "files", "REF-FILES-02", "%q can't be read", name)
		state := sha256.New()
		_, err = io.Copy(state, file)
		_ = file.Close()
		check(err == nil && hex.EncodeToString(state.Sum(nil)) == listed[name], "digest", "OMS-8.4-01", "%q", name)
	}
}

func verify(asked request) (answer object) {
	defer func() {
		if thrown := recover(); thrown != nil {
			answer = thrown.(object) // anything else is a fault of this program, and ends it
		}
	}()
	check(asked.Method == "key", "unsupported", "REF-UNSUPPORTED-01", "this verifies key bundles")
	predicate, root := readStatement(verifiedPayload(readEnvelope(asked.Bundle), asked.PublicKey))
	resources, ignored := checkPredicate(predicate)
	listed := checkNames(resources, root)
	checkDigests(listed, checkFiles(listed, ignored, asked))
	return object{"verdict": "accept"}
}

func main() {
	switch len(os.Args) {
	case 1:
		lines, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
		for asked := (request{}); lines.Decode(&asked) == nil && asked.Op != "bye"; asked = (request{}) {
			answer := object{"client": "examples/go", "verdict": "unsupported"} // to hello, and to what it can't do
			if asked.Op == "verify" {
				answer = verify(asked)
			}
			answer["id"] = asked.ID
			_ = answers.Encode(answer)
		}
	case 4:
		answer := verify(request{Method: "key", Bundle: os.Args[1], PublicKey: os.Args[2], Model: os.Args[3]})
		if answer["verdict"] != "accept" {
			fmt.Fprintf(os.Stderr, "Verification failed at %s: %s\n", answer["stage"], answer["detail"])
		}
		os.Exit(map[any]int{"accept": 0, "reject": 1, "unsupported": 3}[answer["verdict"]])
	default:
		fmt.Fprintln(os.Stderr, "usage: verify BUNDLE PUBLIC_KEY MODEL")
		os.Exit(2)
	}
}
