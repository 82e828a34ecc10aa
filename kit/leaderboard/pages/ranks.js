// The ranking: the leaders as large rows that move, the others as pages of small ones.
import { number, say } from "./words.js";
import { digitsOf, exerciseColour, find, LINE_COLOURS, name, part, setText } from "./parts.js";

const LEADERS = 10;
const PACK_ROW_EM = 1.75; // least height of a small row, in its own letters
const PAGE_MS = 8000;
const GLOW_MS = 1600;

const leaders = new Map();
const pack = new Map();
let board = null;
let shownAt = 0;
let page = 0;
let pageAt = 0;
let first = true;

export function showRanks(document_) {
  board = document_;
  shownAt = performance.now();
  find("nobody").hidden = board.rows.length > 0;
  showLegend(board.event.exercises);
  showLeaders(board.rows.slice(0, LEADERS));
  showPack();
  first = false;
}

export function forgetRanks() {
  for (const [rows, list] of [[leaders, "leaders"], [pack, "pack"]]) {
    rows.clear();
    find(list).replaceChildren();
  }
  find("legend").replaceChildren();
  first = true;
}

// Between two documents scores grow in straight lines.
export function countOn() {
  if (!board) return;
  const seconds = board.phase === "running" ? (performance.now() - shownAt) / 1000 : 0;
  for (const rows of [leaders, pack]) {
    for (const { row, score } of rows.values()) {
      setText(score, number(row.score + row.rate * seconds, 1));
    }
  }
  if (performance.now() - pageAt > PAGE_MS) turnPage();
}

function showLegend(exercises) {
  if (find("legend").children.length === exercises.length) return;
  find("legend").replaceChildren(
    ...exercises.map((exercise, index) => {
      const item = part("li", "", exercise.title);
      item.style.setProperty("--colour", exerciseColour(index));
      return item;
    }),
  );
}

function showLeaders(rows) {
  const list = find("leaders");
  list.style.setProperty("--rows", rows.length);
  const best = Math.max(1e-9, rows[0]?.score ?? 0);
  rows.forEach((row, place) => {
    const line = leaders.get(row.user) ?? addLeader(list, row, place);
    const old = line.row;
    line.row = row;
    line.item.dataset.rank = row.rank;
    line.item.style.setProperty("--place", place);
    line.item.style.setProperty("--part", Math.max(0, Math.min(1, row.score / best)));
    line.item.style.setProperty("--line", LINE_COLOURS[place] ?? "#4d6a9c");
    const began = row.score !== 0 || Object.keys(row.done).length > 0;
    line.item.dataset.began = began ? "yes" : "no";
    line.swatch.hidden = place >= LINE_COLOURS.length || !began;
    setText(line.rank, String(row.rank));
    setText(line.who, row.name);
    setText(line.group, [row.bracket, row.team].filter(Boolean).join(" · "));
    showMove(line.move, row.move);
    showDone(line.done, row, old);
    setText(line.gap, row.gap === null || !began ? "" : gap(row));
    if (!first && row.rank < old.rank) glow(line.item);
  });
  dropMissing(leaders, rows);
}

function gap(row) {
  return row.gap <= 0 ? say("gap_leader") : `−${number(row.gap, 1)}`;
}

function addLeader(list, row, place) {
  const item = part("li", first ? "" : "away");
  const line = {
    item,
    row: { ...row, done: first ? row.done : {} },
    rank: part("span", "rank"),
    move: part("span", "move"),
    who: name(""),
    swatch: part("i", "swatch"),
    group: part("span", "name group"),
    done: part("span", "done"),
    score: part("span", "score"),
    gap: part("span", "gap"),
  };
  const who = part("span", "who");
  who.append(line.swatch, line.who, line.group);
  item.append(line.rank, line.move, who, line.done, line.score, line.gap);
  item.style.setProperty("--place", first ? place : place + 0.6);
  list.append(item);
  item.getBoundingClientRect(); // so that it comes in moving
  item.classList.remove("away");
  leaders.set(row.user, line);
  return line;
}

function showMove(element, move) {
  element.dataset.way = move > 0 ? "up" : move < 0 ? "down" : "none";
  setText(element, move === 0 ? "·" : `${move > 0 ? "▲" : "▼"} ${Math.abs(move)}`);
}

function showDone(element, row, old) {
  const { exercises } = board.event;
  element.style.setProperty("--count", Math.max(3, exercises.length));
  while (element.children.length < exercises.length) element.append(part("i"));
  exercises.forEach((exercise, index) => {
    const chip = element.children[index];
    const done = row.done[exercise.id];
    chip.style.setProperty("--colour", exerciseColour(index));
    chip.style.setProperty("--share", row.part[exercise.id] ?? 0);
    chip.classList.toggle("yes", Boolean(done));
    chip.classList.toggle("part", !done && exercise.id in row.part);
    chip.title = exercise.title;
    setText(chip, done ? result(done, exercise) : "");
    if (done && !old.done[exercise.id]) {
      chip.classList.remove("new");
      chip.getBoundingClientRect();
      chip.classList.add("new");
    }
  });
}

export function measured(value, exercise) {
  return `${number(value, digitsOf(value))} ${exercise?.unit ?? ""}`.trim();
}

export function result({ at_s, value }, exercise) {
  if (value !== null) return measured(value, exercise);
  const seconds = Math.floor(at_s);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function glow(item) {
  item.classList.add("risen");
  setTimeout(() => item.classList.remove("risen"), GLOW_MS);
}

function dropMissing(rows, shown) {
  const wanted = new Set(shown.map((row) => row.user));
  for (const [user, line] of rows) {
    if (wanted.has(user)) continue;
    rows.delete(user);
    line.item.classList.add("away");
    setTimeout(() => line.item.remove(), 500);
  }
}

function turnPage() {
  page += 1;
  pageAt = performance.now();
  if (board) showPack();
}

function showPack() {
  const rest = board.rows.slice(LEADERS);
  find("pack-box").hidden = rest.length === 0;
  if (rest.length === 0) return;
  const list = find("pack");
  const height = list.clientHeight;
  const letter = parseFloat(getComputedStyle(list).fontSize) * 0.886;
  const lines = Math.max(3, Math.floor(height / (PACK_ROW_EM * letter)));
  const columns = Number(getComputedStyle(list).getPropertyValue("--columns"));
  const size = lines * columns;
  const pages = Math.ceil(rest.length / size);
  page %= pages;
  // Pages of the same length, so that the last one is not nearly empty.
  const rows = Math.min(lines, Math.ceil(Math.ceil(rest.length / pages) / columns));
  list.style.setProperty("--rows", Math.max(rows, Math.min(lines, 5)));
  const each = Math.ceil(rest.length / pages);
  const shown = rest.slice(page * each, (page + 1) * each);
  const [from, to] = [LEADERS + page * each + 1, LEADERS + page * each + shown.length];
  setText(find("pack-page"), say("page_of", { from, to, people: board.people }));
  showSmallRows(list, shown);
}

function showSmallRows(list, rows) {
  dropMissing(pack, rows);
  for (const line of list.querySelectorAll(".away")) line.remove();
  const before = new Map([...pack].map(([user, line]) => [user, line.item.getBoundingClientRect()]));
  for (const row of rows) {
    const line = pack.get(row.user) ?? addSmall(row);
    const risen = !first && row.rank < line.row.rank;
    line.row = row;
    setText(line.rank, String(row.rank));
    setText(line.who, row.name);
    board.event.exercises.forEach((exercise, index) => {
      if (!line.dots.children[index]) line.dots.append(part("i"));
      const dot = line.dots.children[index];
      dot.style.setProperty("--colour", exerciseColour(index));
      dot.classList.toggle("yes", exercise.id in row.done);
    });
    list.append(line.item);
    if (risen) glow(line.item);
  }
  for (const [user, old] of before) slide(pack.get(user)?.item, old);
}

// From where it was to where it is.
function slide(item, old) {
  if (!item) return;
  const now = item.getBoundingClientRect();
  const [x, y] = [old.left - now.left, old.top - now.top];
  if (x === 0 && y === 0) return;
  item.style.transition = "none";
  item.style.transform = `translate(${x}px, ${y}px)`;
  item.getBoundingClientRect();
  item.style.transition = "";
  item.style.transform = "";
}

function addSmall(row) {
  const item = part("li");
  const line = {
    item, row, rank: part("span", "rank"), who: name(""), dots: part("span", "dots"),
    score: part("span", "score"),
  };
  item.append(line.rank, line.who, line.dots, line.score);
  pack.set(row.user, line);
  return line;
}
