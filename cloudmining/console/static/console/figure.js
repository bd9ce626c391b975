// Draws the figure that the page carries. plotly.js is a script beside this one.

const figure = JSON.parse(document.getElementById("figure").textContent);
delete figure.layout.height; // the window decides
Plotly.newPlot("drawing", figure.data, figure.layout, { responsive: true, displaylogo: false });
