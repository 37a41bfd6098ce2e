module example.org/oms-adapter

go 1.26

require github.com/sigstore/model-signing v0.0.0

// The module is named for a repository that it does not live in.
replace github.com/sigstore/model-signing => github.com/securesign/model-transparency-go 2374ca5bb1af
