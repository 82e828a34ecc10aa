// The WebSocket to the kiosk's server; opens again by itself.
const RETRY_MS = 1000;

export function openLink({ told, picture, closed }) {
  let socket;

  function open() {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/view`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") told(JSON.parse(data));
      else picture(...unpack(data));
    };
    socket.onclose = () => {
      closed();
      setTimeout(open, RETRY_MS);
    };
  }

  open();
  return {
    // Tells whether it was said: what cannot be said now is never said later.
    say(message) {
      const ready = socket.readyState === WebSocket.OPEN;
      if (ready) socket.send(JSON.stringify(message));
      return ready;
    },
  };
}

// Four bytes, big-endian: the length of a JSON header; then the header; then the JPEG.
function unpack(data) {
  const length = new DataView(data).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  return [header, new Uint8Array(data, 4 + length)];
}
