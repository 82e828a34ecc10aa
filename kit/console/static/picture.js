// The live picture, and the boxes of what the model saw in that very picture.
import { known } from "./texts.js";

export class Picture {
  unreadable = null; // the number of a picture that could not be read
  onpainted = () => {}; // gets how long the picture took from its arrival to here, milliseconds
  #canvas = document.getElementById("picture");
  #stage = document.getElementById("stage");
  #boxes = document.getElementById("boxes");
  #bornAt = null;
  #turn = 0;
  #painted = 0;

  async show(header, jpeg) {
    const turn = ++this.#turn;
    const cameAt = performance.now();
    const bornAt = cameAt - header.age_ms;
    try {
      const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
      if (turn > this.#painted) this.#paint(bitmap, header, bornAt, turn);
      this.onpainted(performance.now() - cameAt);
    } catch {
      this.unreadable = header.sequence;
    }
  }

  clear() {
    this.#painted = this.#turn; // what is still being decoded comes too late
    this.#bornAt = null;
    this.#boxes.replaceChildren();
  }

  ageMs() {
    return this.#bornAt === null ? null : performance.now() - this.#bornAt;
  }

  #paint(bitmap, header, bornAt, turn) {
    this.#painted = turn;
    this.#bornAt = bornAt;
    this.unreadable = null;
    if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
      this.#canvas.width = bitmap.width;
      this.#canvas.height = bitmap.height;
      this.#stage.style.setProperty("--ratio", bitmap.width / bitmap.height);
    }
    this.#canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
    bitmap.close();
    this.#canvas.dataset.sequence = header.sequence;
    this.#boxes.replaceChildren(...header.detections.map((found) => box(found, header)));
  }
}

function box({ label, confidence, box: [x, y, width, height] }, frame) {
  const element = document.createElement("div");
  element.className = "box";
  element.dataset.label = label;
  element.classList.toggle("high", y < 0.1 * frame.height);
  element.classList.toggle("right", x > 0.7 * frame.width);
  element.style.left = `${(100 * x) / frame.width}%`;
  element.style.top = `${(100 * y) / frame.height}%`;
  element.style.width = `${(100 * width) / frame.width}%`;
  element.style.height = `${(100 * height) / frame.height}%`;
  const name = document.createElement("span");
  name.textContent = `${known(`label.${label}`, label)} ${Math.round(100 * confidence)} %`;
  element.append(name);
  return element;
}
