"""Trials and benchmarks: identification, rejection, tracking, latency and cost, by a command each."""
