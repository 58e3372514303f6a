"""docs/protocol.md against the vectors and the code: quoted bytes, reasons, limits."""

import json
import re
from pathlib import Path
from typing import Any

from edgenode.api import peerwrites
from edgenode.core import (
    advertisement,
    batch,
    blacklist,
    dialback,
    events,
    fetch,
    frame,
    head,
    hello,
    linkpace,
    meetevents,
    message,
    peersessions,
    ratelimit,
    reachevents,
    records,
    request,
    rotation,
    signed,
    strictjson,
    syncevents,
    trie,
    triesync,
    window,
)
from edgenode.core.reasons import CLOSE_CODES
from edgenode.core.strictjson import limits
from edgenode.daemon import asking
from edgenode.daemon.blocks import fetching, serving
from edgenode.daemon.config.sections import BatchConfig, RateLimitConfig
from edgenode.daemon.finding import acquainting, tellers
from edgenode.daemon.guard.gate import VIOLATIONS
from edgenode.daemon.reach import introducing, meeting, passing
from edgenode.daemon.records import exchange, gossip, publishing, replicas, telling
from edgenode.discover import lan, neighbours, responder, services
from edgenode.link import anteroom, dial, handshake, keep, link, socket, table
from edgenode.reach import asking as reach_asking
from edgenode.reach import checking, prober
from edgenode.store import conflicts
from tests.vectors import make

DOCUMENT = (Path(__file__).parents[2] / "docs/protocol.md").read_text()
VECTORS: Any = json.loads(make.PATH.read_text())

# Of each row of the table of limits, what the code has; seconds as "N s".
LIMITS: dict[str, object] = {
    "bytes of a hello": hello.MAX_HELLO_BYTES,
    "bytes of a WebSocket message, seal included": hello.MAX_FRAME_BYTES,
    "`limits.frame`, least": hello.MIN_FRAME_BYTES,
    "`limits.frame`, most": 2**31,
    "characters of a network's name": hello.MAX_NETWORK_CHARS,
    "JSON: arrays and objects inside one another": strictjson.MAX_DEPTH,
    "JSON: values and keys": strictjson.MAX_TOKENS,
    "JSON: characters of a number": limits.MAX_NUMBER_CHARS,
    "JSON: largest integer; largest size, offset and timestamp": limits.MAX_INTEGER,
    "characters of a `type`": message.MAX_TYPE_CHARS,
    "`node:announce`: characters of `version`": events.MAX_VERSION_CHARS,
    "`node:announce`: entries of `capabilities`": events.MAX_CAPABILITIES,
    "`node:announce`: characters of an entry": events.MAX_CAPABILITY_CHARS,
    "`node:announce`: characters of `region`": events.MAX_REGION_CHARS,
    "`node:announce`: advertisements": events.MAX_ADVERTISEMENTS,
    "bytes of an advertisement": advertisement.MAX_ADVERTISEMENT_BYTES,
    "bytes of a datagram": advertisement.MAX_DATAGRAM_BYTES,
    "advertisements taken from one address at once": tellers.BURST,
    "then one every": f"{tellers.S_PER_ADDRESS} s",
    "those left out that end the link": tellers.MAX_EXCESS,
    "peers to whom one of another node is passed on": acquainting.RETOLD_TO,
    "other nodes of which a new peer is told, most": acquainting.MAX_SAMPLE,
    "as many as all of those known": acquainting.WHOLE_UP_TO,
    "of more, in 100": acquainting.SAMPLE_PERCENT,
    "bytes of those": acquainting.MAX_SAMPLE_BYTES,
    "time after which a node advertises itself anew": (f"{acquainting.READVERTISE_S / 3600:.0f} h"),
    "characters of a `reason` or an `op`": events.MAX_REASON_CHARS,
    "largest `nonce` of a ping": events.MAX_PING_NONCE,
    "largest `fetchId`": events.MAX_FETCH_ID,
    "bytes of a `want`": events.MAX_WANT_BYTES,
    "bytes of the block in a chunk": frame.CHUNK_BYTES,
    "bytes wanted and not yet come, one transfer": fetch.WINDOW_BYTES,
    "bytes that have come and wait, one transfer": 2 * fetch.WINDOW_BYTES,
    "chunks that have come and wait, one transfer": fetching.MAX_CHUNKS,
    "`have` and `lack` of one peer that have come and wait, one transfer": fetching.MAX_ANSWERS,
    "wants of one peer that wait": serving.MAX_WANTS,
    "peers asked in one transfer": fetch.MAX_CANDIDATES,
    "transfers at once": fetching.MAX_FETCHES,
    "transfers that wait": fetching.MAX_WAITING,
    "links lost in one transfer": fetch.MAX_CUTS,
    "answer to the question who holds a block": f"{fetch.ASK_MS // 1000} s",
    "time without a chunk": f"{fetch.STALL_MS // 1000} s",
    "least rate of a holder": f"{fetch.LEAST_RATE} bytes a millisecond",
    "wait for a lost link of a transfer": f"{fetch.GRACE_MS // 1000} s",
    "characters of an update's `type`": records.MAX_TYPE_CHARS,
    "bytes of a signed payload; of a batch": signed.MAX_PAYLOAD_BYTES,
    "bytes of a head": head.MAX_HEAD_BYTES,
    "largest `epoch` and `seq`; largest `count`": signed.MAX_NUMBER,
    "updates of a batch": batch.MAX_UPDATES,
    "bytes of an update": records.MAX_UPDATE_BYTES,
    "characters of a `batchId`": batch.MAX_BATCH_ID_CHARS,
    "METADATA: characters of `durabilityLevel`": records.MAX_DURABILITY_CHARS,
    "METADATA: keys of `user`": records.MAX_USER_KEYS,
    "METADATA: characters of a key of `user`": records.MAX_USER_KEY_CHARS,
    "METADATA: characters of a value of `user`": records.MAX_USER_VALUE_CHARS,
    "bytes of a message with records": syncevents.MAX_EVENT_BYTES,
    "bytes to which a sender fills one": syncevents.FILL_BYTES,
    "batches of a message": syncevents.MAX_BATCHES,
    "origins of a `node:status`": syncevents.MAX_ORIGINS,
    "digests of a subtree that is hashed as a list; entries of a `list`": trie.LEAF_DIGESTS,
    "digits of a `prefix`": trie.MAX_PREFIX_CHARS,
    "entries of a `want` for batches": triesync.MAX_WANTED,
    "entries of a `have` of batches and of an `ack`": triesync.MAX_NAMED,
    "messages with records of one peer that wait": exchange.MAX_INBOX,
    "the same, before batches that were not asked for are dropped": exchange.MAX_GOSSIP,
    "`node` to one peer without an answer": asking.MAX_OPEN_ASKS,
    "batches wanted of one peer and not yet come": asking.MAX_OPEN_WANTS,
    "questions to one peer that wait": asking.MAX_WAITING,
    "time without an answer before a walk begins anew": f"{asking.PATIENCE_S:.0f} s",
    "own batches that one peer has still to acknowledge": telling.MAX_UNACKNOWLEDGED,
    "a head waits for the batches it speaks of before it is passed on": (
        f"{gossip.UNSYNCED_S:.0f} s"
    ),
    "an own batch is sent again after": f"{BatchConfig().retry_delay // 1000} s",
    "an own batch is sent again at most": f"{BatchConfig().retry_attempts} times",
    "links up to which all peers are told an own batch": gossip.FULL_MESH,
    "peers that are told at once otherwise": gossip.EAGER,
    "of the other peers, told the digest": f"1 in {gossip.LAZY_SHARE}",
    "bytes of a signed request's payload": request.MAX_REQUEST_BYTES,
    "time for a challenge": f"{peersessions.CHALLENGE_MS // 1000} s",
    "time for a session of a peer": f"{peersessions.SESSION_MS // 1000:,} s",
    "sessions of peers": peersessions.MAX_SESSIONS,
    "numbers of requests that may overtake one another": window.WINDOW,
    "batches of a request": peerwrites.MAX_BATCHES,
    "`node:rotation`: statements": rotation.MAX_TOLD,
    "bytes of a rotation": rotation.MAX_ROTATION_BYTES,
    "rotations kept": rotation.MAX_KEPT,
    "keys that one node is followed through": rotation.MAX_CHAIN,
    "origins carried": replicas.MAX_ORIGINS,
    "bytes of the batches of one other origin": replicas.MAX_ORIGIN_BYTES,
    "bytes of all batches carried": replicas.MAX_BYTES,
    "origins of which a conflict is kept": conflicts.MAX_CONFLICTS,
    "time in which what others tell becomes durable": f"{replicas.COMMIT_DELAY_S:.0f} s",
    "time between rounds of comparison": f"{gossip.ROUND_S:.0f} s",
    "time in which a round is the answer to another": f"{exchange.ANSWER_S:.0f} s",
    "least time between heads without a change": f"{gossip.MIN_HEAD_S:.0f} s",
    "the same, for each origin carried": f"{gossip.HEAD_S_PER_ORIGIN:.0f} s",
    "quiet after a change before a head": f"{gossip.QUIET_S:.0f} s",
    "wait for a peer before anything is signed": f"{publishing.NO_PEER_S:.0f} s",
    "an origin without a new head expires after": f"{replicas.EXPIRY_MS // 3_600_000} h",
    "connection and upgrade": f"{dial.CONNECT_TIMEOUT_S:.0f} s",
    "handshake": f"{handshake.HANDSHAKE_TIMEOUT_S:.0f} s",
    "handshakes under way at once": anteroom.MAX_HANDSHAKES,
    "dial-backs served in a minute": prober.MAX_IN_WINDOW,
    "the same, of one peer": prober.MAX_OF_PEER_IN_WINDOW,
    "dial-backs served at once": prober.MAX_AT_ONCE,
    "time for a dial-back": f"{prober.KNOCK_TIMEOUT_S:.0f} s",
    "answer to the wish for one": f"{reach_asking.ANSWER_TIMEOUT_S:.0f} s",
    "peers asked for one, at a time": dialback.VERIFIERS,
    "peers asked in a round": reach_asking.MAX_ASKED,
    "time between rounds while all is well": f"{checking.AGAIN_S:.0f} s",
    "longest wait after one that failed": f"{checking.LAST_RETRY_MS // 1000} s",
    "least time between rounds of dial-backs": f"{checking.LEAST_GAP_S:.0f} s",
    "askers for whom blocks are passed on at once": passing.MAX_ASKERS,
    "wants of one asker that wait to be passed on": passing.MAX_WAITING,
    "peers that one who passes on asks": passing.MAX_HOLDERS,
    "time in which one who passes on finds a holder": f"{passing.ASK_S:.0f} s",
    "largest `meetId`": meetevents.MAX_MEET_ID,
    "most `waited`": meetevents.MAX_WAITED_MS,
    "peers that pass on a call": meeting.MAX_MIDDLES,
    "time for a meeting": f"{meeting.MEET_S:.0f} s",
    "steps of one peer passed on at once": introducing.BURST,
    "steps of one peer passed on, a second": introducing.RATE_PER_S,
    "calls answered at once": meeting.ANSWERS_BURST,
    "calls answered, a second": meeting.ANSWERS_PER_S,
    "silence before a ping": f"{link.SILENCE_S:.0f} s",
    "answer to that ping": f"{link.PONG_TIMEOUT_S:.0f} s",
    "answer to a probe": f"{table.PROBE_TIMEOUT_S:.0f} s",
    "time for which a link counts as alive after a frame": f"{table.FRESH_S:.0f} s",
    "bytes that wait for a peer": link.MAX_QUEUED_BYTES,
    "frames that wait for a peer": link.MAX_QUEUED_FRAMES,
    "time in which a peer takes a frame": f"{link.SEND_TIMEOUT_S:.0f} s",
    "the end of a link": f"{socket.CLOSE_TIMEOUT_S:.0f} s",
    "links": table.MAX_LINKS,
    "accepted links": table.MAX_INBOUND,
    "neighbours by announcements; services of mDNS": neighbours.MAX_NEIGHBOURS,
    "announcements read, a second": neighbours.DATAGRAMS["rate_per_s"],
    "the same, of one address": neighbours.DATAGRAMS["sender_rate_per_s"],
    "signatures of announcements checked, a second": neighbours.VERIFICATIONS_PER_S,
    "least time between announcements for newcomers": f"{lan.EARLY_GAP_S:.0f} s",
    "answers of mDNS read, a second": responder.RESPONSES["rate_per_s"],
    "the same of mDNS, of one address": responder.RESPONSES["sender_rate_per_s"],
    "addresses of one service of mDNS": services.MAX_ADDRESSES,
    "longest life of a service of mDNS": f"{services.MAX_LIFE_S // 60} min",
    "longest wait before dialling again": f"{keep.MAX_RETRY_MS // 1000} s",
    "longest wait after many failures": f"{keep.SLOW_RETRY_MS // 1000} s",
}

# What the document has to quote, so that nobody needs the file to follow it.
QUOTED = {
    "blocks.2.blockId",
    "pae.5.encoded",
    "hello.initiator",
    "hello.responder",
    "handshake.initiator.proof",
    "handshake.responder.proof",
    "sessionKeys.initiatorSends",
    "sessionKeys.responderSends",
    "frames.9.sealed",
    "batches.0.payload",
    "batches.0.signature",
    "batches.0.digest",
    "session.signature",
    "request.message",
    "rotation.payload",
    "heads.0.payload",
    "heads.0.signature",
    "heads.0.digest",
    "advertisements.0.payload",
    "advertisements.0.signature",
    "tries.2.root",
    "tries.3.root",
    "tries.4.root",
}


def section(title: str) -> str:
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Give the cells of each row of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def vector(path: str) -> str:
    value = VECTORS
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    assert isinstance(value, str)
    return value


def test_quoted_vectors_are_those_of_the_file() -> None:
    quoted = re.findall(r"^```vector (\S+)\n(.*?)\n```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    for path, text in quoted:
        assert text.replace("\n", "") == vector(path), path
    assert {path for path, _ in quoted} >= QUOTED
    events_shown = {
        json.loads(text.replace("\n", ""))["type"]
        for path, text in quoted
        if path.endswith(".text")
    }
    assert events_shown == {
        *(message.PING, message.PONG, message.ANNOUNCE, message.LEAVE, message.BLOCK_SYNC),
        *(message.BLOCK_TEMPERATURE, message.BLOCK_LOCATION, message.METADATA_UPDATE),
        *(message.NODE_STATUS, message.METADATA_SYNC),
        *(reachevents.DIAL_BACK, meetevents.MEET, message.ROTATION),
    }
    assert {path for path, _ in quoted} >= {f"reachFrames.{number}.text" for number in range(11)}


def test_reasons_and_close_codes() -> None:
    table_rows = rows(section("Reasons and close codes"))
    assert {name.strip("`"): int(code) for name, code, _ in table_rows} == CLOSE_CODES


def test_services_and_announcements_have_one_limit() -> None:
    assert services.MAX_SERVICES == neighbours.MAX_NEIGHBOURS


def test_limits() -> None:
    table_rows = rows(section("Limits"))
    shown = dict(table_rows)
    assert len(shown) == len(table_rows)
    expected = {
        name: f"{value:,}" if isinstance(value, int) else value for name, value in LIMITS.items()
    }
    assert shown == expected


def test_limits_of_rate() -> None:
    text = " ".join(section("Limits of rate").split())
    per_s = linkpace.PEER * RateLimitConfig().max_requests * 1000 // RateLimitConfig().window
    burst = linkpace.PEER * RateLimitConfig().max_requests // linkpace.BURST_DIVISOR
    for words in (
        f"by default {RateLimitConfig().max_requests} in a minute",
        f"| `/ws`: a handshake, charged before it begins | {ratelimit.HANDSHAKE} |",
        f"| {ratelimit.AUTH_CHALLENGE}, {ratelimit.AUTH_SESSION} |",
        f"`/sync/request` | 1, and 1 for each {ratelimit.LOOK_UPS} blocks |",
        f"write of records | {ratelimit.PEER_WRITE}, and {ratelimit.SIGNATURE_CHECK} for each",
        f"and {linkpace.BATCH} for each batch, {linkpace.HEAD} for each origin",
        f"| a chunk over a link | {linkpace.CHUNK} |",
        f"All together have {ratelimit.NODE} times the limit",
        f"A peer may send {linkpace.PEER:,} times the limit, by default {per_s:,} units a second "
        f"and {burst:,} at once",
        f"more than {socket.PINGS_BURST} pings or pongs of WebSocket at once",
        f"At most {blacklist.MAX_ENTRIES:,} addresses are kept",
    ):
        assert words in text, words
    assert (ratelimit.PREFIX_24, ratelimit.PREFIX_48, ratelimit.PEERS_OF_ADDRESS) == (2, 4, 4)
    assert (ratelimit.NODE_HARD, linkpace.ALL) == (2 * ratelimit.NODE, 4 * linkpace.PEER)
    assert linkpace.WINDOWS == RateLimitConfig().blacklist_threshold == 3
    shown = re.search(r"An address from which (.*?) came", text)
    assert shown is not None
    assert set(re.findall("`(.*?)`", shown[1])) == VIOLATIONS


def test_contents_name_every_section() -> None:
    contents = DOCUMENT.split("\n## ")[0]
    for title in re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE):
        assert f"[{title}](#{title.lower().replace(' ', '-')})" in contents


def test_kinds_of_frames() -> None:
    kinds = [(row[0], row[1]) for row in rows(section("Frames"))][:3]
    assert kinds == [
        (str(frame.END), "end"),
        (str(frame.MESSAGE), "message"),
        (str(frame.CHUNK), "chunk"),
    ]
