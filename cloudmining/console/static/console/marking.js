// Windows of true events are marked on a chart by two clicks; each becomes a line of the form, as if it had been typed.

const HOUR_MS = 3600000;
let begun = null;

document.addEventListener("click", (event) => {
  const scale = event.target.closest?.("svg")?.querySelector("[data-across]");
  const lines = document.querySelector("textarea[data-marks]");
  const at = scale && lines ? timeAt(event, scale) : null;
  if (at === null) return;
  const hint = document.getElementById(lines.dataset.marks);
  if (begun === null) {
    begun = at;
    hint.textContent = `From ${shown(at)}. Now click where it ended.`;
    return;
  }
  const [start, end] = [begun, at].sort((one, other) => one - other);
  begun = null;
  lines.value = [lines.value.trim(), `${shown(start)}, ${shown(end)}, `].filter(Boolean).join("\n");
  hint.textContent = `${shown(start)} to ${shown(end)} was added. Say what it was, and backtest again.`;
  lines.focus();
});

/** Milliseconds of the moment that was pointed at; null beside the axes. The picture counts in hours before its end. */
function timeAt({ clientX, clientY }, scale) {
  const [least, most, left, right] = scale.dataset.across.split(" ").map(Number);
  const svg = scale.ownerSVGElement;
  const { x } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
  if (x < left || x > right) return null;
  const hours = least + ((x - left) / (right - left)) * (most - least);
  return Date.parse(svg.closest("[data-until]").dataset.until) + Math.min(hours, 0) * HOUR_MS;
}

function shown(at) {
  return new Date(at).toISOString().slice(0, 19) + "Z";
}
