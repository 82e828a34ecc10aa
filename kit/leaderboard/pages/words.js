// The page's words: one catalogue a language, chosen by ?lang=, what was chosen before, the browser.
const LANGUAGES = ["en", "fr"];
const KEPT = "kit-leaderboard-language";
let words = {};
let current = "en";

export function language() {
  return current;
}

export async function loadWords(wanted) {
  const asked = new URLSearchParams(location.search).get("lang");
  const choices = [wanted, asked, localStorage.getItem(KEPT), ...navigator.languages];
  current = choices.map((tag) => tag?.slice(0, 2)).find((tag) => LANGUAGES.includes(tag)) ?? "en";
  const answer = await fetch(`/static/words/${current}.json`);
  words = await answer.json();
  if (wanted) localStorage.setItem(KEPT, current);
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = say(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.placeholder = say(element.dataset.hint);
  }
}

export function nextLanguage() {
  return LANGUAGES[(LANGUAGES.indexOf(current) + 1) % LANGUAGES.length];
}

export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function number(value, digits = 0) {
  return value.toLocaleString(current, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

export function clockTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (part) => String(part).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
