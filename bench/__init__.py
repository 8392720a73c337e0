"""Benchmarks: accuracy and speed, one command each; results are recorded in bench/RESULTS.md."""
