// What may be done to the train that is shown: stop it, arm it, have its pictures pause.
import { reason } from "/shared/reasons.js";
import { t } from "./texts.js";

const find = (id) => document.getElementById(id);
const dialog = find("arming");
let say = () => false;
let shown = null; // the train whose state is on the page, and what holds it
let readings = {};
let asked = null; // what the operator was asked to confirm

export function startOrders(link) {
  say = link.say;
  find("stop").addEventListener("click", emergencyStop);
  find("arm").addEventListener("click", askToArm);
  find("capture").addEventListener("click", switchCapture);
  find("arming-no").addEventListener("click", () => dialog.close());
  find("arming-yes").addEventListener("click", arm);
}

// Stops the train that is on the page, by its name: no other one, whatever the server would show.
export function emergencyStop() {
  if (!shown) return;
  dialog.close();
  if (!say({ emergency_stop: shown.id })) tell(t("trouble.stop.not_sent", { train: shown.id }));
}

export function showOrders({ train, orders, role, readings: read }) {
  readings = read;
  shown = train && orders ? train : null;
  find("stop").hidden = find("stop-key").hidden = !shown;
  find("operator").hidden = !shown || role !== "operator";
  if (dialog.open && asked !== confirmable()) dialog.close(); // it is no longer what was asked
  if (!shown) return;
  const busy = (order) => orders.under_way.includes(order);
  setButton("stop", busy("stop") ? "stop.under_way" : "stop", busy("stop"));
  setButton("arm", busy("arm") ? "arm.under_way" : "arm", busy("arm") || !confirmable() || !orders.can_arm);
  find("arm").title = orders.can_arm ? "" : t("arm.no_key");
  const paused = shown.paused !== null;
  const under = ["pause", "resume"].find(busy);
  setButton("capture", under ? `${under}.under_way` : paused ? "resume" : "pause", Boolean(under));
  tell(inWords(orders.latest));
}

// Before the server knows a train nothing can be done to it, and no button says that it could.
export function forgetOrders() {
  shown = null;
  find("stop").hidden = find("stop-key").hidden = find("operator").hidden = true;
  dialog.close();
}

function confirmable() {
  return shown?.state?.latch ? `${shown.id} ${shown.state.latch}` : null;
}

// Never armed by one key or click: the first only asks, and "Cancel" has the keyboard.
function askToArm() {
  asked = confirmable();
  if (!asked) return;
  find("arming-title").textContent = t("arm.question", { train: shown.id });
  find("arming-warning").textContent = t("arm.warning", { reason: reason(shown.state.reason, readings).replace(/\.$/, "") });
  dialog.showModal();
}

function arm() {
  if (asked === confirmable()) say({ arm: { train: shown.id, seen: shown.state.latch } });
  dialog.close();
}

function switchCapture() {
  if (shown) say({ capture: { train: shown.id, on: shown.paused !== null } });
}

function inWords(latest) {
  if (!latest) return "";
  const detail = reason(latest.detail, readings);
  return [t(`trouble.${latest.order}.${latest.trouble}`), detail].filter(Boolean).join(" ");
}

function tell(text) {
  find("told").hidden = !text;
  if (find("told").textContent !== text) find("told").textContent = text;
}

function setButton(id, key, disabled) {
  const text = t(key);
  if (find(id).textContent !== text) find(id).textContent = text;
  find(id).disabled = disabled;
}
