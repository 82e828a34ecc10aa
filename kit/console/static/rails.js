// The sleepers under the picture: they pass as fast as the motor turns.
const SPACING = 6; // units between sleepers, as in console.css
const SLOWEST_MS = 260; // for one sleeper at full power

export class Rails {
  #passing = document.getElementById("sleepers").animate(
    [{ transform: "none" }, { transform: `translateX(calc(-${SPACING} * var(--unit)))` }],
    { duration: SLOWEST_MS, iterations: Infinity },
  );

  constructor() {
    this.#passing.pause();
  }

  roll(state) {
    const power = state?.power_percent ?? 0;
    if (power === 0 || !["cruising", "slowed"].includes(state.motion)) {
      this.#passing.pause();
      return;
    }
    this.#passing.updatePlaybackRate(power / 100);
    if (this.#passing.playState !== "running") this.#passing.play();
  }
}
