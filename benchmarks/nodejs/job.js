// What the specification names, doing a node's job: Express, ws, SQLite (WAL, synchronous FULL).
// GET /node/info; at /ws signed batches: verified, parsed, applied to the record index, grouped
// into commits, acknowledged. No sealed link, no limits, no sync. Argument: a folder for the
// database. Prints "ready PORT".
"use strict";
const crypto = require("node:crypto");
const http = require("node:http");
const path = require("node:path");
const Database = require("better-sqlite3");
const express = require("express");
const { WebSocketServer } = require("ws");

const GROUP = 128; // batches in a commit at most
const database = new Database(path.join(process.argv[2], "state.db"));
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
// The tables of edgenode/store/migrations.py, as far as a batch touches them.
database.exec(`
  CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, payload BLOB, signature BLOB) STRICT;
  CREATE TABLE IF NOT EXISTS batches (origin INTEGER, epoch INTEGER, seq INTEGER, digest BLOB,
    timestamp_ms INTEGER, size INTEGER, body INTEGER, PRIMARY KEY (origin, epoch, seq))
    STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS records (origin INTEGER, epoch INTEGER, seq INTEGER, place INTEGER,
    type INTEGER, prefix BLOB, rest BLOB, data TEXT, PRIMARY KEY (origin, epoch, seq, place))
    STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS record_keys ON records (prefix, type, origin);
`);
const addBody = database.prepare("INSERT INTO bodies (payload, signature) VALUES (?, ?)");
const addBatch = database.prepare("INSERT INTO batches VALUES (1, ?, ?, ?, ?, ?, ?)");
const addRecord = database.prepare(`INSERT INTO records VALUES (1, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (prefix, type, origin) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
  place = excluded.place, rest = excluded.rest, data = excluded.data
  WHERE (excluded.epoch, excluded.seq, excluded.place) > (epoch, seq, place)`);

function le64(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(number));
  return bytes;
}

function signedBytes(network, batch) {
  const pieces = [
    Buffer.from("edgenode/1/batch"), Buffer.from(network), Buffer.from(batch.nodeId, "hex"),
    le64(batch.epoch), le64(batch.seq), le64(batch.timestamp), Buffer.from(batch.payload),
  ];
  const parts = [le64(pieces.length)];
  for (const piece of pieces) parts.push(le64(piece.length), piece);
  return Buffer.concat(parts);
}

const keys = new Map();
function keyOf(nodeId) {
  let key = keys.get(nodeId);
  if (!key) {
    const x = Buffer.from(nodeId, "hex").toString("base64url");
    key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    keys.set(nodeId, key);
  }
  return key;
}

const TYPES = { TEMPERATURE: 0, LOCATION: 1, METADATA: 2 };
let group = 0;
let waiting = []; // answers for the batches of the open transaction
function commit() {
  database.exec("COMMIT");
  group = 0;
  const answers = waiting;
  waiting = [];
  for (const [socket, digests] of answers) socket.send(JSON.stringify(digests));
}

function take(batch) {
  const message = signedBytes("test-net", batch);
  const signature = Buffer.from(batch.signature, "hex");
  if (!crypto.verify(null, message, keyOf(batch.nodeId), signature)) throw new Error("bad");
  // Node.js has BLAKE2b with 64 bytes only.
  const hash = crypto.createHash("blake2b512").update(message).update(signature).digest();
  const digest = hash.subarray(0, 16);
  const { updates } = JSON.parse(batch.payload);
  if (group === 0) {
    database.exec("BEGIN IMMEDIATE");
    setImmediate(() => { if (group) commit(); });
  }
  const payload = Buffer.from(batch.payload);
  const body = addBody.run(payload, signature).lastInsertRowid;
  addBatch.run(batch.epoch, batch.seq, digest, batch.timestamp, payload.length + signature.length,
    body);
  updates.forEach((update, place) => {
    const block = Buffer.from(update.blockId, "hex");
    addRecord.run(batch.epoch, batch.seq, place, TYPES[update.type], block.subarray(0, 16),
      block.subarray(16), JSON.stringify(update.data));
  });
  group += 1;
  return digest.toString("hex");
}

const app = express();
app.get("/node/info", (_, response) => response.json({ nodeId: "0".repeat(64), version: "0" }));
const server = http.createServer(app);
new WebSocketServer({ server, path: "/ws", perMessageDeflate: false }).on("connection", (socket) => {
  socket.on("message", (text) => {
    const digests = JSON.parse(text).data.batches.map(take);
    waiting.push([socket, digests]);
    if (group >= GROUP) commit();
  });
});
server.listen(Number(process.argv[3] || 0), "127.0.0.1", () => {
  console.log(`ready ${server.address().port}`);
});
