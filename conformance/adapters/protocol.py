"""The OMS adapter protocol as adapters of command-line clients need it: words in, words out.

By hand, since argparse would cost more than some clients take for the whole work.
"""

from __future__ import annotations

FLAGS = (
    *("--ignore-unsigned-files", "--use-staging", "--allow-symlinks", "--allow-v0.2", "--no-ignore-git-paths"),
    *("--partial-chain", "--require-code-signing"),
)

# What a client of model_signing's command line calls the protocol's options.
NAMES = {"--bundle": "--signature", "--output-bundle": "--signature"}
NAMES |= {"--signing-cert": "--signing-certificate", "--cert-chain": "--certificate-chain"}


def command_line(argv: list[str]) -> list[str]:
    """`verify-model` or `sign-model` with its options, as model_signing's command line has them."""
    values, options = {"--method": "", "--model-path": ""}, []
    words = iter(argv[1:])
    for word in words:
        if word in FLAGS:
            options.append(word)
        elif word in values:
            values[word] = next(words)
        else:
            options += [NAMES.get(word, word), next(words)]
    verb = argv[0].removesuffix("-model")
    return [verb, values["--method"], *options, "--", values["--model-path"]]
