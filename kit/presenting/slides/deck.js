"use strict";
// Which slide is shown stands in the address, so that reloading keeps it.
const slides = [...document.querySelectorAll("section")];
const place = document.querySelector("output");
const NEXT = ["ArrowRight", "ArrowDown", "PageDown", " ", "Enter"];
const BACK = ["ArrowLeft", "ArrowUp", "PageUp", "Backspace"];

function now() {
  const wanted = Number.parseInt(location.hash.slice(1), 10) || 1;
  return Math.min(Math.max(wanted, 1), slides.length);
}

function show() {
  slides.forEach((slide, index) => slide.classList.toggle("now", index === now() - 1));
  place.textContent = `${now()} / ${slides.length}`;
}

function go(number) {
  location.hash = String(Math.min(Math.max(number, 1), slides.length));
}

addEventListener("hashchange", show);
addEventListener("click", (event) => event.target.closest("a") || go(now() + 1));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (NEXT.includes(event.key)) go(now() + 1);
  else if (BACK.includes(event.key)) go(now() - 1);
  else if (event.key === "Home") go(1);
  else if (event.key === "End") go(slides.length);
  else if (event.key === "n" || event.key === "N") document.body.classList.toggle("notes");
  else if (event.key === "f" || event.key === "F") {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  } else return;
  event.preventDefault();
});
show();
