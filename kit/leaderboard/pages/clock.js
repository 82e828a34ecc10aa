// The clock, and the event as a line with its marks. It runs on between two documents.
import { clockTime, say } from "./words.js";
import { EXERCISE_COLOURS, find, part, setText } from "./parts.js";

const SOON_S = 300;
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
    .map((exercise, index) => [exercise.nominal_end_s, exercise.title, EXERCISE_COLOURS[index % 6]])
    .filter(([at]) => at > 0 && at <= event.duration_s);
  if (event.freezes_s !== null) addFreeze(marks, event);
  const wanted = JSON.stringify(marks);
  if (course.dataset.marks === wanted) return;
  course.dataset.marks = wanted;
  for (const old of course.querySelectorAll(".mark")) old.remove();
  for (const [at, title, colour] of marks) {
    const mark = part("i", "mark");
    mark.style.setProperty("--at", at / event.duration_s);
    if (colour) mark.style.setProperty("--colour", colour);
    mark.classList.toggle("late", at / event.duration_s > 0.93);
    mark.append(part("b", "", title));
    course.append(mark);
  }
}

// Two labels at one place would cover each other, so they become one.
function addFreeze(marks, event) {
  const text = `❄ ${say("freeze_mark")}`;
  const near = marks.find(([at]) => Math.abs(at - event.freezes_s) < 0.06 * event.duration_s);
  if (near) near[1] = `${near[1]} · ${text}`;
  else marks.push([event.freezes_s, text, ""]);
}
