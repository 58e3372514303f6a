"""The tables of the state database, as the steps that lead to them."""

# Entry n, a list of statements, leads from user_version n to n + 1. What was released is never
# changed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # SQLite has no checksum of its own outside of the WAL, so each value has one.
        "CREATE TABLE named_values"
        " (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, crc32 INTEGER NOT NULL)",
        "INSERT INTO named_values VALUES ('epoch', '0', 2009393926)",
    ),
    (
        # Ids are kept as bytes, origins as integers; (epoch, seq) orders what an origin has sent.
        "CREATE TABLE origins (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE, head BLOB,"
        " head_epoch INTEGER NOT NULL, head_seq INTEGER NOT NULL,"
        " batch_epoch INTEGER NOT NULL, batch_seq INTEGER NOT NULL,"
        " floor_epoch INTEGER NOT NULL, floor_seq INTEGER NOT NULL,"
        " refreshed_ms INTEGER NOT NULL) STRICT",
        # Payloads apart: what is asked of many batches at once lies close together.
        "CREATE TABLE bodies"
        " (id INTEGER PRIMARY KEY, payload BLOB NOT NULL, signature BLOB NOT NULL) STRICT",
        "CREATE TABLE batches (origin INTEGER NOT NULL, epoch INTEGER NOT NULL,"
        " seq INTEGER NOT NULL, digest BLOB NOT NULL, timestamp_ms INTEGER NOT NULL,"
        " size INTEGER NOT NULL, body INTEGER NOT NULL,"
        " PRIMARY KEY (origin, epoch, seq)) STRICT, WITHOUT ROWID",
        # In the order of batches, so that new records are written next to one another. `prefix`
        # and `rest` are the block id; `data` is JSON, NULL where the record is withdrawn.
        "CREATE TABLE records (origin INTEGER NOT NULL, epoch INTEGER NOT NULL,"
        " seq INTEGER NOT NULL, place INTEGER NOT NULL, type INTEGER NOT NULL,"
        " prefix BLOB NOT NULL, rest BLOB NOT NULL, data TEXT,"
        " PRIMARY KEY (origin, epoch, seq, place)) STRICT, WITHOUT ROWID",
        # The one index whose pages are written at random: the prefix of 16 bytes keeps it small.
        # Two blocks that agree in it cannot be made; an origin that invents such ids loses
        # records of its own.
        "CREATE UNIQUE INDEX record_keys ON records (prefix, type, origin)",
        # Few, and told apart without reading all records.
        "CREATE INDEX withdrawn ON records (prefix, type) WHERE data IS NULL",
        "CREATE TABLE conflicts (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE,"
        " epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
        " digest_1 BLOB NOT NULL, timestamp_ms_1 INTEGER NOT NULL,"
        " payload_1 BLOB NOT NULL, signature_1 BLOB NOT NULL,"
        " digest_2 BLOB NOT NULL, timestamp_ms_2 INTEGER NOT NULL,"
        " payload_2 BLOB NOT NULL, signature_2 BLOB NOT NULL) STRICT",
        # AUTOINCREMENT: an id that was removed is never given to another update.
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, block BLOB NOT NULL,"
        " type INTEGER NOT NULL, data TEXT, UNIQUE (block, type)) STRICT",
        "CREATE TABLE heat"
        " (id INTEGER PRIMARY KEY, block BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT",
    ),
    (
        # Blocks that are held, and of which the operator has said that it is not to be told.
        "CREATE TABLE withheld (block BLOB PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID",
        # The head of an origin that was dropped: it shows the origin how high its numbers were.
        "ALTER TABLE origins ADD COLUMN last_head BLOB",
    ),
    (
        # What lies below a prefix of an origin's trie; holds all that is asked of it.
        "CREATE INDEX batch_digests ON batches (origin, digest)",
    ),
    (
        # Blocks that the operator wants to be kept.
        "CREATE TABLE pins (block BLOB PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        # The operator's own; what the node shuts out by itself is forgotten with the process.
        "CREATE TABLE blacklist (address BLOB PRIMARY KEY NOT NULL, since_ms INTEGER NOT NULL,"
        " until_ms INTEGER) STRICT, WITHOUT ROWID",
    ),
    (
        # Where nodes were said to be or were reached; `key` is the address with the port, and
        # times are seconds of the table's own clock.
        "CREATE TABLE addresses (key BLOB PRIMARY KEY NOT NULL, node BLOB NOT NULL,"
        " source BLOB NOT NULL, tried INTEGER NOT NULL, heard_s INTEGER NOT NULL,"
        " success_s INTEGER NOT NULL, failures INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        # The peers that are dialled first after a start.
        "CREATE TABLE anchors (host TEXT NOT NULL, port INTEGER NOT NULL, node BLOB NOT NULL,"
        " PRIMARY KEY (host, port)) STRICT, WITHOUT ROWID",
    ),
    (
        # By whom a key was retired, and for which: the exact statements. AUTOINCREMENT: in order.
        "CREATE TABLE retired (id INTEGER PRIMARY KEY AUTOINCREMENT, node BLOB NOT NULL UNIQUE,"
        " statement BLOB NOT NULL) STRICT",
    ),
)
