// Keeps the page fresh: it is fetched again when something has changed, and what differs is put in
// its place. The node renders it, so that what is seen with this script and without is the same.
"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const EVERY = 10000, BUSY_EVERY = 1000, GAP = 300; // ms between refreshes: at rest, in transfers, at least
const DEADLINE = 5000, STALE = 25000; // ms: an answer is given up; a page counts as old
const MAX_RETRY = 4000, MAX_EVENTS = 50, SAID = 15000;
const VERSION = document.querySelector("script[src]").getAttribute("src");

let token = ""; // in memory alone: gone with the page, and never sent by itself
let seen = Date.now(), failing = false;

// --- What the node says, put in the place of what it said before

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) {
    old.replaceWith(document.adoptNode(fresh));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (!fresh.hasAttribute("data-keep")) morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    if (wanted.id) { // a row that moved keeps what it has, its focus too
      const same = [...old.children].find((child) => child.id === wanted.id);
      if (same && same !== at) old.insertBefore(same, at);
      if (same) at = same;
    }
    if (!at || (wanted.id && at.id !== wanted.id)) {
      old.insertBefore(document.adoptNode(wanted), at);
      continue;
    }
    const next = at.nextSibling;
    morph(at, wanted);
    at = next;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

let running = false, again = false, timer = 0;

async function refresh() {
  if (running) { again = true; return; }
  running = true;
  clearTimeout(timer);
  try {
    const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(DEADLINE) });
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (fresh.querySelector("script[src]").getAttribute("src") !== VERSION && !token) {
      location.reload(); // the node has been upgraded
      return;
    }
    document.title = fresh.title;
    for (const part of document.querySelectorAll("[data-live]")) morph(part, fresh.getElementById(part.id));
    seen = Date.now();
    failing = false;
    showActions();
  } catch {
    failing = true;
  }
  running = false;
  showAge();
  const soon = again ? GAP : document.querySelector(".transfer") ? BUSY_EVERY : EVERY;
  again = false;
  timer = setTimeout(refresh, document.hidden ? EVERY * 6 : soon);
}

function showAge() {
  const age = Date.now() - seen, stale = failing || age > STALE;
  document.documentElement.classList.toggle("stale", stale);
  const at = new Date(seen).toLocaleTimeString();
  const said = stale ? "No connection to the node. What is shown is of " + at : connected ? "Live" : "Updated " + at;
  if ($("live").textContent !== said) $("live").textContent = said;
  $("age").textContent = stale ? " (" + Math.round(age / 1000) + " s ago). Trying again …" : "";
}

// --- Events: a WebSocket, or long polls where that is blocked

let cursor = "0", connected = false, retries = 0, refused = 0;

function connect() {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/events?since=" + encodeURIComponent(cursor));
  let opened = false;
  socket.onopen = () => {
    opened = connected = true;
    retries = refused = 0;
    refresh();
  };
  socket.onmessage = (message) => take(JSON.parse(message.data));
  socket.onclose = () => {
    connected = false;
    if (!opened) refused += 1;
    refresh();
    // Where the page itself still comes, it is the WebSocket that does not get through.
    if (refused > 2 && !failing) poll();
    else setTimeout(connect, Math.min(MAX_RETRY, 250 * 2 ** retries++));
  };
}

async function poll() {
  try {
    for (;;) {
      const answer = await fetch("/events?since=" + encodeURIComponent(cursor), { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const { events, cursor: next } = await answer.json();
      connected = true;
      for (const event of events) take(event);
      cursor = next;
    }
  } catch {
    connected = false;
    refused = 0;
    refresh();
    setTimeout(connect, MAX_RETRY);
  }
}

let waiting = [], drawing = false;

function take(event) {
  const first = cursor === "0";
  cursor = event.cursor;
  if (event.type === "events:open") {
    if (event.data.missed && !first) list(event.timestamp, "Some events were missed");
    return;
  }
  if (event.type !== "node:status") {
    const said = words(event);
    if (said) list(event.timestamp, said);
  }
  if (running) again = true;
  else {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, GAP - (Date.now() - seen)));
  }
}

function words({ type, data, sender }) {
  const node = "Node " + sender.slice(0, 12) + "…", block = "block " + String(data.blockId).slice(0, 12) + "…";
  switch (type) {
    case "node:announce": return node + " is linked" + (data.region ? ", in " + data.region : "");
    case "node:leave": return node + " left: " + data.reason;
    case "block:location": return node + (data.held ? " holds " : " no longer holds ") + block;
    case "block:temperature": return data.temperature ? node + " calls " + block + " " + data.temperature.toLowerCase() : "";
    case "metadata:update": return data.metadata ? node + " describes " + block : "";
  }
  return node + ": " + type;
}

function list(timestamp, said) {
  waiting.push([timestamp, said]);
  if (waiting.length > MAX_EVENTS) waiting.shift();
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const events = $("events");
    for (const [at, text] of waiting) {
      const item = document.createElement("li"), time = document.createElement("time"), when = new Date(at);
      time.dateTime = when.toISOString();
      time.textContent = when.toLocaleTimeString();
      item.append(time, text);
      events.prepend(item);
    }
    waiting = [];
    while (events.children.length > MAX_EVENTS) events.lastChild.remove();
  });
}

// --- The operator, who came by the link that `edgenode open` prints

async function call(method, path, body) {
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) signedOut("You are signed out. “edgenode open” prints a new link.");
  const said = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

async function act(button, work) {
  button.disabled = true;
  try {
    say(await work());
  } catch (error) {
    say("That did not work: " + error.message);
  }
  button.disabled = false;
  refresh();
}

let silence = 0;

function say(text) {
  $("said").textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => say(""), SAID);
}

function signedOut(text) {
  token = "";
  say(text);
  showActions();
}

async function signIn() {
  const [, code] = location.hash.match(/^#login=([0-9a-f]+)$/) || [];
  if (!code) return;
  history.replaceState(null, "", "/");
  try {
    token = (await call("POST", "/session", { code })).token;
    say("Signed in, until this page is closed or loaded again.");
  } catch (error) {
    say("The link does not work: " + error.message + ". “edgenode open” prints a new one.");
  }
  showActions();
}

function showActions() {
  $("operator").hidden = !token;
  $("readonly").hidden = Boolean(token);
  for (const cell of document.querySelectorAll("td.act")) {
    const nodeId = token && cell.dataset.peer;
    if (!nodeId) cell.replaceChildren();
    else if (!cell.firstChild) {
      const button = document.createElement("button");
      button.className = "quiet";
      button.textContent = "Unlink";
      button.setAttribute("aria-label", "Unlink " + nodeId.slice(0, 12));
      button.onclick = () => act(button, async () => {
        await call("POST", "/peers/disconnect", { nodeId: cell.dataset.peer });
        return "Unlinked. A peer of the settings is dialled again.";
      });
      cell.append(button);
    }
  }
}

$("operator").onsubmit = (submitted) => {
  submitted.preventDefault();
  const blockId = $("block").value.trim().toLowerCase();
  if (!/^[0-9a-f]{128}$/.test(blockId)) return say("A block id is 128 hexadecimal digits.");
  act(submitted.submitter, async () => {
    const found = await call("POST", "/sync/request", { blockIds: [blockId], queue: true });
    if (found.available.length) return "The block is held here already.";
    if (found.queued) return "It is being fetched; see Sync.";
    return found.unknown.length ? "No node says that it holds this block." : "Too many blocks are being fetched; try again later.";
  });
};
$("out").onclick = () => act($("out"), async () => {
  await call("DELETE", "/session");
  signedOut("");
  return "Signed out.";
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
addEventListener("hashchange", signIn);
setInterval(showAge, 1000);
signIn();
connect();
timer = setTimeout(refresh, EVERY);
})();
