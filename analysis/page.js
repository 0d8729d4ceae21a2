"use strict";
// Draws the charts of the JSON element, in the colours that CSS gives for light, dark or paper.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const config = {
    displaylogo: false, displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    scrollZoom: false,
  };
  const coarse = matchMedia("(pointer: coarse)").matches;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    return (token) => {
      const [name, alpha] = token.slice(1).split("/");
      const hex = style.getPropertyValue("--" + name).trim();
      if (!alpha) return hex;
      const channel = (at) => parseInt(hex.slice(at, at + 2), 16);
      return `rgba(${channel(1)},${channel(3)},${channel(5)},${alpha})`;
    };
  };
  // Only under keys that hold colours, so that no label is ever taken for one.
  const isColour = (key, value) => typeof value === "string" && value[0] === "@" && /color$/i.test(key);
  const coloured = (value, colour) => {
    if (Array.isArray(value)) return value.map((item) => coloured(item, colour));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) =>
      [key, isColour(key, item) ? colour(item) : coloured(item, colour)]));
  };

  const draw = (id) => {
    const spec = coloured(charts[id], colours());
    // Stated, since on paper nothing would measure it anew.
    spec.layout.width = document.getElementById(id).clientWidth;
    // On a phone a finger scrolls the page; it must not be caught by a chart.
    if (coarse) spec.layout.dragmode = false;
    return Plotly.react(id, spec.data, spec.layout, config);
  };
  const drawAll = () => Promise.all(Object.keys(charts).map(draw));
  const inside = (block) => [...block.querySelectorAll(".chart")].map((element) => element.id);

  // A key of a legend hides and shows its line in every chart of its block.
  document.addEventListener("click", (event) => {
    const key = event.target.closest("button[data-series]");
    if (key) {
      const shown = key.getAttribute("aria-pressed") === "false";
      const block = key.closest(".block");
      block.querySelectorAll(`button[data-series="${key.dataset.series}"]`)
        .forEach((same) => same.setAttribute("aria-pressed", String(shown)));
      for (const id of inside(block)) {
        for (const trace of charts[id].data) {
          if (trace.meta === Number(key.dataset.series)) trace.visible = shown;
        }
        draw(id);
      }
    }
    const view = event.target.closest("button[data-view]");
    if (view) {
      const block = view.closest(".block");
      block.querySelectorAll("button[data-view]")
        .forEach((button) => button.setAttribute("aria-pressed", String(button === view)));
      inside(block).forEach((id) => showStacks(id, view.dataset.view));
    }
  });

  const showStacks = (id, view) => {
    const {data, layout} = charts[id];
    const length = data.length && data[0].orientation === "h" ? "x" : "y";
    const axis = layout[length + "axis"];
    axis.timesTitle ??= axis.title.text;
    axis.timesRange ??= axis.range;
    for (const trace of data) trace[length] = trace[view];
    axis.range = view === "shares" ? [0, 100] : axis.timesRange;
    axis.title = {text: view === "shares" ? "share (%)" : axis.timesTitle};
    draw(id);
  };

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  matchMedia("print").addEventListener("change", drawAll);
  const observer = new ResizeObserver((entries) => {
    for (const {target} of entries) {
      if (target.clientWidth !== target.layout?.width) draw(target.id);
    }
  });
  Object.keys(charts).forEach((id) => observer.observe(document.getElementById(id)));
  drawAll().then(() => { document.documentElement.dataset.charts = "drawn"; });
})();
