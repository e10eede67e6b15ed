"""Benchmarks of the answers to users' questions, each a module: `python -m tests.benchmarks.answers.NAME`."""
