"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    for (const chart of document.querySelectorAll(".plotly-graph-div")) {
      Plotly.relayout(chart, {
        "font.color": colour("--ink"),
        "xaxis.linecolor": colour("--line"),
        "yaxis.gridcolor": colour("--grid"),
        "hoverlabel.bgcolor": colour("--sheet"),
        "hoverlabel.bordercolor": colour("--line"),
        "hoverlabel.font.color": colour("--ink"),
        "legend.bgcolor": "rgba(0,0,0,0)",
      });
      const ink = chart.data.flatMap((trace, index) => (trace.meta === "ink" ? [index] : []));
      Plotly.restyle(chart, { "line.color": colour("--ink") }, ink);
    }
  };
  dark.addEventListener("change", paint);
  paint();
})();
