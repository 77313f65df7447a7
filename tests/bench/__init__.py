"""Benchmarks: ratios measured in one run against a stated baseline, printed and never judged (`make bench`)."""
