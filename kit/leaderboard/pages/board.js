// The projector's page: joins the feed with what is on the page.
import { showCeremony } from "./ceremony.js";
import { showClock, tick } from "./clock.js";
import { openFeed } from "./feed.js";
import { redrawGraph, showGraph } from "./graph.js";
import { forgetPanels, showPanels, turnGroups } from "./panels.js";
import { find, setText } from "./parts.js";
import { countOn, forgetRanks, showRanks } from "./ranks.js";
import { clockTime, loadWords, nextLanguage, say } from "./words.js";

const COUNT_EVERY_MS = 250;
let board = null;

function show(document_) {
  board = document_;
  document.body.dataset.phase = board.phase;
  document.title = board.event.title;
  setText(find("name"), board.event.title);
  setText(find("phase"), say(`phase_${board.phase}`));
  setText(find("counts"), counts());
  showClock(board);
  showRanks(board);
  showGraph(board);
  showPanels(board);
  showCeremony(board);
  countOn();
  document.body.dataset.sequence = board.sequence;
}

function counts() {
  if (board.frozen_s !== null && board.phase !== "final") {
    return say("frozen_note", { time: clockTime(board.frozen_s) });
  }
  return say("people", { people: board.people });
}

async function speak(language) {
  await loadWords(language);
  forgetRanks();
  forgetPanels();
  if (board) show(board);
}

addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey }) => {
  if (ctrlKey || metaKey || altKey) return;
  if (key === "l" || key === "L") speak(nextLanguage());
  if (key === "f" || key === "F") {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }
});

// What is drawn to measure is drawn again when there is more or less room for it.
const resizing = new ResizeObserver(() => {
  redrawGraph();
  if (board) showRanks(board);
});
for (const id of ["graph", "ranking"]) resizing.observe(find(id));

await loadWords();
openFeed({
  document: show,
  lost(is) {
    document.body.dataset.link = is ? "lost" : "live";
    find("lost").hidden = !is;
  },
});
setInterval(() => {
  tick();
  countOn();
  turnGroups();
}, COUNT_EVERY_MS);
