// The WebSocket to the console's server; opens again by itself.
const RETRY_MS = 1000;
const SIGN_IN_FIRST = 4401; // the server's close code

export function openLink({ opened, picture, status, closed, refused }) {
  let socket;
  let retry;

  function open() {
    clearTimeout(retry);
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/view`);
    socket.binaryType = "arraybuffer";
    socket.onopen = opened;
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") status(JSON.parse(data));
      else picture(...unpack(data));
    };
    socket.onclose = ({ code }) => {
      closed();
      if (code === SIGN_IN_FIRST) refused();
      else retry = setTimeout(open, RETRY_MS);
    };
  }

  open();
  return {
    // Tells whether it was said: what cannot be said now is never said later.
    say(message) {
      const isOpen = socket.readyState === WebSocket.OPEN;
      if (isOpen) socket.send(JSON.stringify(message));
      return isOpen;
    },
    // Who we are has changed, which the server asks at the beginning only.
    reopen() {
      socket.onclose = socket.onmessage = null;
      socket.close();
      closed();
      open();
    },
  };
}

// The age in milliseconds, a float of 8 bytes; the length of a JSON header, 4 bytes; the header;
// the JPEG. Big-endian.
function unpack(data) {
  const view = new DataView(data);
  const length = view.getUint32(8);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 12, length)));
  header.age_ms = view.getFloat64(0);
  return [header, new Uint8Array(data, 12 + length)];
}
