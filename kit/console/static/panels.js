// Everything on the page that only tells. Text from outside is only ever set as text.
import { reason as inOwnWords } from "/shared/reasons.js";
import { known, language, number, t } from "./texts.js";

const STALE_MS = 1000;
const LOG_LINES = 60;
const find = (id) => document.getElementById(id);
let logOf = null;
let servicesShown = "";

export function showStatus({ trains, train, log, readings }, choose) {
  showTrains(trains, train?.id, choose);
  showDecision(train?.decision, readings);
  showState(train?.state, readings);
  find("held").hidden = !train?.state?.latched || /stop$/.test(train.decision?.action ?? "stop");
  showServices(train?.services ?? [], readings);
  showFigures(train);
  showQuality(train?.pictures, readings);
  if (train?.id !== logOf) {
    find("log").replaceChildren();
    logOf = train?.id ?? null;
  }
  log.forEach(addToLog);
}

// A new link tells the whole log again.
export function showLost() {
  logOf = null;
  document.body.dataset.action = "none";
  document.body.dataset.latched = "no";
  find("decision").classList.add("stale");
  find("train").classList.add("stale");
}

function showTrains(trains, current, choose) {
  const nav = find("trains");
  const shown = [...nav.children].map((button) => button.textContent);
  if (shown.join("\n") !== trains.join("\n")) {
    nav.replaceChildren(...trains.map((train) => trainButton(train, choose)));
  }
  for (const button of nav.children) {
    button.setAttribute("aria-pressed", String(button.textContent === current));
  }
}

function trainButton(train, choose) {
  const button = document.createElement("button");
  button.textContent = train;
  button.addEventListener("click", () => choose(train));
  return button;
}

function showDecision(decision, readings) {
  const stale = !decision || decision.age_ms > STALE_MS;
  find("decision").classList.toggle("stale", stale);
  document.body.dataset.action = stale ? "none" : decision.action;
  setText("action", t(decision ? `action.${decision.action}` : "no_decision"));
  setText("why", decision ? inOwnWords(decision.reason, readings) : t("no_decision_why"));
}

function showState(state, readings) {
  find("train").classList.toggle("stale", !state || state.age_ms > 3 * STALE_MS);
  setText("motion", t(state ? `motion.${state.motion}` : "no_state"));
  setText("because", state ? inOwnWords(state.reason, readings) : t("no_state_why"));
  find("latched").hidden = !state?.latched;
  document.body.dataset.latched = state?.latched ? "yes" : "no";
  setMeter("power-bar", Math.abs(state?.power_percent ?? 0));
  setText("power", state ? `${state.power_percent} %` : "–");
  setMeter("battery-bar", state?.battery_percent ?? 0);
  setText("battery", battery(state));
  setText("radio", state?.rssi_dbm == null ? "–" : `${state.rssi_dbm} dBm`);
}

function battery(state) {
  const percent = state?.battery_percent == null ? "" : `${state.battery_percent} %`;
  const volts = state?.voltage_v == null ? "" : `${number(state.voltage_v, 1)} V`;
  return [percent, volts].filter(Boolean).join(" · ") || "–";
}

function showServices(services, readings) {
  const now = JSON.stringify(services);
  if (now === servicesShown) return;
  servicesShown = now;
  find("services").replaceChildren(
    ...services.map(({ name, light, detail, silent_s }) => {
      const item = document.createElement("li");
      item.textContent = known(`who.${name}`, name);
      item.dataset.light = light;
      item.title = detail ? inOwnWords(detail, readings) : t(`light.${light}`, { seconds: silent_s });
      return item;
    }),
  );
}

function showFigures(train) {
  setText("fps", train ? number(train.fps, 1) : "–");
  setText("latency", train?.latency_ms == null ? "–" : `${number(Math.round(train.latency_ms))} ms`);
  setText("lost", train ? t("lost_of", { lost: train.lost, all: train.lost + train.frames }) : "–");
  find("lost").title = train?.skipped ? t("skipped", { skipped: train.skipped }) : "";
}

// How pictures are sent: of full size, or less of them because the link takes no more.
function showQuality(pictures, readings) {
  const { step, width, height, fps, reason } = pictures ?? {};
  find("quality").hidden = !pictures;
  if (!pictures) return;
  find("quality").dataset.reduced = step > 0 ? "yes" : "no";
  find("quality").title = inOwnWords(reason, readings);
  const rate = step > 0 && fps < 9.95 ? Math.round(fps * 10) / 10 : Math.round(fps);
  const values = { width, height, fps: rate.toLocaleString(language) };
  setText("quality", t(step > 0 ? "quality.reduced" : "quality.full", values));
}

function addToLog({ at, tone, who, what, reason, readings }) {
  const item = document.createElement("li");
  item.dataset.tone = tone;
  const time = document.createElement("time");
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString(language, { hour12: false });
  const name = document.createElement("b");
  name.textContent = known(`who.${who}`, who);
  item.append(time, name, reason ? t("log.because", { what: inWords(what), why: inOwnWords(reason, readings) }) : inWords(what));
  find("log").prepend(item);
  if (find("log").children.length > LOG_LINES) find("log").lastChild.remove();
}

function inWords(what) {
  const [kind, word, latch] = what.split(".");
  const text = latch ? t("motion.latched", { motion: t(`${kind}.${word}`) }) : t(what);
  return kind === "action" ? text.toUpperCase() : text[0].toUpperCase() + text.slice(1);
}

function setText(id, text) {
  const element = find(id);
  if (element.textContent !== text) element.textContent = text;
}

function setMeter(id, value) {
  find(id).value = value;
}
