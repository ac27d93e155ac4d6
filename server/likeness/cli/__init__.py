"""The `likeness` command."""
