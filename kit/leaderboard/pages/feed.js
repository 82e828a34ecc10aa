// The board's server-sent events. EventSource comes back by itself; we only tell that it is gone.
const LOST_AFTER_MS = 4000;

export function openFeed({ document: show, lost }) {
  let failing = null;
  const source = new EventSource("/api/board/stream");
  source.addEventListener("board", ({ data }) => {
    clearTimeout(failing);
    failing = null;
    lost(false);
    show(JSON.parse(data));
  });
  source.onerror = () => {
    failing ??= setTimeout(() => lost(true), LOST_AFTER_MS);
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(failing);
      lost(true);
      setTimeout(() => openFeed({ document: show, lost }), LOST_AFTER_MS);
    }
  };
  return source;
}
