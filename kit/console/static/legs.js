// Where the milliseconds go, leg by leg, from the camera to the screen.
import { number, t } from "./texts.js";

const DRAWN = 50; // of how many pictures the page's own median is
const list = document.getElementById("legs");
const EVERY_MS = 500; // nobody reads faster, and each time the browser lays the page out anew
const drawn = [];
let shownOf = null;
let shownAt = -Infinity;

export function notePicture(ms) {
  drawn.push(ms);
  if (drawn.length > DRAWN) drawn.shift();
}

export function showLegs(train) {
  const now = performance.now();
  if (train?.id === shownOf && now - shownAt < EVERY_MS) return;
  [shownOf, shownAt] = [train?.id, now];
  const legs = Object.entries(train?.stages_ms ?? {});
  const known = legs.filter(([, ms]) => ms !== null);
  if (drawn.length && train) known.push(["page", [...drawn].sort((a, b) => a - b)[drawn.length >> 1]]);
  list.replaceChildren(...known.map(item));
}

function item([leg, ms]) {
  const element = document.createElement("li");
  element.dataset.leg = leg;
  element.style.flexGrow = ms;
  const name = document.createElement("span");
  name.textContent = t(`leg.${leg}`);
  const value = document.createElement("b");
  value.textContent = number(ms, ms < 10 ? 1 : 0);
  element.append(name, value);
  return element;
}

// Small, large, hidden, and small again.
export function nextSize() {
  const { dataset } = document.body;
  dataset.legs = { small: "large", large: "off", off: "small" }[dataset.legs];
}
