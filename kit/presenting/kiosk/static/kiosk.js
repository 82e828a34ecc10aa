// Joins the link to the kiosk's server with what is on the page.
import { openLink } from "./link.js";
import { showAll } from "./panels.js";
import { show } from "./picture.js";
import { other, speak, spoken, word } from "./words.js";

const STOP_SHOWN_MS = 4000;
const at = (id) => document.getElementById(id);
let chosen = "";
let phase = "";
let last = null;
let stopAt = -Infinity;

const link = openLink({
  async told(message) {
    document.body.dataset.link = "open";
    if (message.refused) {
      at("refused").textContent = word("bad_name");
      at("refused").hidden = false;
      return;
    }
    last = message;
    if (!spoken()) await speak(new URLSearchParams(location.search).get("lang") ?? message.language);
    refresh();
  },
  async picture(header, jpeg) {
    try {
      await show(header, jpeg);
    } finally {
      link.say({ do: "got_picture" });
    }
  },
  closed() {
    document.body.dataset.link = "lost";
    at("lost").hidden = !spoken();
  },
});

function refresh() {
  if (!last || !spoken()) return;
  at("lost").hidden = true;
  showTracks(last.tracks);
  if (phase !== last.visit.phase) enter(last.visit.phase);
  showAll(last);
  showStop();
}

function enter(next) {
  phase = next;
  if (next === "attract") {
    at("attract").reset();
    at("refused").hidden = true;
    chosen = last.tracks[0] ?? "";
    for (const button of at("track-list").children) mark(button);
  }
}

function showTracks(tracks) {
  at("tracks").hidden = tracks.length < 2;
  const shown = JSON.stringify([tracks, spoken()]);
  if (at("track-list").dataset.shown === shown) return;
  at("track-list").dataset.shown = shown;
  if (!tracks.includes(chosen)) chosen = tracks[0] ?? "";
  at("track-list").replaceChildren(...tracks.map(trackButton));
}

function trackButton(track) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.track = track;
  const key = `track_${track}`;
  button.textContent = word(key) === key ? track : word(key);
  button.addEventListener("click", () => {
    chosen = track;
    for (const each of at("track-list").children) mark(each);
  });
  mark(button);
  return button;
}

function mark(button) {
  button.setAttribute("aria-pressed", String(button.dataset.track === chosen));
}

function showStop() {
  const pressed = performance.now() - stopAt < STOP_SHOWN_MS;
  const key = pressed ? (last.train.stands ? "stop_stands" : "stop_sent") : "stop";
  at("stop-word").textContent = word(key);
}

function stop() {
  if (link.say({ do: "stop" })) stopAt = performance.now();
  else at("lost").hidden = false;
}

at("stop").addEventListener("click", stop);
at("again").addEventListener("click", () => link.say({ do: "again" }));
at("next").addEventListener("click", () => link.say({ do: "next" }));
at("attract").addEventListener("submit", (event) => {
  event.preventDefault();
  at("refused").hidden = true;
  link.say({ do: "start", name: at("name").value, track: chosen });
});
at("language").addEventListener("click", async () => {
  await speak(other());
  refresh();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.repeat) stop();
});
