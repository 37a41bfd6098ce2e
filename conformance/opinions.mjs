// What @sigstore/verify (npm, 4.1.0 or later) says of bundles: JSON on standard input, a JSON object of name to
// verdict on standard output. Run by opinions.py, in a folder whose node_modules has @sigstore/verify.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(`${process.cwd()}/`);
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

// The identity policy of @sigstore/verify is a regular expression, not anchored.
const exactly = (text) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);

const verdict = ({ bundle, trustedRoot, identity, issuer }) => {
  try {
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(trustedRoot)), {});
    const policy = { subjectAlternativeName: exactly(identity), extensions: { issuer } };
    verifier.verify(toSignedEntity(bundleFromJSON(bundle)), policy);
    return 'accepted';
  } catch (error) {
    return `refused: ${error.code ?? error.name}: ${error.message}`.slice(0, 100);
  }
};

const cases = JSON.parse(readFileSync(0, 'utf8'));
const verdicts = Object.entries(cases).map(([name, value]) => [name, verdict(value)]);
process.stdout.write(JSON.stringify(Object.fromEntries(verdicts)));
