// Joins the link to the console's server with what is on the page.
import { nextSize, notePicture, showLegs } from "./legs.js";
import { openLink } from "./link.js";
import { emergencyStop, forgetOrders, showOrders, startOrders } from "./orders.js";
import { Picture } from "./picture.js";
import { showLost, showStatus } from "./panels.js";
import { Rails } from "./rails.js";
import { askForToken, showRole, startSigning } from "./sign.js";
import { fillPage, number, t } from "./texts.js";
import { reason } from "/shared/reasons.js";

const STALE_MS = 1000;

fillPage();
const picture = new Picture();
const rails = new Rails();
let chosen = decodeURIComponent(location.hash.slice(1)) || null;
let trains = [];
let trouble = "";
let paused = false;
let linked = false;
let shutOut = false;

const link = openLink({
  opened() {
    if (chosen) link.say({ train: chosen });
  },
  async picture(header, jpeg) {
    if (!chosen || header.train === chosen) await picture.show(header, jpeg);
    link.say({ got_picture: true });
  },
  status(message) {
    linked = true;
    shutOut = false;
    // Said before the server knew which train is looked at: of another one nothing is shown.
    if (chosen && message.train && message.train.id !== chosen) return;
    trains = message.trains;
    trouble = reason(message.trouble, message.readings);
    paused = message.train?.paused != null;
    rails.roll(message.train?.state);
    showRole(message.role);
    showStatus(message, choose);
    showOrders(message);
    showLegs(message.train);
  },
  closed() {
    linked = false;
    rails.roll(null);
    showLost();
  },
  refused() {
    shutOut = true;
    picture.clear();
    showRole(null);
    askForToken();
  },
});

startOrders(link);
startSigning({ changed: link.reopen });
picture.onpainted = notePicture;

function choose(train) {
  chosen = train;
  const address = new URL(location.href);
  address.hash = encodeURIComponent(train);
  history.replaceState(null, "", address);
  picture.clear();
  forgetOrders();
  link.say({ train });
}

function showAge() {
  const ageMs = picture.ageMs();
  const fresh = linked && ageMs !== null && ageMs < STALE_MS;
  const badge = document.getElementById("age");
  const notice = document.getElementById("notice");
  setData(badge, "fresh", fresh ? "yes" : "no");
  setText(badge, linked || shutOut ? inWords(ageMs) : t("age.lost"));
  setData(document.body, "link", ageMs === null || !linked ? "lost" : fresh ? "live" : "stale");
  const silent = fresh && picture.unreadable === null;
  if (notice.hidden !== silent) notice.hidden = silent;
  setText(notice, noticeFor(ageMs));
  requestAnimationFrame(showAge);
}

// Sixty times a second: what is as it was is left alone, and costs no drawing.
function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function inWords(ageMs) {
  if (ageMs === null) return t("age.none");
  if (ageMs < STALE_MS) return t("age.live");
  if (ageMs < 100_000) return t("age.seconds", { seconds: number(ageMs / 1000, 1) });
  return t("age.minutes", { minutes: number(Math.round(ageMs / 60_000)) });
}

function noticeFor(ageMs) {
  if (shutOut) return t("notice.sign_in");
  if (!linked) return t("notice.unreachable");
  if (trouble) return `${t("notice.feed")}\n${trouble}`;
  if (chosen && !trains.includes(chosen)) return t("notice.unknown_train", { train: chosen });
  if (paused) return t("notice.paused");
  if (picture.unreadable !== null) return t("notice.unreadable", { sequence: picture.unreadable });
  return t(ageMs === null ? "notice.waiting" : "notice.still");
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target instanceof HTMLInputElement) return;
  if (event.key === "s" || event.key === "S") {
    emergencyStop();
  } else if (event.key === "b") {
    const { dataset } = document.body;
    dataset.boxes = dataset.boxes === "off" ? "on" : "off";
  } else if (event.key === "l") {
    nextSize();
  } else if (event.key === "f") {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  } else if (trains[Number(event.key) - 1]) {
    choose(trains[Number(event.key) - 1]);
  }
});

requestAnimationFrame(showAge);
