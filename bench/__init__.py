"""Benchmarks of SystemEvent: ``python -m bench``. See README.md beside this file."""
