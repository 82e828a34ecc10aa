// Live video with boxes in a notebook: the newest picture wins here, too.
//
// The kernel has two pictures under way at most. Each picture that is drawn is acknowledged with its
// number and with how many were overtaken here, so a slow browser slows the kernel and never queues.
// Until the kernel answers, it is told again and again that somebody is here: what is said before the page
// has a way past a running cell waits until that cell has ended.
// What is shown is a canvas for the picture and another one for the boxes, so that nothing is drawn twice.
const NAMES = { SpeedLimit: "Speed limit", DangerAhead: "Danger ahead", Stop: "Stop" };
const STALE_MS = 1000;
const RATE_MS = 2000;
const GREET_MS = 1000;

function render({ model, el }) {
  const parts = build(el);
  const screen = new Screen(parts, (words) => model.send(words));
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

class Screen {
  #parts;
  #say;
  #next = null;
  #busy = false;
  #overtaken = 0;
  #leftOut = 0;
  #drawn = 0;
  #bornAt = null;
  #drawnAt = [];
  #ended = false;

  constructor(parts, say) {
    this.#parts = parts;
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
    parts.action.textContent = (decision?.action ?? "no decision yet").replaceAll("_", " ");
    parts.reason.textContent = decision?.reason ?? "";
    parts.state.textContent = state
      ? `${state.motion}${state.latched ? ", latched" : ""}: ${state.reason}`
      : "";
    parts.lines.replaceChildren(...lines.map(([name, value]) => row(name, value)));
    this.#leftOut = status.left_out;
  }

  end() {
    this.#ended = true;
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
        this.#parts.note.textContent = `picture ${picture.sequence} cannot be read: ${error}`;
      }
      this.#say({ say: "drawn", number: picture.number, overtaken: this.#overtaken });
    }
    this.#busy = false;
  }

  #paint(bitmap, picture) {
    const { root, picture: canvas } = this.#parts;
    fit(this.#parts, bitmap.width, bitmap.height);
    canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
    drawBoxes(this.#parts, picture);
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
    age.textContent = inWords(ageMs);
    const fps = (1000 * this.#drawnAt.length) / RATE_MS;
    rate.textContent = `${fps.toFixed(1)} pictures a second · ${this.#leftOut} left out`;
    if (fresh) note.textContent = "";
    setTimeout(() => this.#clock(), 100);
  }
}

function inWords(ageMs) {
  if (ageMs === null) return "no picture yet";
  if (ageMs < STALE_MS) return `${Math.round(ageMs)} ms old`;
  return `${(ageMs / 1000).toFixed(ageMs < 100_000 ? 1 : 0)} s old`;
}

function fit({ picture, boxes }, width, height) {
  if (picture.width === width && picture.height === height) return;
  picture.width = width;
  picture.height = height;
  boxes.style.aspectRatio = `${width} / ${height}`;
}

// Boxes are told in pixels of the frame, whatever the size of the JPEG and of the page.
function drawBoxes({ boxes }, { width, height, detections }) {
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
      name.textContent = `${NAMES[label] ?? label} ${Math.round(100 * confidence)} %`;
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

function build(el) {
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
  toggle.append(" boxes");
  check.addEventListener("change", () => {
    boxes.hidden = !check.checked;
  });
  root.dataset.fresh = "no";
  return { root, picture, boxes, age, note, action, reason, rate, state, lines };
}

export default { render };
