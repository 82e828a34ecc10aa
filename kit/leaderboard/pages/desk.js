// The organiser's page: what is the case is asked again whenever the board changes.
import { ask, askJson, download, organiser } from "./desk_api.js";
import { showAudit, showPeople, showRecords } from "./desk_tables.js";
import { find, part, setText } from "./parts.js";
import { clockTime, loadWords, number, say } from "./words.js";

const LOOK_EVERY_MS = 3000;
const DEEDS = ["begin", "end", "resume", "freeze", "thaw", "reveal", "conceal"];
const GRAVE = new Set(["begin", "end", "resume", "conceal"]);
let state = null;
let stateAt = 0;
let looking = null;

await loadWords();
document.title = say("desk");
if (organiser.known) await open();
else showGate();

find("gate").addEventListener("submit", async (event) => {
  event.preventDefault();
  organiser.enter(find("gate-who").value, find("gate-token").value.trim());
  find("gate-token").value = "";
  await open();
});

async function open() {
  try {
    state = await askJson("");
  } catch (error) {
    organiser.leave();
    showGate(error.status === 401 ? say("token_wrong") : error.message);
    return;
  }
  find("gate").hidden = true;
  find("desk").hidden = false;
  fill(find("add-bracket"), ["", ...state.brackets]);
  find("add-bracket").hidden = state.brackets.length === 0;
  fill(find("ask-exercise"), state.exercises);
  await look();
  looking ??= setInterval(look, LOOK_EVERY_MS);
}

function showGate(trouble = "") {
  find("desk").hidden = true;
  find("gate").hidden = false;
  find("gate-who").value = organiser.who;
  find("gate-trouble").hidden = !trouble;
  setText(find("gate-trouble"), trouble);
}

async function look() {
  if (document.hidden || find("desk").hidden) return;
  try {
    const people = `/people?limit=300&find=${encodeURIComponent(find("find").value)}`;
    const [now, found, records, audit] = await Promise.all(
      ["", people, "/records?limit=150", "/audit"].map((path) => askJson(path)),
    );
    show(now);
    showPeople(found, { correct, newToken });
    showRecords(records, { correct });
    showAudit(audit);
  } catch (error) {
    tell(error.message, true);
  }
}

function show(now) {
  state = now;
  stateAt = performance.now();
  setText(find("phase"), say(`phase_${state.phase}`));
  find("phase").dataset.phase = state.phase;
  const reveal = state.revealed === null ? "" : ` · ${Math.min(state.revealed, state.rewarded)} / ${state.rewarded}`;
  setText(find("figures"), `${say("people", { people: number(state.participants) })} · ${say("records")} ${number(state.records)}${reveal}`);
  showDeeds();
  tick();
  if (state.trouble) tell(state.trouble, true);
}

function showDeeds() {
  const wanted = state.deeds.flatMap((deed) => {
    if (deed !== "reveal") return [[deed, deed, 0]];
    if (state.revealed === null) return [["reveal_open", deed, 0]];
    const left = state.rewarded - state.revealed;
    return left > 0 ? [["reveal_one", deed, 1], ["reveal_five", deed, 5], ["reveal_all", deed, left]] : [];
  });
  const box = find("deeds");
  const key = wanted.map(([word]) => word).join();
  if (box.dataset.shown === key && !key.includes("reveal")) return;
  box.dataset.shown = key;
  box.replaceChildren(
    ...wanted
      .sort((a, b) => DEEDS.indexOf(a[1]) - DEEDS.indexOf(b[1]))
      .map(([word, deed, places]) => {
        const button = part("button", GRAVE.has(deed) ? (deed === "begin" ? "main" : "grave") : "", say(word));
        button.type = "button";
        button.dataset.act = word;
        button.addEventListener("click", () => act(word, deed, places));
        return button;
      }),
  );
}

async function act(word, deed, places) {
  const answer = GRAVE.has(deed) ? await askWhy(say(word)) : { why: "" };
  if (answer) await attempt(() => ask("/deeds", { body: { deed, places, why: answer.why } }));
}

async function correct(wanted) {
  const answer = await askWhy(`${say(wanted.kind)}: ${wanted.user}`, wanted.kind);
  if (!answer) return;
  await attempt(() => ask("/corrections", { body: { ...wanted, ...answer } }));
}

async function newToken(user) {
  const answer = await askWhy(`${say("new_token")}: ${user}`);
  if (!answer) return;
  await attempt(async () => {
    showToken(await askJson("/tokens", { body: { user, why: answer.why } }));
  });
}

function showToken({ user, token }) {
  find("new-token").hidden = false;
  setText(find("new-token-text"), say("token_once", { name: user }));
  setText(find("new-token-value"), token);
}

find("new-token-copy").addEventListener("click", async () => {
  await navigator.clipboard?.writeText(find("new-token-value").textContent);
  find("new-token").hidden = true;
});

find("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  await attempt(async () => {
    const body = {
      name: find("add-name").value,
      bracket: find("add-bracket").value,
      team: find("add-team").value,
      hidden: find("add-hidden").checked,
    };
    showToken(await askJson("/people", { body }));
    find("add").reset();
  });
});

find("find").addEventListener("input", look);
find("leave").addEventListener("click", () => {
  organiser.leave();
  showGate();
});
find("export-standings").addEventListener("click", () => attempt(() => download("/standings.csv", "standings.csv")));
find("export-log").addEventListener("click", () => attempt(() => download("/log.csv", "log.csv")));
find("import").addEventListener("click", () => find("import-file").click());
find("import-file").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  await attempt(async () => {
    const who = encodeURIComponent(organiser.who);
    tell(say("imported", await askJson(`/import?who=${who}`, { table: await file.text() })));
  });
  target.value = "";
});

async function attempt(doing) {
  try {
    find("notice").hidden = true;
    await doing();
  } catch (error) {
    if (error.status === 401) showGate(say("token_wrong"));
    else tell(say("refused", { problem: error.message }), true);
  }
  await look();
}

function tell(text, bad = false) {
  find("notice").hidden = false;
  find("notice").dataset.bad = bad ? "yes" : "no";
  setText(find("notice"), text);
}

// Resolves with the reason and what else was asked, or with null if it was cancelled.
function askWhy(what, kind = "") {
  const dialog = find("ask");
  setText(find("ask-what"), what);
  find("ask-points-box").hidden = kind !== "adjust";
  find("ask-exercise-box").hidden = kind !== "hint";
  find("ask-points").required = kind === "adjust";
  find("ask-form").reset();
  dialog.returnValue = "";
  dialog.showModal();
  find(kind === "adjust" ? "ask-points" : "ask-why").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return resolve(null);
      const answer = { why: find("ask-why").value };
      if (kind === "adjust") answer.points = find("ask-points").valueAsNumber;
      if (kind === "hint") answer.exercise = find("ask-exercise").value;
      return resolve(answer);
    }, { once: true });
  });
}

find("ask-no").addEventListener("click", () => find("ask").close(""));

function fill(select, choices) {
  select.replaceChildren(...choices.map((choice) => new Option(choice || say("bracket"), choice)));
}

function tick() {
  if (!state) return;
  const runs = ["waiting", "running", "frozen"].includes(state.phase);
  const now = state.now_s === null ? null : state.now_s + (runs ? (performance.now() - stateAt) / 1000 : 0);
  const left = now === null ? null : now < 0 ? -now : state.ends_s - now;
  setText(find("clock"), left === null ? "–" : clockTime(Math.ceil(left)));
}

setInterval(tick, 250);
