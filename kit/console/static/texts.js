// The page's words: one catalogue a language, named in the address (?lang=fr) or by the browser.
import { speakReasons } from "/shared/reasons.js";

const LANGUAGES = ["en", "fr"];
const asked = new URLSearchParams(location.search).get("lang");

export const language = [asked, ...navigator.languages]
  .map((name) => (name ?? "").slice(0, 2))
  .find((name) => LANGUAGES.includes(name)) ?? "en";

const catalogue = await (await fetch(`/static/texts.${language}.json`)).json();
await speakReasons(language);

export function t(key, values = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// What has no words here is shown as it came.
export function known(key, otherwise) {
  return catalogue[key] ?? otherwise;
}

export function number(value, digits = 0) {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function fillPage() {
  document.documentElement.lang = language;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.ariaLabel = t(element.dataset.label);
  document.getElementById("language").addEventListener("click", () => {
    const address = new URL(location.href);
    address.searchParams.set("lang", LANGUAGES.find((other) => other !== language));
    location.assign(address);
  });
}
