"""Tag, seal, ledger and verification of everything that is generated."""
