"""Benches: what the kit promises in milliseconds, measured on the machine at hand."""
