"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 640px)");
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
        "legend.y": narrow.matches ? -0.2 : 1.02,
        "legend.yanchor": narrow.matches ? "top" : "bottom",
        "xaxis.title.text": narrow.matches ? "" : "time (UTC)",
        "xaxis.nticks": narrow.matches ? 4 : 0,
        "xaxis.tickangle": narrow.matches ? 0 : "auto",
        "margin.l": narrow.matches ? 42 : 58,
      });
      Plotly.Plots.resize(chart);
      const ink = chart.data.flatMap((trace, index) => (trace.meta === "ink" ? [index] : []));
      Plotly.restyle(chart, { "line.color": colour("--ink") }, ink);
    }
  };
  dark.addEventListener("change", paint);
  narrow.addEventListener("change", paint);
  paint();
})();
