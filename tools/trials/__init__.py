"""Trials and benchmarks, one command each: identification, rejection, tracking, latency and cost."""
