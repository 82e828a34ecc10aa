// The newest picture, and the boxes of what the model saw in that very picture.
import { word } from "./words.js";

const canvas = document.getElementById("picture");
const stage = document.getElementById("stage");
const boxes = document.getElementById("boxes");
let turn = 0;
let painted = 0;
let shownLive = null;

export async function show(header, jpeg) {
  const mine = ++turn;
  const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  if (mine > painted) {
    painted = mine;
    paint(bitmap, header);
  }
  bitmap.close();
}

// Whether a picture of the live train, or of the recorded one, is on the page.
export const shows = (live) => shownLive === live;

function paint(bitmap, header) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    stage.style.setProperty("--ratio", bitmap.width / bitmap.height);
  }
  canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
  canvas.dataset.sequence = header.sequence;
  shownLive = header.live;
  boxes.replaceChildren(...header.detections.map((found) => box(found, header)));
}

function box({ label, confidence, box: [x, y, width, height] }, frame) {
  const element = document.createElement("div");
  element.className = "box";
  element.classList.toggle("high", y < 0.12 * frame.height);
  element.classList.toggle("right", x > 0.66 * frame.width);
  element.style.left = `${(100 * x) / frame.width}%`;
  element.style.top = `${(100 * y) / frame.height}%`;
  element.style.width = `${(100 * width) / frame.width}%`;
  element.style.height = `${(100 * height) / frame.height}%`;
  const name = document.createElement("span");
  name.textContent = `${word(`label_${label}`)} ${Math.round(100 * confidence)} %`;
  element.append(name);
  return element;
}
