"""The picture of a benchmark: normalised regret over trials, one panel per family, as plain SVG."""

from pathlib import Path

import pandas as pd

COLOURS = {
    "Caviar": "#d1495b",
    "Caviar continuous": "#edae49",
    "random": "#9aa0a6",
    "Sobol'": "#c9b458",
    "TPE": "#2e6f95",
    "CMA-ES": "#3c896d",
    "TPE sequential": "#7b4b94",
}
WIDTH, HEIGHT, GAP, TOP, LEFT = 200, 190, 34, 34, 46
HIGHEST = 1.4  # larger regrets are drawn at the upper edge


def draw(summary: pd.DataFrame, path: Path) -> None:
    """Write the picture of a summary (columns family, trials, method, regret), of the methods that have a colour."""
    summary = summary[summary["method"].isin(COLOURS)]
    families = list(dict.fromkeys(summary["family"]))
    total = LEFT + len(families) * (WIDTH + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + 70}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i, family in enumerate(families):
        parts += _panel(summary[summary["family"] == family], LEFT + i * (WIDTH + GAP), family)
    shown = [method for method in COLOURS if method in set(summary["method"])]
    for i, method in enumerate(shown):
        x, y = LEFT + i * 120, TOP + HEIGHT + 52
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 18}" y2="{y}" stroke="{COLOURS[method]}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 22}" y="{y + 4}">{method}</text>')
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


def _panel(rows: pd.DataFrame, left: int, title: str) -> list[str]:
    """Return the frame, the axes and the lines of one family."""
    budgets = sorted(rows["trials"].unique())

    def x(trials: int) -> float:
        return left + 12 + budgets.index(trials) * (WIDTH - 24) / max(len(budgets) - 1, 1)

    def y(regret: float) -> float:
        return TOP + HEIGHT * (1 - min(regret, HIGHEST) / HIGHEST)

    parts = [f'<text x="{left}" y="{TOP - 12}" font-weight="bold">{title}</text>']
    for tick in (0, 0.5, 1):
        parts.append(f'<line x1="{left}" y1="{y(tick)}" x2="{left + WIDTH}" y2="{y(tick)}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 5}" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for trials in budgets:
        parts.append(f'<text x="{x(trials)}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{trials}</text>')
    parts.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 32}" text-anchor="middle">trials</text>')
    for method, line in rows.groupby("method"):
        points = " ".join(f"{x(t):.1f},{y(r):.1f}" for t, r in zip(line["trials"], line["regret"], strict=True))
        weight = 3 if method == "Caviar" else 1.5
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[str(method)]}" stroke-width="{weight}"/>'
        )
    return parts
