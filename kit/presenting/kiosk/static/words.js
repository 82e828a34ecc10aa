// The page's texts, from a catalogue for each language.
import { speakReasons } from "/shared/reasons.js";

const LANGUAGES = ["en", "fr"];
let words = {};
let language = "";

export async function speak(wanted) {
  const chosen = LANGUAGES.includes(wanted) ? wanted : LANGUAGES[0];
  if (chosen === language) return;
  const answer = await fetch(`/static/words/${chosen}.json`);
  words = await answer.json();
  await speakReasons(chosen);
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = words.title;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.placeholder = word(element.dataset.hint);
  }
}

export const spoken = () => language;
export const other = () => LANGUAGES.find((each) => each !== language);

// A score as everybody sees it: to a tenth.
export const points = (value) => value.toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

// A text, with its {places} filled; texts are set as text and never as markup.
export function word(key, places = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}
