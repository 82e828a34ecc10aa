// Small things that both pages are built of. Text from outside is only ever set as text.
export const find = (id) => document.getElementById(id);

// Colours of exercises, and of the lines of the graph: told apart by people who see few colours too.
export const EXERCISE_COLOURS = ["#4cc9f0", "#f9a03f", "#b48cff", "#5de2a0", "#ff7aa8", "#e6e05a", "#ff6b5e", "#d3dcec"];
export const LINE_COLOURS = [
  "#ffd257", "#4cc9f0", "#ff7a6b", "#5de2a0", "#b48cff", "#f9a03f", "#8fb4ff", "#ff8fd0",
];

export function part(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== "") element.textContent = text;
  return element;
}

export function name(text) {
  const element = part("b", "name", text);
  element.dir = "auto";
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function drawn(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export const exerciseColour = (index) => EXERCISE_COLOURS[index % EXERCISE_COLOURS.length];

// A measured value has about three digits that count.
export function digitsOf(value) {
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}
