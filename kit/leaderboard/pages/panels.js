// First finishers, brackets and teams, and the ticker.
import { clockTime, number, say } from "./words.js";
import { exerciseColour, find, name, part, setText } from "./parts.js";
import { measured } from "./ranks.js";

const GROUP_MS = 7000;
const NEWS_SHOWN = 9;
const firstKey = ({ at_s, user, kind, exercise }) => [at_s, user, kind, exercise].join("\n");
let board = null;
let known = null;
let turn = 0;
let turnedAt = 0;

export function showPanels(document_) {
  board = document_;
  showFirsts();
  showGroups();
  showNews();
}

export function forgetPanels() {
  known = null;
  find("ticker").replaceChildren();
  find("firsts").replaceChildren();
}

export function turnGroups() {
  if (!board || performance.now() - turnedAt < GROUP_MS) return;
  turnedAt = performance.now();
  turn += 1;
  showGroups();
}

function title(id) {
  return board.event.exercises.find((exercise) => exercise.id === id)?.title ?? id;
}

function resultOf({ at_s, value }, exercise) {
  return value === null ? clockTime(at_s) : measured(value, exercise);
}

function showFirsts() {
  const list = find("firsts");
  const { exercises } = board.event;
  setText(find("firsts-title"), say(exercises.every(({ unit }) => unit !== null) ? "bests" : "firsts"));
  list.style.setProperty("--across", Math.min(3, exercises.length));
  const shown = exercises.slice(0, 6);
  const items = shown.map((exercise, index) => {
    const first = board.firsts.find((each) => each.exercise === exercise.id);
    const item = part("li", first ? "yes" : "");
    item.style.setProperty("--colour", exerciseColour(index));
    item.append(part("p", "name what", exercise.title));
    if (first) item.append(name(first.name), part("p", "when", resultOf(first, exercise)));
    else item.append(part("p", "when", say("first_open")));
    return item;
  });
  const wanted = items.map((item) => item.textContent).join("\n");
  if (list.dataset.shown === wanted && list.children.length) return;
  list.dataset.shown = wanted;
  list.replaceChildren(...items);
}

function showGroups() {
  const groups = board.brackets.filter(({ rows }) => rows.length)
    .map(({ title: bracket, rows }) => [say("brackets", { title: bracket }), rows]);
  if (board.teams.length) groups.push([say("teams"), board.teams]);
  find("groups-box").hidden = groups.length === 0;
  if (groups.length === 0) return;
  const [heading, rows] = groups[turn % groups.length];
  setText(find("groups-title"), heading);
  setText(find("groups-page"), groups.length > 1 ? `${(turn % groups.length) + 1} / ${groups.length}` : "");
  find("groups").replaceChildren(
    ...rows.slice(0, 6).map((row) => {
      const item = part("li");
      item.dataset.rank = row.rank;
      item.append(part("span", "rank", String(row.rank)), name(row.name), part("span", "score", number(row.score, 1)));
      return item;
    }),
  );
}

function showNews() {
  const list = find("ticker");
  const news = board.news.slice(0, NEWS_SHOWN);
  const keys = news.map(firstKey);
  if (known && keys.join("\t") === known.join("\t")) return;
  list.replaceChildren(
    ...news.map((each, index) => {
      const item = part("li", known && !known.includes(keys[index]) ? "new" : "");
      const place = board.event.exercises.findIndex(({ id }) => id === each.exercise);
      item.style.setProperty("--colour", place < 0 ? "#ffd257" : exerciseColour(place));
      item.append(part("time", "", clockTime(each.at_s)), name(each.name));
      const exercise = board.event.exercises[place];
      const value = each.value === null ? "" : measured(each.value, exercise);
      const kind = each.value === null ? each.kind : "result";
      item.append(` ${say(`news_${kind}`, { exercise: title(each.exercise), value })}`);
      return item;
    }),
  );
  known = keys;
}
