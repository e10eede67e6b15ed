"""Makes docs/images/report.png: where the search zoomed in, from the report of a study with the default settings.

python -m tests.docs.picture     # needs Chromium
"""

import re
import subprocess
import tempfile
from pathlib import Path

import caviar
from tests.docs.pages import ROOT
from tests.insight.browser import CHROMIUM, FLAGS

PICTURE = ROOT / "docs" / "images" / "report.png"
WIDTH, HEIGHT = 1100, 1000
SECTION = "Where the search zoomed in, and why"
HIDDEN = 'header, main > section:not([aria-labelledby="{}"]) {{ display: none !important }}'


def main() -> None:
    """Run the study, and photograph one section of its report."""
    assert CHROMIUM, "there is no chromium on the PATH"
    with tempfile.TemporaryDirectory() as folder:
        study = caviar.Study("digits", trials=64, seed=0, workers=2, out=Path(folder, "study"))
        study.run(progress=False)
        page = study.report(Path(folder, "report.html"))
        text = page.read_text(encoding="utf-8")
        (title,) = re.findall(f'id="([^"]+)">{SECTION}</h2>', text)
        page.write_text(text.replace("</head>", f"<style>{HIDDEN.format(title)}</style></head>", 1), encoding="utf-8")
        flags = [*FLAGS, "--hide-scrollbars", "--virtual-time-budget=9000", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run([CHROMIUM, *flags, f"--screenshot={PICTURE}", page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
