"""A small Sigstore on loopback: real protocols, worthless identities. For tests and for teaching.

`encodings` computes, `identities` says who a token speaks for, `server` serves. Nothing here imports
`sigstore` or any part of it, so that the two judge each other.
"""
