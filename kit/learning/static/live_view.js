// Live video with boxes in a notebook: the newest picture wins here, too.
//
// The kernel has two pictures under way at most. Each picture that is drawn is acknowledged with its
// number and with how many were overtaken here, so a slow browser slows the kernel and never queues.
// Until the kernel answers, it is told again and again that somebody is here: what is said before the page
// has a way past a running cell waits until that cell has ended.
// What is shown is a canvas for the picture and another one for the boxes, so that nothing is drawn twice.
// What is said here is said in English; the kernel sends what stands for it in the notebook's language.
const NAMES = { SpeedLimit: "Speed limit", DangerAhead: "Danger ahead", Stop: "Stop" };
const STALE_MS = 1000;
const RATE_MS = 2000;
const GREET_MS = 1000;

function render({ model, el }) {
  const say = speaker(model.get("words"));
  const screen = new Screen(build(el, say), (words) => model.send(words), say);
  let greeting;
  const greet = (waitMs) => {
    model.send({ say: "ready" });
    greeting = setTimeout(() => greet(2 * waitMs), waitMs);
  };
  const receive = (message, buffers) => {
    clearTimeout(greeting);
    if (message.say === "picture") screen.take(message, buffers[0]);
    else if (message.say === "status") screen.tell(message);
  };
  model.on("msg:custom", receive);
  greet(GREET_MS);
  return () => {
    clearTimeout(greeting);
    model.off("msg:custom", receive);
    screen.end();
  };
}

function speaker(words) {
  return (english, places = {}) =>
    (words[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}

class Screen {
  #parts;
  #tell;
  #say;
  #next = null;
  #busy = false;
  #overtaken = 0;
  #leftOut = 0;
  #drawn = 0;
  #bornAt = null;
  #drawnAt = [];
  #ended = false;

  constructor(parts, tell, say) {
    this.#parts = parts;
    this.#tell = tell;
    this.#say = say;
    this.#clock();
  }

  take(message, jpeg) {
    const picture = { ...message, jpeg, bornAt: performance.now() - message.age_ms };
    if (this.#next) this.#overtaken += 1; // it was not drawn yet: the newer one takes its place
    this.#next = picture;
    if (message.status) this.tell(message);
    this.#draw();
  }

  tell({ status }) {
    const parts = this.#parts;
    const { decision, state, lines } = status;
    parts.root.dataset.action = decision?.action ?? "none";
    parts.action.textContent = this.#say(decision?.action ?? "no decision yet").replaceAll("_", " ");
    parts.reason.textContent = decision?.reason ?? "";
    parts.state.textContent = state ? this.#stateInWords(state) : "";
    parts.lines.replaceChildren(...lines.map(([name, value]) => row(name, value)));
    this.#leftOut = status.left_out;
  }

  end() {
    this.#ended = true;
  }

  #stateInWords({ motion, latched, reason }) {
    const state = [motion, ...(latched ? ["latched"] : [])].map((word) => this.#say(word)).join(", ");
    return this.#say("{state}: {reason}", { state, reason });
  }

  async #draw() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next && !this.#ended) {
      // What has begun is drawn; what waits meanwhile is one picture, the newest.
      const picture = this.#next;
      this.#next = null;
      try {
        const bitmap = await createImageBitmap(new Blob([picture.jpeg], { type: "image/jpeg" }));
        await new Promise((resolve) => requestAnimationFrame(resolve));
        this.#paint(bitmap, picture);
        bitmap.close();
      } catch (error) {
        const places = { number: picture.sequence, error };
        this.#parts.note.textContent = this.#say("picture {number} cannot be read: {error}", places);
      }
      this.#tell({ say: "drawn", number: picture.number, overtaken: this.#overtaken });
    }
    this.#busy = false;
  }

  #paint(bitmap, picture) {
    const { root, picture: canvas } = this.#parts;
    fit(this.#parts, bitmap.width, bitmap.height);
    canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
    drawBoxes(this.#parts, picture, this.#say);
    this.#bornAt = picture.bornAt;
    this.#drawn += 1;
    this.#drawnAt.push(performance.now());
    root.dataset.sequence = picture.sequence;
    root.dataset.frameId = picture.frame_id;
    root.dataset.drawn = this.#drawn;
    root.dataset.overtaken = this.#overtaken;
    root.dataset.boxes = JSON.stringify(picture.detections.map((found) => found.box));
    root.dispatchEvent(new CustomEvent("drawn", { detail: picture }));
  }

  #clock() {
    if (this.#ended) return;
    const now = performance.now();
    const { root, age, rate, note } = this.#parts;
    this.#drawnAt = this.#drawnAt.filter((at) => now - at < RATE_MS);
    const ageMs = this.#bornAt === null ? null : now - this.#bornAt;
    const fresh = ageMs !== null && ageMs < STALE_MS;
    root.dataset.fresh = fresh ? "yes" : "no";
    age.textContent = ageMs === null ? this.#say("no picture yet") : this.#say("{time} old", { time: inWords(ageMs) });
    const places = { rate: ((1000 * this.#drawnAt.length) / RATE_MS).toFixed(1), count: this.#leftOut };
    rate.textContent = this.#say("{rate} pictures a second · {count} left out", places);
    if (fresh) note.textContent = "";
    setTimeout(() => this.#clock(), 100);
  }
}

function inWords(ageMs) {
  if (ageMs < STALE_MS) return `${Math.round(ageMs)} ms`;
  return `${(ageMs / 1000).toFixed(ageMs < 100_000 ? 1 : 0)} s`;
}

function fit({ picture, boxes }, width, height) {
  if (picture.width === width && picture.height === height) return;
  picture.width = width;
  picture.height = height;
  boxes.style.aspectRatio = `${width} / ${height}`;
}

// Boxes are told in pixels of the frame, whatever the size of the JPEG and of the page.
function drawBoxes({ boxes }, { width, height, detections }, say) {
  boxes.replaceChildren(
    ...detections.map(({ label, confidence, box: [x, y, w, h] }) => {
      const box = document.createElement("div");
      box.className = "box";
      box.dataset.label = label;
      box.classList.toggle("high", y < 0.1 * height);
      box.classList.toggle("right", x > 0.7 * width);
      box.style.left = `${(100 * x) / width}%`;
      box.style.top = `${(100 * y) / height}%`;
      box.style.width = `${(100 * w) / width}%`;
      box.style.height = `${(100 * h) / height}%`;
      const name = document.createElement("span");
      name.textContent = `${say(NAMES[label] ?? label)} ${Math.round(100 * confidence)} %`;
      box.append(name);
      return box;
    }),
  );
}

function row(name, value) {
  const line = document.createElement("tr");
  for (const text of [name, value]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

function build(el, say) {
  const make = (tag, name, parent) => {
    const element = document.createElement(tag);
    element.className = name;
    parent.append(element);
    return element;
  };
  const root = make("div", "kit-live-view", el);
  const stage = make("div", "stage", root);
  const picture = make("canvas", "picture", stage);
  picture.width = 600;
  picture.height = 400;
  const boxes = make("div", "boxes", stage);
  const age = make("div", "age", stage);
  const note = make("div", "note", stage);
  const band = make("div", "band", stage);
  const action = make("span", "action", band);
  const reason = make("span", "reason", band);
  const side = make("div", "side", root);
  const rate = make("div", "rate", side);
  const state = make("div", "state", side);
  const lines = make("table", "lines", side);
  const toggle = make("label", "toggle", side);
  const check = make("input", "", toggle);
  check.type = "checkbox";
  check.checked = true;
  toggle.append(` ${say("boxes")}`);
  check.addEventListener("change", () => {
    boxes.hidden = !check.checked;
  });
  root.dataset.fresh = "no";
  return { root, picture, boxes, age, note, action, reason, rate, state, lines };
}

export default { render };
