// The organiser's tables: participants, log, audit trail.
import { find, name, part } from "./parts.js";
import { clockTime, number, say } from "./words.js";

export function showPeople(people, act) {
  find("people").replaceChildren(...people.rows.map((person) => personRow(person, act)));
}

function personRow(person, act) {
  const row = part("tr", person.hidden || person.disqualified ? "off" : "");
  row.dataset.user = person.user;
  const who = part("td");
  who.append(name(person.name));
  for (const tag of [person.bracket, person.team]) if (tag) who.append(part("span", "tag", tag));
  for (const flag of ["hidden", "disqualified"]) if (person[flag]) who.append(part("span", "tag", say(flag)));
  const buttons = part("div", "buttons");
  const about = { user: person.user };
  buttons.append(
    button("adjust", () => act.correct({ ...about, kind: "adjust" })),
    button("hint", () => act.correct({ ...about, kind: "hint" })),
    button(person.hidden ? "show" : "hide", () => act.correct({ ...about, kind: person.hidden ? "show" : "hide" })),
    button(person.disqualified ? "reinstate" : "disqualify",
      () => act.correct({ ...about, kind: person.disqualified ? "reinstate" : "disqualify" })),
    button("new_token", () => act.newToken(person.user)),
  );
  const last = part("td");
  last.append(buttons);
  row.append(
    part("td", "number", person.rank ? String(person.rank) : "–"),
    who,
    part("td", "number", number(person.score, 1)),
    finished(person.done),
    last,
  );
  return row;
}

function finished(done) {
  const cell = part("td", "number", String(Object.keys(done).length));
  cell.title = Object.keys(done).join(", ");
  return cell;
}

export function showRecords(records, act) {
  find("records").replaceChildren(
    ...records.map((record) => {
      const row = part("tr", record.undone ? "undone" : "");
      row.dataset.id = record.id;
      const last = part("td");
      if (["event", "hint", "adjust"].includes(record.kind)) {
        const kind = record.undone ? "restore" : "undo";
        const buttons = part("div", "buttons");
        buttons.append(button(kind, () => act.correct({ kind, user: record.user, target: record.id })));
        last.append(buttons);
      }
      const who = part("td");
      who.append(name(record.user));
      row.append(part("td", "time", time(record.at_s)), who, part("td", "", whatOf(record)), last);
      return row;
    }),
  );
}

function whatOf({ kind, fields }) {
  const { exercise, env, condition, value, points, hint, bracket, team } = fields;
  const what = kind === "event" ? [exercise, env, condition] : [kind, exercise, bracket, team];
  if (kind === "event" && value !== undefined && value !== 1) what.push(`= ${value}`);
  if (points !== undefined) what.push(points > 0 ? `+${points}` : `${points}`);
  if (hint && !hint.startsWith("desk-")) what.push(hint);
  return what.filter(Boolean).join(" · ");
}

function time(seconds) {
  return seconds < 0 ? `−${clockTime(-seconds)}` : clockTime(seconds);
}

export function showAudit(lines) {
  const rows = lines.map((line) => {
    const row = part("tr");
    const at = new Date(line.at).toLocaleTimeString([], { hour12: false });
    const who = part("td");
    who.append(name(line.who));
    const word = line.what === "token" ? "new_token" : line.what;
    const what = [say(word), line.about, line.detail].filter(Boolean).join(" · ");
    row.append(part("td", "time", at), who, part("td", "", what), part("td", "", line.why));
    return row;
  });
  if (rows.length === 0) rows.push(part("tr"));
  find("audit").replaceChildren(...rows);
}

function button(word, act) {
  const element = part("button", "small", say(word));
  element.type = "button";
  element.dataset.act = word;
  element.addEventListener("click", act);
  return element;
}
