// The reveal: covered places, which turn over one after the other, and confetti for the first three.
import { number } from "./words.js";
import { EXERCISE_COLOURS, exerciseColour, find, name, part } from "./parts.js";
import { result } from "./ranks.js";

const PODIUM = 3;
const COVERED = "· · ·";
let shown = null;

export function showCeremony(board) {
  const { reveal } = board;
  const open = reveal !== null && ["revealing", "final"].includes(board.phase) && reveal.top > 0;
  find("ceremony").hidden = !open;
  if (!open) {
    shown = null;
    return;
  }
  const rows = new Map(board.rows.map((row) => [row.rank, row]));
  const before = shown;
  const covered = reveal.top - reveal.shown;
  const podium = [];
  const places = [];
  for (let rank = 1; rank <= reveal.top; rank += 1) {
    const item = place(rank, rank > covered ? rows.get(rank) : null);
    if (rank <= PODIUM && rows.has(rank) && rank > covered) item.append(finishes(rows.get(rank), board.event));
    if (before !== null && rank > covered && rank <= before) item.classList.add("turned");
    (rank <= PODIUM ? podium : places).push(item);
  }
  if (before !== covered) {
    const lines = Math.max(1, Math.min(7, Math.ceil(places.length / 2)));
    find("places").style.setProperty("--rows", lines);
    find("places").style.setProperty("--across", Math.max(1, Math.ceil(places.length / lines)));
    find("podium").replaceChildren(...podium);
    find("places").replaceChildren(...places);
  }
  if (before !== null && covered < before && covered < PODIUM) celebrate(covered === 0 ? 260 : 110);
  shown = covered;
}

function place(rank, row) {
  const item = part("li", row ? "" : "covered");
  item.dataset.rank = rank;
  item.append(
    part("span", "rank", String(rank)),
    name(row ? row.name : COVERED),
    part("span", "score", row ? number(row.score, 1) : ""),
  );
  return item;
}

function finishes(row, { exercises }) {
  const chips = part("span", "done");
  exercises.forEach((exercise, index) => {
    const done = row.done[exercise.id];
    if (!done) return;
    const chip = part("i", "yes", result(done, exercise));
    chip.style.setProperty("--colour", exerciseColour(index));
    chips.append(chip);
  });
  return chips;
}

function celebrate(pieces) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const canvas = find("confetti");
  canvas.width = canvas.clientWidth;
  canvas.height = canvas.clientHeight;
  const context = canvas.getContext("2d");
  const size = canvas.width / 130;
  const bits = Array.from({ length: pieces }, () => ({
    x: canvas.width * (0.3 + 0.4 * Math.random()),
    y: canvas.height * 0.35,
    vx: (Math.random() - 0.5) * canvas.width * 0.014,
    vy: -canvas.height * (0.008 + 0.018 * Math.random()),
    turn: Math.random() * Math.PI,
    colour: EXERCISE_COLOURS[Math.floor(Math.random() * EXERCISE_COLOURS.length)],
  }));
  const fall = canvas.height * 0.00045;
  const began = performance.now();
  function draw() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const bit of bits) {
      bit.vy += fall;
      bit.vx *= 0.992;
      bit.x += bit.vx;
      bit.y += bit.vy;
      bit.turn += 0.09;
      context.save();
      context.translate(bit.x, bit.y);
      context.rotate(bit.turn);
      context.fillStyle = bit.colour;
      context.fillRect(-size / 2, -size / 4, size, size * 0.5 * Math.abs(Math.cos(bit.turn * 2)) + 2);
      context.restore();
    }
    if (performance.now() - began < 5500) requestAnimationFrame(draw);
    else context.clearRect(0, 0, canvas.width, canvas.height);
  }
  requestAnimationFrame(draw);
}
