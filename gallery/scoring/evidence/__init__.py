"""Track-level evidence: each module is one kind, `protocol` is their interface, `registry` lists them."""
