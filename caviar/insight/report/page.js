// Draw the figures in the page's colours, one after another, so that the page stays responsive.
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse)").matches;

function colour(data, layout) {
  const style = getComputedStyle(document.documentElement);
  const [text, card] = ["--text", "--card"].map((name) => style.getPropertyValue(name).trim());
  layout.font = { ...layout.font, color: text };
  layout.hoverlabel = { bgcolor: card, font: { color: text } };
  (layout.annotations || []).forEach((note) => { note.bgcolor = card + "b8"; });
  data.filter((trace) => trace.type === "heatmap").forEach((trace) => { trace.textfont = { color: text }; });
  data.filter((trace) => trace.error_x).forEach((trace) => { trace.error_x.color = text; });
}

function withoutGraphicsCard() {
  const canvas = document.createElement("canvas");
  return !(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

async function draw(container) {
  const { data, layout } = figures[container.dataset.figure];
  const drawnByCard = data.filter((trace) => trace.type === "scattergl");
  if (drawnByCard.length && withoutGraphicsCard()) drawnByCard.forEach((trace) => { trace.type = "scatter"; });
  if (touch) layout.dragmode = false;
  layout.autosize = true;
  colour(data, layout);
  await Plotly.newPlot(container, data, layout, { responsive: true, displayModeBar: false });
}

async function recolour(container) {
  colour(container.data, container.layout);
  await Plotly.redraw(container);
}

async function drawAll() {
  const containers = [...document.querySelectorAll("[data-figure]")];
  for (const container of containers) {
    await draw(container);
    await new Promise((resolve) => setTimeout(resolve));
  }
  document.documentElement.dataset.drawn = containers.length;
  dark.addEventListener("change", () => containers.forEach(recolour));
}

drawAll();
