"""The written contract, name for name: what stays true whatever else changes."""
