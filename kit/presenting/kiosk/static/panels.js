// What stands beside the picture in each phase of a visit.
import { reason } from "/shared/reasons.js";
import { shows } from "./picture.js";
import { showBest } from "./ticker.js";
import { points, word } from "./words.js";

const at = (id) => document.getElementById(id);
const MOST = { stopped: 20, margin: 40, reaction: 40 };
let unaskedStop = { of: 0, text: "" };

export function showAll(told) {
  const { visit, train, readings } = told;
  const flying = !["attract", "score"].includes(visit.phase);
  document.body.dataset.phase = visit.phase;
  document.body.dataset.live = visit.phase === "attract" ? "no" : "yes";
  document.body.dataset.action = actionOf(visit, train);
  at("attract").hidden = visit.phase !== "attract";
  at("flight").hidden = !flying;
  at("score").hidden = visit.phase !== "score";
  at("badge").textContent = word(visit.phase === "attract" ? "recorded" : "live");
  at("waiting").hidden = shows(visit.phase !== "attract");
  at("badge").hidden = visit.phase === "score" || !at("waiting").hidden;
  at("picture").hidden = !at("waiting").hidden;
  at("boxes").hidden = at("picture").hidden || visit.phase === "countdown";
  showCount(visit);
  if (flying) showFlight(visit, train, readings);
  if (visit.phase === "score") showScore(visit, readings);
  showBest(told);
}

function actionOf(visit, train) {
  if (["preparing", "countdown"].includes(visit.phase)) return "none";
  if (visit.phase === "score") return "stop"; // whatever came of it, the train stands
  return train.decision?.action ?? "none";
}

function showCount(visit) {
  const counting = visit.phase === "countdown";
  at("count").hidden = !counting;
  const number = String(Math.max(1, Math.ceil(visit.left_s)));
  if (counting && at("count").textContent !== number) at("count").textContent = number;
}

function showFlight(visit, train, readings) {
  at("flight-title").textContent = word(visit.phase, { name: visit.name });
  at("flight-more").textContent = moreOfFlight(visit, train, readings);
  showPrograms(visit, train);
  const moving = ["under_way", "ending"].includes(visit.phase);
  at("signal").hidden = !moving;
  at("action").textContent = word(`decision_${train.decision?.action ?? "none"}`);
  const label = train.decision?.label;
  at("why").textContent = label ? word(`label_${label}`) : "";
  at("latency").textContent =
    moving && train.latency_ms !== null ? word("latency", { value: Math.round(train.latency_ms) }) : "";
}

// Which of the mission's programs are at work already.
function showPrograms({ phase }, { services }) {
  const starting = ["preparing", "countdown"].includes(phase);
  at("programs").hidden = !starting;
  if (!starting) return;
  at("programs").replaceChildren(...Object.entries(services).map(([name, light]) => {
    const item = document.createElement("li");
    item.textContent = word(`program_${name}`);
    item.dataset.light = light;
    return item;
  }));
}

// What the train itself said of a stop that no sign asked for stays until the score: some programs take long to end.
function moreOfFlight(visit, train, readings) {
  const unasked = train.stands && train.decision?.action !== "stop" && visit.phase === "under_way";
  if (unasked) unaskedStop = { of: visit.number, text: reason(train.state.reason, readings) };
  if (unaskedStop.of === visit.number && ["under_way", "ending"].includes(visit.phase)) return unaskedStop.text;
  const more = { preparing: "preparing_more", countdown: "countdown_more", ending: "ending_more" }[visit.phase];
  return more ? word(more) : "";
}

function showScore(visit, readings) {
  const { score } = visit;
  const well = !visit.again;
  at("score").dataset.well = well ? "yes" : "no";
  at("score-title").textContent = word(titleOf(visit, well));
  at("score-more").textContent = moreOf(visit, well);
  at("because").textContent = visit.stopped_by_hand ? "" : reason(visit.because, readings);
  at("again").hidden = well;
  at("again").textContent = word("again", { name: visit.name });
  at("points").textContent = well ? points(score.total) : "";
  at("parts").replaceChildren(...(well ? parts(score) : []));
}

function titleOf(visit, well) {
  if (well) return "stopped";
  if (visit.trouble) return "failed";
  return /derail/.test(visit.verdict) ? "derailed" : "missed";
}

function moreOf(visit, well) {
  if (visit.stopped_by_hand) return word("stopped_by_hand");
  if (visit.trouble) return word(`trouble_${visit.trouble}`);
  return well ? visit.name : word(`${titleOf(visit, well)}_more`);
}

function parts(score) {
  const cm = score.margin_m === null ? null : Math.round(score.margin_m * 100);
  const ms = score.brake_ms === null ? null : Math.round(score.brake_ms);
  return [
    part(word("part_stopped"), score.stopped, MOST.stopped),
    part(filled("part_margin", cm), score.margin, MOST.margin),
    part(filled("part_reaction", ms), score.reaction, MOST.reaction),
  ];
}

function filled(key, value) {
  return value === null ? word(`${key}_unknown`) : word(key, { value });
}

function part(text, reached, most) {
  const item = document.createElement("li");
  const [name, value, bar] = ["span", "b", "meter"].map((kind) => document.createElement(kind));
  name.textContent = text;
  value.textContent = `${points(reached)} / ${most}`;
  Object.assign(bar, { max: most, value: reached });
  item.append(name, value, bar);
  return item;
}
