// Everything on the page but the picture. Text from outside is only ever set as text.
const STALE_MS = 1000;
const LOG_LINES = 60;
const find = (id) => document.getElementById(id);
let logOf = null;

export function showStatus({ trains, train, log, stop }, choose) {
  showTrains(trains, train?.id, choose);
  showDecision(train?.decision);
  showState(train?.state);
  showStop(stop, train);
  find("held").hidden = !train?.state?.latched || /stop$/.test(train.decision?.action ?? "stop");
  showServices(train?.services ?? []);
  showFigures(train);
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

function showDecision(decision) {
  const stale = !decision || decision.age_ms > STALE_MS;
  find("decision").classList.toggle("stale", stale);
  document.body.dataset.action = stale ? "none" : decision.action;
  setText("action", decision ? decision.action.replace("_", " ") : "none yet");
  setText("why", decision ? decision.reason : "No decision has come.");
}

function showState(state) {
  find("train").classList.toggle("stale", !state || state.age_ms > 3 * STALE_MS);
  setText("motion", state ? state.motion : "unknown");
  setText("because", state ? state.reason : "The train has not told its state.");
  find("latched").hidden = !state?.latched;
  document.body.dataset.latched = state?.latched ? "yes" : "no";
  setMeter("power-bar", Math.abs(state?.power_percent ?? 0));
  setText("power", state ? `${state.power_percent} %` : "–");
  setMeter("battery-bar", state?.battery_percent ?? 0);
  setText("battery", battery(state));
  setText("radio", state?.rssi_dbm == null ? "–" : `${state.rssi_dbm} dBm`);
}

// Without a broker the console can show trains, but not stop them.
function showStop(stop, train) {
  find("stop").hidden = find("stop-key").hidden = !stop || !train;
  find("stop").disabled = Boolean(stop?.under_way);
  setText("stop", stop?.under_way ? "Stopping" : "Emergency stop");
  find("stop-trouble").hidden = !stop?.trouble;
  setText("stop-trouble", stop?.trouble ?? "");
}

export function showStopNotSent(train) {
  find("stop-trouble").hidden = false;
  setText(
    "stop-trouble",
    `The stop was NOT sent: the console does not answer. Press the green button of the hub of “${train}”.`,
  );
}

function battery(state) {
  const percent = state?.battery_percent == null ? "" : `${state.battery_percent} %`;
  const volts = state?.voltage_v == null ? "" : `${state.voltage_v.toFixed(1)} V`;
  return [percent, volts].filter(Boolean).join(" · ") || "–";
}

function showServices(services) {
  find("services").replaceChildren(
    ...services.map(({ name, light, detail }) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.dataset.light = light;
      item.title = detail || light;
      return item;
    }),
  );
}

function showFigures(train) {
  setText("fps", train ? train.fps.toFixed(1) : "–");
  setText("latency", train?.latency_ms == null ? "–" : `${Math.round(train.latency_ms)} ms`);
  setText("lost", train ? `${train.lost} of ${train.frames + train.lost}` : "–");
}

function addToLog({ at, tone, who, text }) {
  const item = document.createElement("li");
  item.dataset.tone = tone;
  const time = document.createElement("time");
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString([], { hour12: false });
  const name = document.createElement("b");
  name.textContent = who;
  item.append(time, name, text);
  find("log").prepend(item);
  if (find("log").children.length > LOG_LINES) find("log").lastChild.remove();
}

function setText(id, text) {
  const element = find(id);
  if (element.textContent !== text) element.textContent = text;
}

function setMeter(id, value) {
  find(id).value = value;
}
