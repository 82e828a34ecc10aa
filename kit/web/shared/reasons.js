// Reasons in the page's language. They come as English sentences; `readings`, which come along, tell which of the
// kit's sentences each is, and what fills its places: numbers, words, or other sentences.
let catalogue = { sentences: {}, words: {} };
let language = "en";

export async function speakReasons(wanted) {
  catalogue = wanted === "en" ? { sentences: {}, words: {} } : await (await fetch(`/shared/reasons.${wanted}.json`)).json();
  language = wanted;
}

// What the catalogue has no words for is shown as it came.
export function reason(sentence, readings = {}) {
  const { code, values } = readings[sentence] ?? {};
  const text = catalogue.sentences[code];
  if (text === undefined) return sentence;
  return text.replace(/\{(\w+)\}/g, (whole, name) => inner(values[name], readings) ?? whole);
}

function inner(value, readings) {
  if (value in readings) return reason(value, readings);
  if (/^\d+\.\d+$/.test(value)) return Number(value).toLocaleString(language, { minimumFractionDigits: value.split(".")[1].length });
  return value.split(", ").map((word) => catalogue.words[word] ?? word).join(", ");
}
