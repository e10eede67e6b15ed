"""How true the answers about a study are: `python -m tests.benchmarks.answers.NAME` measures one of them."""
