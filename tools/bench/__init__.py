"""Speed of every stage, each beside its limit on the same machine: `sge-stream bench`."""
