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
  const scale = (steps, colour) => steps.map(([at, token]) => [at, colour(token)]);
  const coloured = (value, colour) => {
    if (Array.isArray(value)) return value.map((item) => coloured(item, colour));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) =>
      [key, isColour(key, item) ? colour(item) : key === "colorscale" ? scale(item, colour) : coloured(item, colour)]));
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

  const press = (button, group) => {
    for (const other of group) other.setAttribute("aria-pressed", String(other === button));
  };
  // A trace is seen if its key in the legend is pressed, and if it is of the chosen place.
  const show = (block) => {
    const pressed = block.querySelector("button[data-choice][aria-pressed=true]"), chosen = pressed?.dataset.choice;
    for (const part of block.querySelectorAll(".choice")) part.hidden = part.dataset.choice !== chosen;
    for (const id of inside(block)) {
      if (pressed && charts[id].views) {
        document.getElementById(id).closest("figure").querySelector("figcaption").textContent = pressed.textContent;
      }
      for (const trace of charts[id].data) {
        const key = block.querySelector(`button[data-series="${trace.meta}"]`);
        trace.visible = key?.getAttribute("aria-pressed") !== "false"
          && (trace.choice === undefined || String(trace.choice) === chosen || chosen === undefined);
      }
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const block = button?.closest(".block");
    if (!block) return;
    if (button.dataset.series !== undefined) {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
    } else if (button.dataset.choice !== undefined) {
      press(button, block.querySelectorAll("button[data-choice]"));
    } else if (button.dataset.view !== undefined) {
      press(button, block.querySelectorAll("button[data-view]"));
      for (const id of inside(block)) (charts[id].views ? showShares : showStacks)(id, button.dataset.view);
    } else {
      if (button.classList.contains("sort")) sort(button.closest("th"));
      return;
    }
    show(block);
    inside(block).forEach(draw);
  });

  const showStacks = (id, view) => {
    const {data, layout} = charts[id];
    const length = data.length && data[0].orientation === "h" ? "x" : "y";
    const axis = layout[length + "axis"];
    axis.timesTitle ??= axis.title.text;
    axis.timesRange ??= axis.range;
    for (const trace of data) trace[length] = trace[view];
    axis.range = view === "shares" ? [0, 100] : axis.timesRange;
    axis.title = {...axis.title, text: view === "shares" ? "share (%)" : axis.timesTitle};
  };
  // A distribution: the share that took less, or the tail that took longer.
  const showShares = (id, view) => {
    const {data, layout, views} = charts[id];
    for (const trace of data) {
      trace.y = trace[view];
      trace.hovertemplate = trace.hovers[view];
    }
    layout.yaxis = views[view];
  };

  // Largest first, then smallest first; names the other way round. Cells without a value stay last.
  const sort = (header) => {
    const column = header.cellIndex, body = header.closest("table").tBodies[0];
    const value = (row) => row.cells[column].dataset.value;
    const isText = body.rows[0]?.cells[column].tagName === "TH";
    const now = header.getAttribute("aria-sort");
    const direction = now === "none" ? (isText ? "ascending" : "descending")
      : now === "descending" ? "ascending" : "descending";
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].sort((a, b) => {
      if (value(a) === "" || value(b) === "") return (value(a) === "") - (value(b) === "");
      return sign * (isText ? value(a).localeCompare(value(b)) : value(a) - value(b));
    });
    for (const other of header.parentElement.cells) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", direction);
    body.append(...rows);
  };
  document.querySelectorAll(".block").forEach(show);
  for (const id of Object.keys(charts)) if (charts[id].views) showShares(id, "cdf");

  // On paper everything is seen. What was folded before is folded again.
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const folded of unfolded) folded.open = true;
  });
  window.addEventListener("afterprint", () => { for (const folded of unfolded) folded.open = false; });

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
