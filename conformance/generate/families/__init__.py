"""The families of vectors, in the order of the stages that they test. One that is large has several modules."""

MODULES = (
    *("bundle", "material", "envelope", "key"),
    *("certificate", "certificate_anchors", "certificate_leaf", "certificate_bundle", "certificate_ways"),
    *("signature", "sigstore", "statement", "predicate"),
    *("names", "order", "root_digest", "files", "digest", "shards", "algorithms", "ignored", "compat", "limits"),
)
