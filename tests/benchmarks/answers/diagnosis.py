"""Diagnosis: sixteen planted faults and nine sound studies: `python -m tests.benchmarks.answers.diagnosis --seeds 3`.

For each problem: in how many studies the fault was found, and every other finding. Then the tests behind it, on numbers
without any effect: how often each is significant at 1%, and how often the interval of an edge holds it.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from caviar.insight import diagnose
from caviar.insight.diagnosis.edges import find_edge
from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.statistics import LEVEL, rank_test, trend_test
from caviar.records.trial import State
from tests.benchmarks.answers.faults import PLANTED, SOUND
from tests.insight.studies import cube, outcome_of

DRAWS = 2000
EDGE, WIDTH = 0.7, 0.03


def print_planted(seeds: range, root: str) -> tuple[int, int]:
    """Print a line for each fault; return how often one was found, and how many other findings there were."""
    found = wrong = 0
    for problem in PLANTED:
        hits, others = 0, []
        for seed in seeds:
            findings = diagnose(problem.run(seed, f"{root}/{problem.name}-{seed}")).findings
            hits += any(map(problem.is_planted, findings))
            others += [f for f in findings if not problem.is_planted(f) and f.kind not in problem.follows]
        found, wrong = found + hits, wrong + len(others)
        print(f"{problem.name:28} {problem.planted:24} {hits} of {len(seeds)}  {_listed(others)}", flush=True)
    return found, wrong


def print_sound(seeds: range, root: str) -> int:
    """Print a line for each sound study; return how many findings there were."""
    wrong = 0
    for problem in SOUND:
        outcomes = [problem.run(seed, f"{root}/{problem.name}-{seed}") for seed in seeds]
        findings = [finding for outcome in outcomes for finding in diagnose(outcome).findings]
        wrong += len(findings)
        print(f"{problem.name:28} {'sound':24} {len(findings)} found  {_listed(findings)}", flush=True)
    return wrong


def _listed(findings) -> str:
    return ", ".join(f"{f.kind} {f.hyperparameter}".strip() for f in findings)


def print_levels() -> None:
    """Print how often tests find an effect where there is none."""
    generator = np.random.default_rng(0)
    chosen, waves = np.arange(48) % 6 == 0, [n // 16 for n in range(48)]
    ranks = np.mean([rank_test(generator.random(48), waves, chosen) < LEVEL for _ in range(DRAWS)])
    trends = [np.mean([trend_test(generator.random(n)) < LEVEL for _ in range(DRAWS)]) for n in (8, 20, 50)]
    print(f"rank test, 8 of 48 trials in three waves: {ranks:.1%} below {LEVEL:.0%}")
    print(f"trend test, 8, 20 and 50 reports: {', '.join(f'{share:.1%}' for share in trends)} below {LEVEL:.0%}")


def print_edges(root: str) -> None:
    """Print how often an edge is found, and its 95% interval holds it, by random and by coarse to fine search."""
    for search in ("random", "coarse-to-fine"):
        found, held = 0, 0
        for seed in range(100):
            generator = np.random.default_rng(seed)

            def value(config, _, generator=generator):
                breaks = generator.random() < 1 / (1 + np.exp(-(config["x0"] - EDGE) / WIDTH))
                return np.nan if breaks else 1 - (config["x0"] - 0.6) ** 2 - (config["x1"] - 0.5) ** 2

            outcome = outcome_of(
                Path(root) / f"{search}-{seed}", cube(3), value, trials=32, waves=2, search=search, seed=seed
            )
            evidence = Evidence(outcome)
            edge = find_edge(evidence, evidence.ended(State.DIVERGED))
            found += edge is not None and edge.name == "x0" and edge.upper
            held += edge is not None and edge.name == "x0" and edge.low <= EDGE <= edge.high
        print(f"edge of 32 trials, {search}: found in {found} of 100 studies, its interval holds it in {held}")


def main() -> None:
    """Print what is found, missed and found wrongly."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    with tempfile.TemporaryDirectory() as root:
        found, wrong = print_planted(seeds, root)
        false = print_sound(seeds, root)
        planted, sound = len(seeds) * len(PLANTED), len(seeds) * len(SOUND)
        print(f"\n{found} of {planted} faults found, {planted - found} missed; {wrong} other findings beside them")
        print(f"{false} findings in {sound} sound studies\n")
        print_levels()
        print_edges(root)


if __name__ == "__main__":
    main()
