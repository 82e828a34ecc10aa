// The score graph of the leaders: each line goes through the corners that the server computed.
import { clockTime, number, say } from "./words.js";
import { LINE_COLOURS, drawn, find, part } from "./parts.js";

const TICKS = 4;
let last = null;

export function showGraph(board) {
  last = board;
  draw();
}

export function redrawGraph() {
  if (last) draw();
}

function draw() {
  const box = find("graph");
  const lines = last.graph.filter(({ points }) => points.length > 2);
  const { clientWidth: width, clientHeight: height } = box;
  if (lines.length === 0 || width === 0 || height === 0) {
    box.replaceChildren(part("p", "", lines.length === 0 ? say("graph_empty") : ""));
    return;
  }
  const letter = parseFloat(getComputedStyle(box).fontSize);
  const frame = { left: 2.9 * letter, top: 0.7 * letter, right: width - 8.4 * letter, bottom: height - 1.6 * letter };
  const all = lines.flatMap(({ points }) => points);
  const endS = Math.max(60, last.board_s);
  const [lowest, highest] = bounds(all.map(([, score]) => score));
  const x = (s) => frame.left + (Math.min(s, endS) / endS) * (frame.right - frame.left);
  const y = (v) => frame.bottom - ((v - lowest) / (highest - lowest)) * (frame.bottom - frame.top);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.setAttribute("aria-label", say("graph"));
  drawGrid(svg, { x, y, frame, endS, lowest, highest, letter });
  // The first one is drawn last, over the others.
  const ends = spread(lines.map(({ points }) => y(points.at(-1)[1])), 1.12 * letter, frame);
  [...lines.keys()].reverse().forEach((index) => {
    drawLine(svg, lines[index], { x, y, colour: LINE_COLOURS[index], labelY: ends[index], letter });
  });
  box.replaceChildren(svg);
}

function bounds(values) {
  const highest = Math.max(10, ...values);
  const lowest = Math.min(0, ...values);
  const step = niceStep((highest - lowest) / TICKS);
  return [Math.floor(lowest / step) * step, highest + 0.06 * (highest - lowest)];
}

function niceStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= raw);
}

function drawGrid(svg, { x, y, frame, endS, lowest, highest, letter }) {
  const step = niceStep((highest - lowest) / TICKS);
  for (let value = lowest; value <= highest; value += step) {
    svg.append(drawn("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(value), y2: y(value) }));
    const label = drawn("text", { class: "axis", x: frame.left - 0.4 * letter, y: y(value) + 0.3 * letter, "text-anchor": "end" });
    label.textContent = number(value);
    svg.append(label);
  }
  const every = [30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].find((s) => endS / s <= 6) ?? 86400;
  for (let at = 0; at <= endS; at += every) {
    const label = drawn("text", { class: "axis", x: x(at), y: frame.bottom + 1.25 * letter, "text-anchor": at ? "middle" : "start" });
    label.textContent = every < 60 ? clockTime(at) : clockTime(at).slice(0, -3);
    svg.append(label);
  }
}

function drawLine(svg, { name, points }, { x, y, colour, labelY, letter }) {
  const path = points.map(([s, v], i) => `${i ? "L" : "M"}${x(s).toFixed(1)} ${y(v).toFixed(1)}`);
  const group = drawn("g", {});
  group.style.setProperty("--line", colour);
  group.append(drawn("path", { class: "line", d: path.join("") }));
  // A corner that goes straight up is a finish.
  points.slice(1).forEach(([s, v], i) => {
    if (s === points[i][0] && v > points[i][1]) {
      group.append(drawn("circle", { class: "finish", cx: x(s), cy: y(v), r: 0.26 * letter }));
    }
  });
  const [endS, endV] = points.at(-1);
  group.append(drawn("circle", { class: "end", cx: x(endS), cy: y(endV), r: 0.34 * letter }));
  const label = drawn("text", { class: "label", x: x(endS) + 0.7 * letter, y: labelY + 0.32 * letter });
  label.textContent = name.length > 13 ? `${name.slice(0, 12)}…` : name;
  group.append(label);
  svg.append(group);
}

// Labels keep their order and a distance, and stay inside.
function spread(wanted, distance, { top, bottom }) {
  const order = [...wanted.keys()].sort((a, b) => wanted[a] - wanted[b]);
  const placed = [];
  let next = top;
  for (const index of order) {
    placed[index] = Math.max(next, wanted[index]);
    next = placed[index] + distance;
  }
  let limit = bottom;
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index], limit);
    limit = placed[index] - distance;
  }
  return placed;
}
