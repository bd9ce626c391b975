// The live feed: a single-use ticket, a websocket, and the `prev` chain by which we see for ourselves that no event
// is missing. A broken chain, a lost connection and a silent one all lead back to the cursor of the last event seen.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const SILENCE_MS = 35000; // three heartbeats and a little
const ACK_EVERY_MS = 1000;
const FORBIDDEN = 4403;
const PROTOCOL = "cloudmining.v1";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Tells `state` (connecting | resynchronising | live | waiting | refused), `event` (an `ev` frame) and `reset`. */
export class Feed extends EventTarget {
  constructor({ ticketUrl, socketUrl, csrfToken, epoch, cursor }) {
    super();
    Object.assign(this, { ticketUrl, socketUrl, csrfToken, epoch, cursor });
    this.pauseMs = FIRST_PAUSE_MS;
  }

  async run() {
    for (;;) {
      this.tell("state", "connecting");
      const outcome = await this.connectOnce();
      this.tell("state", { refused: "refused", broken: "resynchronising" }[outcome] ?? "waiting");
      if (outcome === "refused") return;
      await pause(this.pauseMs * (0.7 + 0.6 * Math.random())); // not everybody at once after a restart
      this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** One connection from ticket to close: `lost`, `broken` (the chain) or `refused` (sign in again). */
  async connectOnce() {
    const answer = await this.askForTicket();
    if (!answer?.ok) return [401, 403].includes(answer?.status) ? "refused" : "lost";
    const { ticket } = await answer.json();
    return new Promise((done) => this.open(ticket, done));
  }

  askForTicket() {
    const headers = { "X-CSRFToken": this.csrfToken, "Content-Type": "application/json" };
    return fetch(this.ticketUrl, { method: "POST", headers, body: "{}" }).catch(() => null);
  }

  open(ticket, done) {
    const url = new URL(this.socketUrl, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url, [PROTOCOL, `ticket.${ticket}`]);
    this.socket.onmessage = ({ data }) => {
      this.watchSilence();
      if (this.receive(JSON.parse(data))) return;
      this.close();
      done("broken");
    };
    this.socket.onclose = ({ code }) => {
      this.close();
      done(code === FORBIDDEN ? "refused" : "lost");
    };
    this.watchSilence();
  }

  close() {
    clearTimeout(this.silence);
    clearTimeout(this.ackTimer);
    this.ackTimer = null;
    this.socket.onmessage = null;
    this.socket.close();
  }

  watchSilence() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket.close(), SILENCE_MS);
  }

  /** Take one frame in; false if it doesn't follow the one before. Types of frames that we don't know are passed over. */
  receive(frame) {
    switch (frame.t) {
      case "hello":
        this.tell("state", "resynchronising");
        this.subscribe();
        break;
      case "ev":
        if (!this.follow(frame.prev, frame.seq)) return false;
        this.tell("event", frame);
        break;
      case "skip":
        return this.follow(frame.prev, frame.to);
      case "live":
        this.pauseMs = FIRST_PAUSE_MS;
        this.tell("state", "live");
        break;
      case "reset": // the log was replaced or begins after our cursor: only a fresh page of state can help
        this.tell("state", "resynchronising");
        Object.assign(this, { epoch: frame.epoch, cursor: frame.head });
        this.tell("reset", frame);
        this.subscribe();
    }
    return true;
  }

  subscribe() {
    this.send({ t: "sub", cursor: this.cursor, epoch: this.epoch });
  }

  follow(prev, to) {
    if (prev !== this.cursor) return false;
    this.cursor = to;
    this.ackTimer ??= setTimeout(() => this.acknowledge(), ACK_EVERY_MS);
    return true;
  }

  acknowledge() {
    this.ackTimer = null;
    this.send({ t: "ack", seq: this.cursor });
  }

  send(frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
