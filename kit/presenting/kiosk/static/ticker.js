// The best of the day, in as many pages as they need; the page with the present visitor's name stays.
import { points, spoken, word } from "./words.js";

const TURN_MS = 4000;
const list = document.getElementById("best");
const title = document.getElementById("best-title");
let shown = "";
let from = 0; // place of the first that is on the page

setInterval(turn, TURN_MS);
addEventListener("resize", fit);

export function showBest({ best, board, visit }) {
  title.textContent = boardTitle(board);
  const now = JSON.stringify([best, visit.name, spoken(), title.textContent]);
  if (shown === now) return;
  shown = now;
  if (!best.length) list.textContent = word("nobody");
  else list.replaceChildren(...best.map((row) => place(row, visit.name)));
  if (from >= best.length) from = 0;
  fit();
}

function boardTitle({ named, trouble, owed }) {
  if (trouble) return owed ? word("board_owed", { value: owed }) : word("board_away");
  return word(named ? "best_board" : "best");
}

function place({ rank, name, score }, mine) {
  const item = document.createElement("li");
  item.classList.toggle("mine", name === mine && mine !== "");
  const [number, who, total] = ["i", "bdi", "b"].map((kind) => document.createElement(kind));
  number.textContent = `${rank}.`;
  who.textContent = name;
  total.textContent = points(score);
  item.append(number, who, total);
  return item;
}

function turn() {
  const places = [...list.children];
  const last = places.findLastIndex((place) => !place.hidden);
  from = last + 1 < places.length ? last + 1 : 0;
  fit();
}

// Shows as many places as fit, whole ones alone.
function fit() {
  const places = [...list.children];
  for (const place of places) place.hidden = false;
  const mine = places.findIndex((place) => place.classList.contains("mine"));
  const room = list.clientWidth;
  const ends = places.map((place) => place.offsetLeft - list.offsetLeft + place.offsetWidth);
  const starts = places.map((place) => place.offsetLeft - list.offsetLeft);
  const fits = (first, at) => ends[at] - starts[first] <= room;
  if (mine >= 0 && !(from <= mine && fits(from, mine))) from = mine;
  places.forEach((place, at) => (place.hidden = at < from || (at > from && !fits(from, at))));
}
