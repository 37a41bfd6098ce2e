"""Verifiers: one file each, from a bundle to a verdict on its signature."""
