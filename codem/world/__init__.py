"""The embedded world: one written spec, from which the benchmark and the corpora are generated."""
