// Keeps the page fresh: it is fetched again when something has changed, and what differs is put in
// its place. The node renders it, so that what is seen with this script and without is the same.
"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const EVERY = 10000, BUSY_EVERY = 1000, GAP = 300; // ms between refreshes: at rest, in transfers, at least
const DEADLINE = 5000, STALE = 25000; // ms: an answer is given up; a page counts as old
// Requests: so many in a row, then one in so many ms. In a minute 70 of the 120 that the node gives
// an address, so that the commands of the operator and what he downloads have their share.
const BURST = 10, PACE = 1000, MAX_PACE = 8000;
const MAX_RETRY = 4000, MAX_EVENTS = 50, MAX_KEPT = 20, SAID = 15000;
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

// --- How often the node is asked

let credit = BURST, credited = Date.now(), pace = PACE, paused = 0;

function untilRoom() { // ms
  const now = Date.now();
  credit = Math.min(BURST, credit + (now - credited) / pace);
  credited = now;
  return Math.max(0, paused - now, (1 - credit) * pace);
}

function authorised() { return token ? { Authorization: "Bearer " + token } : {}; }

async function ask(path, options) {
  credit -= 1;
  const answer = await fetch(path, { cache: "no-store", headers: authorised(), ...options });
  if (answer.status === 429) { // others at this address ask, too
    paused = Date.now() + 1000 * (Number(answer.headers.get("Retry-After")) || 1);
    pace = Math.min(MAX_PACE, 2 * pace);
  }
  return answer;
}

let running = false, again = false, timer = 0;

function soon(gap) {
  if (running) { again = true; return; }
  clearTimeout(timer);
  timer = setTimeout(refresh, Math.max(gap, untilRoom()));
}

async function refresh() {
  running = true;
  try {
    const answer = await ask("/", { signal: AbortSignal.timeout(DEADLINE) });
    if (answer.status === 429) { failing = false; throw null; }
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
  } catch (error) {
    if (error) failing = true;
  }
  running = false;
  showAge();
  const next = again ? GAP : document.querySelector(".transfer") ? BUSY_EVERY : EVERY;
  again = false;
  soon(document.hidden ? EVERY * 6 : next);
}

function showAge() {
  const age = Date.now() - seen, stale = failing || age > STALE, slow = !failing && paused > Date.now();
  document.documentElement.classList.toggle("stale", stale);
  const at = new Date(seen).toLocaleTimeString();
  const said = slow ? "Too much was asked for at this address. What is shown is of " + at
    : stale ? "No connection to the node. What is shown is of " + at : connected ? "Live" : "Updated " + at;
  if ($("live").textContent !== said) $("live").textContent = said;
  $("age").textContent = stale || slow ? " (" + Math.round(age / 1000) + " s ago). Trying again …" : "";
}

// --- Events: a WebSocket, or long polls where that is blocked

let cursor = "0", connected = false, retries = 0, refused = 0;

function connect() {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/events?since=" + encodeURIComponent(cursor));
  let opened = false;
  socket.onopen = () => {
    opened = connected = true;
    retries = refused = 0;
    soon(0);
  };
  socket.onmessage = (message) => take(JSON.parse(message.data));
  socket.onclose = () => {
    connected = false;
    if (!opened) refused += 1;
    soon(0);
    // Where the page itself still comes, it is the WebSocket that does not get through.
    if (refused > 2 && !failing && paused < Date.now()) poll();
    else setTimeout(connect, Math.max(paused - Date.now(), Math.min(MAX_RETRY, 250 * 2 ** retries++)));
  };
}

async function poll() {
  try {
    for (;;) {
      await new Promise((done) => setTimeout(done, untilRoom()));
      const answer = await ask("/events?since=" + encodeURIComponent(cursor));
      if (answer.status === 429) continue;
      if (!answer.ok) throw new Error(answer.status);
      const { events, cursor: next } = await answer.json();
      connected = true;
      for (const event of events) take(event);
      cursor = next;
    }
  } catch {
    connected = false;
    refused = 0;
    soon(0);
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
  soon(GAP - (Date.now() - seen));
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
  const answer = await ask(path, { method, body: body && JSON.stringify(body) });
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
  soon(0);
  showKept();
}

function button(text, label, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.onclick = () => act(made, work);
  return made;
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
    showKept();
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
      const name = nodeId.slice(0, 12);
      cell.append(button("Unlink", "Unlink " + name, async () => {
        await call("POST", "/peers/disconnect", { nodeId: cell.dataset.peer });
        return "Unlinked. A peer of the settings is dialled again.";
      }), " ", button("Shut out", "Shut out the address of " + name, async () => {
        const { address } = cell.dataset;
        await call("POST", "/blacklist", { address });
        return address + " is shut out until you let it in again, below.";
      }));
    }
  }
}

// What the operator has asked for, as far as it fits on the page.
async function showKept() {
  if (!token) return;
  try {
    const { pins } = await call("GET", "/pins"), { blacklist } = await call("GET", "/blacklist");
    keep("pins", pins, ({ blockId, held }) => [
      blockId.slice(0, 16) + "…" + (held ? "" : " (not here yet)"),
      button("Unpin", "Unpin " + blockId.slice(0, 12), () => unpin(blockId)),
    ]);
    keep("shut", blacklist, ({ address, reason, by }) => [
      address + (by === "operator" ? "" : " for " + reason),
      button("Let in", "Let in " + address, async () => {
        await call("DELETE", "/blacklist/" + encodeURIComponent(address));
        return address + " may come in again.";
      }),
    ]);
  } catch (error) {
    if (token) say("The lists could not be read: " + error.message);
  }
}

function keep(id, entries, shown) {
  const items = entries.slice(0, MAX_KEPT).map((entry) => {
    const item = document.createElement("li"), [text, action] = shown(entry);
    item.append(text, " ", action);
    return item;
  });
  const rest = entries.length - items.length;
  if (rest > 0 || !items.length) {
    const item = document.createElement("li");
    item.className = "none";
    item.textContent = items.length ? "and " + rest + " more, which the edgenode command lists" : "none";
    items.push(item);
  }
  $(id).replaceChildren(...items);
}

async function unpin(blockId) {
  await call("DELETE", "/blocks/" + blockId + "/pin");
  return "Unpinned. It stays here until it is deleted.";
}

$("operator").onsubmit = (submitted) => {
  submitted.preventDefault();
  const blockId = $("block").value.trim().toLowerCase();
  if (!/^[0-9a-f]{128}$/.test(blockId)) return say("A block id is 128 hexadecimal digits.");
  const wish = submitted.submitter.value;
  act(submitted.submitter, async () => {
    if (wish === "unpin") return unpin(blockId);
    if (wish === "pin") {
      await call("PUT", "/blocks/" + blockId + "/pin");
      return "Pinned: it is fetched if it is missing, and kept until you unpin it.";
    }
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

document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(0); });
addEventListener("hashchange", signIn);
setInterval(showAge, 1000);
signIn();
connect();
soon(EVERY);
})();
