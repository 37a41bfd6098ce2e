#!/bin/sh
# Make the runs of RESULTS.md again. Run it in the top folder, as a user whom permissions stop (not root), where
#   python3 -m venv ours && ours/bin/python -m pip install '.[all]'
#   python3 -m venv peer && peer/bin/python -m pip install model-signing==1.1.1 pyOpenSSL
# were done, and Go, Node.js and libfaketime are installed.
set -eu
runs=$(mktemp -d)
(cd conformance/examples/go && go build -buildvcs=false -o verify .)
run() { # name, words of run.py; failures of a client are what this is for
  file=$1
  shift
  ours/bin/python conformance/run.py --json "$runs/$file.json" "$@" || test $? -eq 1
}
run package --adapter 'ours/bin/python conformance/adapters/package_lines.py' --protocol jsonl
run standalone --adapter 'python3 conformance/adapters/standalone_lines.py' --protocol jsonl
run go --adapter conformance/examples/go/verify --protocol jsonl
run javascript --adapter 'node conformance/examples/javascript/verify.mjs' --protocol jsonl
run peer --adapter 'peer/bin/python conformance/adapters/pypi_model_signing_lines.py' --protocol jsonl
run peer-certificate --adapter 'peer/bin/python conformance/adapters/pypi_model_signing.py' --family certificate
ours/bin/python -m conformance.results keep "$runs"/*.json
ours/bin/python -m conformance.results
