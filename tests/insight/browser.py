"""A headless Chromium that opens a page, lets it draw, and says what is there and what went wrong."""

import json
import re
import shutil
import subprocess
import tempfile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --enable-unsafe-swiftshader --enable-logging=stderr
    --virtual-time-budget=120000 --dump-dom
""".split()  # noqa: SIM905 - as one would type them
ASK = """<script>
const told = { errors: [], alerts: 0 };
window.alert = () => { told.alerts += 1; };
window.addEventListener("error", (event) => told.errors.push(event.message));
window.addEventListener("unhandledrejection", (event) => told.errors.push(String(event.reason)));
(function wait() {
  if (!document.documentElement.dataset.drawn) return setTimeout(wait, 50);
  told.milliseconds = performance.now();
  told.figures = [...document.querySelectorAll("[data-figure]")].map((place) => ({
    caption: place.getAttribute("aria-label"),
    trials: place._fullData.reduce((n, t) => n + (t.meta ? t.x.length / t.meta.points_per_trial : 0), 0),
    dots: place.querySelectorAll(".scatterlayer .point").length,
    bars: place.querySelectorAll(".barlayer .point").length,
    width: place.getBoundingClientRect().width,
  }));
  told.overflows = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  told.reachable = [...document.querySelectorAll("a[href], summary, [tabindex]")].length;
  const answer = document.createElement("pre");
  answer.id = "answer";
  answer.textContent = JSON.stringify(told).replace(/</g, "(");
  document.body.append(answer);
})();
</script>"""


def opened(page, width=1400):
    """What the page looked like to a browser: `figures`, `errors`, `alerts`, and its `console`."""
    asking = page.with_name(f"asked-{width}.html")
    text = page.read_text()
    policy = text.index("<head>") + len("<head>")
    asking.write_text(text[:policy] + ASK + text[policy:])
    with tempfile.TemporaryDirectory() as profile:
        seen = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900", asking.as_uri()],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
    answer = re.search(r'<pre id="answer">(.*?)</pre>', seen.stdout, re.DOTALL)
    assert answer, seen.stderr
    console = [line for line in seen.stderr.splitlines() if ":CONSOLE:" in line]
    return json.loads(answer[1].replace("&amp;", "&").replace("&gt;", ">")) | {"console": console}
