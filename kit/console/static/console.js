// Joins the link to the console's server with what is on the page.
import { openLink } from "./link.js";
import { Rails } from "./rails.js";
import { Picture } from "./picture.js";
import { showLost, showStatus, showStopNotSent } from "./panels.js";

const STALE_MS = 1000;

const picture = new Picture();
const rails = new Rails();
let chosen = decodeURIComponent(location.hash.slice(1)) || null;
let trains = [];
let shown = null; // the train whose state is on the page
let trouble = "";
let linked = false;

const link = openLink({
  opened() {
    linked = true;
    if (chosen) link.say({ train: chosen });
  },
  async picture(header, jpeg) {
    if (!chosen || header.train === chosen) await picture.show(header, jpeg);
    link.say({ got_picture: true });
  },
  status(message) {
    trains = message.trains;
    shown = message.train?.id ?? null;
    trouble = message.trouble;
    if (message.train) rails.roll(message.train.state);
    showStatus(message, choose);
  },
  closed() {
    linked = false;
    rails.roll(null);
    showLost();
  },
});

function choose(train) {
  chosen = shown = train;
  history.replaceState(null, "", `#${encodeURIComponent(train)}`);
  picture.clear();
  link.say({ train });
}

// Stops the train that is on the page, by its name: no other one, whatever the server would show.
function emergencyStop() {
  if (shown && !link.say({ emergency_stop: shown })) showStopNotSent(shown);
}

document.getElementById("stop").addEventListener("click", emergencyStop);

function showAge() {
  const ageMs = picture.ageMs();
  const fresh = linked && ageMs !== null && ageMs < STALE_MS;
  const badge = document.getElementById("age");
  badge.dataset.fresh = fresh ? "yes" : "no";
  badge.textContent = !linked ? "console lost" : inWords(ageMs);
  document.body.dataset.link = ageMs === null || !linked ? "lost" : fresh ? "live" : "stale";
  const notice = document.getElementById("notice");
  notice.hidden = fresh && !picture.fault;
  notice.textContent = noticeFor(ageMs);
  requestAnimationFrame(showAge);
}

function inWords(ageMs) {
  if (ageMs === null) return "no picture";
  if (ageMs < STALE_MS) return "live";
  return ageMs < 100_000 ? `${(ageMs / 1000).toFixed(1)} s old` : `${Math.round(ageMs / 60_000)} min old`;
}

function noticeFor(ageMs) {
  if (!linked) return "The console's server does not answer. Trying again";
  if (trouble) return trouble;
  if (chosen && !trains.includes(chosen)) return `Nothing has been heard of the train “${chosen}” yet`;
  if (picture.fault) return picture.fault;
  return ageMs === null ? "Waiting for the first picture" : "The picture stands still";
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "s") {
    emergencyStop();
  } else if (event.key === "b") {
    const { dataset } = document.body;
    dataset.boxes = dataset.boxes === "off" ? "on" : "off";
  } else if (event.key === "f") {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  } else if (trains[Number(event.key) - 1]) {
    choose(trains[Number(event.key) - 1]);
  }
});

requestAnimationFrame(showAge);
