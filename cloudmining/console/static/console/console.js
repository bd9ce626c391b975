// Keeps the panels current: each event of the feed makes the panel it concerns ask the server again. The server
// renders, so that rights, time zones and escaping are decided in one place.

import { Feed } from "./feed.js";

const SPACING_MS = 400; // a flood of events costs one request per panel in this time
const MARKET_EVERY_MS = 60000; // nobody is told that a task was claimed but its parties
const WORDS = {
  connecting: "Connecting…",
  resynchronising: "Resynchronising…",
  live: "Live",
  waiting: "Not live; trying again…",
  refused: "Not live: sign in again",
};

// The kinds of events that call a person, and with which word.
const CALLS = new Map([
  ["alarm.raised", "New"],
  ["alarm.returned", "Returned"],
  ["alarm.escalated", "Escalated"],
  ["alarm.re_alarmed", "Must be seen again:"],
  ["alarm.flood", "Flood,"],
]);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Panel {
  constructor(element) {
    this.element = element;
    this.name = element.dataset.panel;
    this.fresh = new Set();
    element.addEventListener("htmx:beforeSwap", (event) => this.keepThrough(event));
    element.addEventListener("htmx:afterSwap", () => this.restore());
  }

  /** Whether an event of a family (alarm, plan …) is about what the panel shows: all of them, or one object. */
  concerns(family, body) {
    const { follows, subject } = this.element.dataset;
    return follows.split(" ").includes(family) && (!subject || Object.values(body).includes(subject));
  }

  /** Ask again now, or if that is under way, once more after it. */
  async refresh() {
    this.owed = true;
    if (this.busy) return;
    this.busy = true;
    while (this.owed) {
      this.owed = false;
      // A failure needs no word here: the connection's state says it, and coming back live refreshes all.
      await htmx.ajax("GET", this.element.dataset.url, { target: this.element, swap: "innerHTML" }).catch(() => {});
      for (const id of this.fresh) document.getElementById(id)?.classList.add("new");
      this.fresh.clear();
      await pause(SPACING_MS);
    }
    this.busy = false;
  }

  /** A refresh takes nothing away that a person has begun, also while it was under way; an action ends what was begun. */
  keepThrough({ target, detail }) {
    if (target !== this.element) return;
    this.begun = detail.requestConfig.verb === "get" ? keep(target) : null;
  }

  restore() {
    this.begun?.();
    this.begun = null;
  }
}

/** What a person has ticked, typed and opened in a panel; the function puts it back into the panel's new inside. */
function keep(element) {
  const boxes = () => [...element.querySelectorAll("input[type=checkbox]")];
  const texts = () => [...element.querySelectorAll("input[id]:not([type=hidden], [type=checkbox]), textarea[id], select[id]")];
  const parts = () => [...element.querySelectorAll("details")];
  const nameOf = (part) => (part.closest("figure, section")?.textContent.trim().slice(0, 80) ?? "") + part.firstChild.textContent;
  // What is as the server wrote it may be written anew.
  const ticked = new Map(boxes().filter((box) => box.checked !== box.defaultChecked).map((box) => [box.value, box.checked]));
  const typed = new Map(texts().filter((text) => text.value !== text.defaultValue).map((text) => [text.id, text.value]));
  const isOpen = new Map(parts().map((part) => [nameOf(part), part.open]));
  return () => {
    for (const box of boxes()) box.checked = ticked.get(box.value) ?? box.checked;
    for (const text of texts()) text.value = typed.get(text.id) ?? text.value;
    for (const part of parts()) part.open = isOpen.get(nameOf(part)) ?? part.open;
  };
}

function start(root) {
  const panels = [...document.querySelectorAll("[data-panel]")].map((element) => new Panel(element));
  const refreshAll = () => panels.forEach((panel) => panel.refresh());
  const feed = new Feed({
    ticketUrl: root.dataset.tickets,
    socketUrl: root.dataset.socket,
    csrfToken: document.querySelector("meta[name=csrf-token]").content,
    epoch: root.dataset.epoch,
    cursor: Number(root.dataset.cursor),
  });
  followState(feed, refreshAll);
  feed.addEventListener("reset", refreshAll);
  feed.addEventListener("event", ({ detail: { kind, body } }) => {
    const [family] = kind.split(".");
    if (family === "rights") refreshAll();
    const concerned = panels.filter((panel) => panel.concerns(family, body));
    if (CALLS.has(kind) && calls(body)) concerned.forEach((panel) => announce(panel, kind, body));
    concerned.forEach((panel) => panel.refresh());
  });
  setInterval(() => panels.find((panel) => panel.name === "tasks")?.refresh(), MARKET_EVERY_MS);
  showRefusals(refreshAll);
  feed.run();
}

function followState(feed, refreshAll) {
  const badge = document.getElementById("connection");
  let wasLost = false;
  feed.addEventListener("state", ({ detail }) => {
    badge.dataset.state = detail;
    badge.textContent = WORDS[detail];
    if (detail === "waiting") wasLost = true;
    if (detail === "live" && wasLost) {
      wasLost = false;
      refreshAll(); // a refresh may have failed while the server was away
    }
  });
}

/** What came late, or is shelved or suppressed, calls nobody, nor does one of a flood, unless it is critical. */
function calls(alarm) {
  return alarm.state === "UNACK" && !alarm.historical && (!alarm.folded_into || alarm.severity === "critical");
}

function announce(panel, kind, alarm) {
  panel.fresh.add(`alarm-${alarm.alarm}`);
  const place = alarm.equipment_code ? `on ${alarm.equipment_code}, ${alarm.site_name}` : `at ${alarm.site_name}`;
  document.getElementById("spoken").textContent = `${CALLS.get(kind)} ${alarm.severity} alarm: ${alarm.type} ${place}`;
}

/** A refused action shows its reason until the next one; what it was about has changed, so everything is read again. */
function showRefusals(refreshAll) {
  const isAction = ({ detail }) => detail.requestConfig.verb !== "get";
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (isAction(event)) document.getElementById("notice").replaceChildren();
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    if (isAction(event)) refreshAll();
  });
}

const root = document.getElementById("content");
if (root?.dataset.tickets) start(root);
