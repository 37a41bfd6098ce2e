"""The families of vectors, one module each, in the order of the stages that they test."""

MODULES = (
    *("bundle", "material", "envelope", "key", "certificate", "signature", "sigstore", "statement", "predicate"),
    *("names", "order", "root_digest", "files", "digest", "shards", "algorithms", "ignored", "compat", "limits"),
)
