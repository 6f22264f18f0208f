"""Which walks train, enrol and probe, and the windows cut from them."""
