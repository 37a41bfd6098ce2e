// Adapter for the Go client, github.com/sigstore/model-signing: the OMS adapter protocol on its library.
//
//	go mod tidy && go build -o adapter .
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	signcertificate "github.com/sigstore/model-signing/pkg/signing/certificate"
	signkey "github.com/sigstore/model-signing/pkg/signing/key"
	signsigstore "github.com/sigstore/model-signing/pkg/signing/sigstore"
	verifycertificate "github.com/sigstore/model-signing/pkg/verify/certificate"
	verifykey "github.com/sigstore/model-signing/pkg/verify/key"
	verifysigstore "github.com/sigstore/model-signing/pkg/verify/sigstore"
)

const done, refused, usage, unsupported = 0, 1, 2, 3

// What the library has beyond the protocol. It takes the parameters of a bundle as they were signed, links included.
var capabilities = map[string]any{
	"client":          "model-signing (Go)",
	"flags":           []string{"--allow-symlinks", "--hash-algorithm", "--shard-size", "--no-ignore-git-paths", "--trust-config"},
	"hash_algorithms": []string{"sha256", "blake2b"},
	"profiles":        []string{"certificate", "sigstore", "compat-0.2"},
}

// list is an option that may be repeated.
type list []string

func (values *list) String() string { return strings.Join(*values, " ") }

func (values *list) Set(value string) error {
	*values = append(*values, value)
	return nil
}

type options struct {
	method, model, bundle, publicKey, privateKey, certificate string
	identity, issuer, token, trustConfig, algorithm           string
	chain, ignored                                            list
	unsigned, allowed, keepGit, staging                       bool
	shardSize                                                 int64
}

func parse(words []string) (options, error) {
	var given options
	flags := flag.NewFlagSet("adapter", flag.ContinueOnError)
	flags.StringVar(&given.method, "method", "", "key, certificate or sigstore")
	flags.StringVar(&given.model, "model-path", "", "the model")
	flags.StringVar(&given.bundle, "bundle", "", "the bundle to verify")
	flags.StringVar(&given.bundle, "output-bundle", "", "the bundle to write")
	flags.StringVar(&given.publicKey, "public-key", "", "PEM file")
	flags.StringVar(&given.privateKey, "private-key", "", "PEM file")
	flags.StringVar(&given.certificate, "signing-cert", "", "PEM file")
	flags.StringVar(&given.identity, "identity", "", "who has to have signed")
	flags.StringVar(&given.issuer, "identity-provider", "", "who has to vouch for that")
	flags.StringVar(&given.token, "identity-token", "", "who signs")
	flags.StringVar(&given.trustConfig, "trust-config", "", "trust root")
	flags.StringVar(&given.algorithm, "hash-algorithm", "", "for signing")
	flags.Int64Var(&given.shardSize, "shard-size", 0, "for signing")
	flags.Var(&given.chain, "cert-chain", "PEM file")
	flags.Var(&given.ignored, "ignore-paths", "what to leave out")
	flags.BoolVar(&given.unsigned, "ignore-unsigned-files", false, "excuse them")
	flags.BoolVar(&given.allowed, "allow-symlinks", false, "follow them")
	flags.BoolVar(&given.keepGit, "no-ignore-git-paths", false, "sign them too")
	flags.BoolVar(&given.staging, "use-staging", false, "Sigstore's staging")
	err := flags.Parse(words)
	return given, err
}

// verifyModel has the library verify. An error is a refusal: the library has no other way to say no.
func verifyModel(given options) error {
	verifiers := map[string]func() error{
		"key": func() error {
			verifier, err := verifykey.NewKeyVerifier(verifykey.KeyVerifierOptions{
				ModelPath: given.model, SignaturePath: given.bundle, IgnorePaths: given.ignored,
				IgnoreGitPaths: !given.keepGit, AllowSymlinks: given.allowed, IgnoreUnsignedFiles: given.unsigned,
				PublicKeyPath: given.publicKey,
			})
			if err != nil {
				return err
			}
			result, err := verifier.Verify(context.Background())
			return verdict(result.Verified, result.Message, err)
		},
		"certificate": func() error {
			verifier, err := verifycertificate.NewCertificateVerifier(verifycertificate.CertificateVerifierOptions{
				ModelPath: given.model, SignaturePath: given.bundle, IgnorePaths: given.ignored,
				IgnoreGitPaths: !given.keepGit, AllowSymlinks: given.allowed, IgnoreUnsignedFiles: given.unsigned,
				CertificateChain: given.chain,
			})
			if err != nil {
				return err
			}
			result, err := verifier.Verify(context.Background())
			return verdict(result.Verified, result.Message, err)
		},
		"sigstore": func() error {
			verifier, err := verifysigstore.NewSigstoreVerifier(verifysigstore.SigstoreVerifierOptions{
				ModelPath: given.model, SignaturePath: given.bundle, IgnorePaths: given.ignored,
				IgnoreGitPaths: !given.keepGit, AllowSymlinks: given.allowed, IgnoreUnsignedFiles: given.unsigned,
				UseStaging: given.staging, Identity: given.identity, IdentityProvider: given.issuer,
				TrustConfigPath: given.trustConfig,
			})
			if err != nil {
				return err
			}
			result, err := verifier.Verify(context.Background())
			return verdict(result.Verified, result.Message, err)
		},
	}
	return verifiers[given.method]()
}

func signModel(given options) error {
	signers := map[string]func() error{
		"key": func() error {
			signer, err := signkey.NewKeySigner(signkey.KeySignerOptions{
				ModelPath: given.model, SignaturePath: given.bundle, IgnorePaths: given.ignored,
				IgnoreGitPaths: !given.keepGit, AllowSymlinks: given.allowed, HashAlgorithm: given.algorithm,
				ShardSize: given.shardSize, PrivateKeyPath: given.privateKey,
			})
			if err != nil {
				return err
			}
			result, err := signer.Sign(context.Background())
			return verdict(result.Verified, result.Message, err)
		},
		"certificate": func() error {
			signer, err := signcertificate.NewCertificateSigner(signcertificate.CertificateSignerOptions{
				ModelPath: given.model, SignaturePath: given.bundle, IgnorePaths: given.ignored,
				IgnoreGitPaths: !given.keepGit, AllowSymlinks: given.allowed, HashAlgorithm: given.algorithm,
				ShardSize: given.shardSize, PrivateKeyPath: given.privateKey,
				SigningCertificatePath: given.certificate, CertificateChain: given.chain,
			})
			if err != nil {
				return err
			}
			result, err := signer.Sign(context.Background())
			return verdict(result.Verified, result.Message, err)
		},
		"sigstore": func() error {
			signer, err := signsigstore.NewSigstoreSigner(signsigstore.SigstoreSignerOptions{
				ModelPath: given.model, SignaturePath: given.bundle, IgnorePaths: given.ignored,
				IgnoreGitPaths: !given.keepGit, AllowSymlinks: given.allowed, HashAlgorithm: given.algorithm,
				ShardSize: given.shardSize, UseStaging: given.staging, IdentityToken: given.token,
				TrustConfigPath: given.trustConfig,
			})
			if err != nil {
				return err
			}
			result, err := signer.Sign(context.Background())
			return verdict(result.Verified, result.Message, err)
		},
	}
	return signers[given.method]()
}

func verdict(good bool, message string, err error) error {
	if err == nil && !good {
		return fmt.Errorf("%s", message)
	}
	return err
}

func run(words []string) int {
	if len(words) == 1 && words[0] == "capabilities" {
		_ = json.NewEncoder(os.Stdout).Encode(capabilities)
		return done
	}
	actions := map[string]func(options) error{"verify-model": verifyModel, "sign-model": signModel}
	if len(words) == 0 || actions[words[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: adapter verify-model|sign-model|capabilities ...")
		return usage
	}
	given, err := parse(words[1:])
	if err != nil {
		return usage
	}
	if given.method != "key" && given.method != "certificate" && given.method != "sigstore" {
		fmt.Fprintf(os.Stderr, "the method %q is unknown\n", given.method)
		return unsupported
	}
	if err := actions[words[0]](given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return refused
	}
	return done
}

func main() {
	os.Exit(run(os.Args[1:]))
}
