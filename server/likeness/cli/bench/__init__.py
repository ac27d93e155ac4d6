"""`likeness bench`: every figure we promise, printed on your machine."""
