"""Signers: one file each, from payload bytes to a bundle."""
