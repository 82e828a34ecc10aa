// The clock, and the event as a line with its marks. It runs on between two documents.
import { clockTime, say } from "./words.js";
import { exerciseColour, find, part, setText } from "./parts.js";

const SOON_S = 300;
const LATE = 0.93; // labels beyond it end at their mark
let board = null;
let since = 0;

export function nowS() {
  if (board?.now_s == null) return null;
  const runs = ["waiting", "running", "frozen"].includes(board.phase);
  const passed = runs ? (performance.now() - since) / 1000 : 0;
  return Math.min(board.now_s + passed, board.ends_s);
}

export function showClock(document_) {
  board = document_;
  since = performance.now();
  showMarks(board);
  tick();
}

export function tick() {
  if (!board) return;
  const now = nowS();
  const left = now === null ? null : board.ends_s - now;
  const over = ["ended", "revealing", "final"].includes(board.phase);
  const waiting = now !== null && now < 0;
  const label = now === null ? "unset" : waiting ? "waiting" : over ? "over" : "left";
  setText(find("clock-label"), say(`clock_${label}`));
  const shown = now === null ? board.event.duration_s : waiting ? -now : over ? board.ends_s : left;
  setText(find("clock-time"), clockTime(Math.ceil(shown)));
  find("clock").dataset.soon = !over && left !== null && left < SOON_S ? "yes" : "no";
  const gone = Math.max(0, (now ?? 0) / board.event.duration_s);
  find("gone").style.setProperty("--part", Math.min(1, gone));
}

function showMarks({ event }) {
  const course = find("course");
  const marks = event.exercises
    .map((exercise, index) => [exercise.nominal_end_s, exercise.title, exerciseColour(index)])
    .filter(([at]) => at > 0 && at <= event.duration_s);
  if (event.freezes_s !== null) addFreeze(marks, event);
  const wanted = JSON.stringify(marks);
  if (course.dataset.marks === wanted) return;
  course.dataset.marks = wanted;
  for (const old of course.querySelectorAll(".mark")) old.remove();
  let free = 0;
  for (const [at, title, colour] of marks.sort(([one], [other]) => one - other)) {
    const mark = part("i", "mark");
    const [from, to] = extent(at / event.duration_s, title);
    const label = from >= free ? title : ""; // labels do not cover each other
    if (label) free = to;
    mark.style.setProperty("--at", at / event.duration_s);
    if (colour) mark.style.setProperty("--colour", colour);
    mark.classList.toggle("late", at / event.duration_s > LATE);
    mark.append(part("b", "", label));
    course.append(mark);
  }
}

// From where to where a label is, in parts of the line: a letter takes about a hundred-and-eightieth.
function extent(at, title) {
  const width = title.length / 180;
  return at > LATE ? [at - width, at] : [at - width / 2, at + width / 2];
}

// Two labels at one place would cover each other, so they become one.
function addFreeze(marks, event) {
  const text = `❄ ${say("freeze_mark")}`;
  const near = marks.find(([at]) => Math.abs(at - event.freezes_s) < 0.06 * event.duration_s);
  if (near) near[1] = `${near[1]} · ${text}`;
  else marks.push([event.freezes_s, text, ""]);
}
