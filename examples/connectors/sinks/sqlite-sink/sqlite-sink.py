#!/usr/bin/env python3
"""sqlite-sink: a sink in Python, as an example of a connector in another language. It keeps the rules that the catalog asks of
every connector, and speaks the link protocol. `make build` puts metadata.json and options.py in their places."""

import base64
import difflib
import json
import os
import re
import signal
import sqlite3
import sys
import urllib.parse
import uuid

DOCUMENT = r"""
@metadata.json@
"""
METADATA = json.loads(DOCUMENT)
OPTIONS = METADATA["schema"]["properties"]

@options.py@

CREDIT = 1000  # records that the driver may leave unanswered


def log(message):
    print(f"sqlite-sink: {message}", file=sys.stderr, flush=True)


class Table:
    """The table to write. One transaction is open from the first write to save or forget."""

    def __init__(self, options):
        self.db = sqlite3.connect(options["database"], timeout=options.get("busy-timeout", 5))
        self.name = options.get("table", "records")
        self.db.execute(f"CREATE TABLE IF NOT EXISTS {self.name} (key TEXT PRIMARY KEY, value, time TEXT) WITHOUT ROWID")
        self.db.commit()

    def write(self, record):
        """Takes a record. One without a key has its id for that, so that one that comes twice is there once."""
        key = record.get("key") or record.get("id") or uuid.uuid4().hex
        if record.get("key_base64"):
            key = base64.b64decode(record["key_base64"], validate=True)
        if record.get("op") == "delete":
            self.db.execute(f"DELETE FROM {self.name} WHERE key = ?", (key,))
            return
        value = record.get("value", "")
        if record.get("value_base64"):
            value = base64.b64decode(record["value_base64"], validate=True)
        self.db.execute(f"INSERT OR REPLACE INTO {self.name} VALUES (?, ?, ?)", (key, value, record.get("time")))

    def save(self):
        self.db.commit()

    def forget(self):
        self.db.rollback()


def chunks(torn):
    """Yields the lines of standard input as they come together, with torn also a last line that has no newline."""
    rest = b""
    while data := os.read(0, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            yield lines
    if rest and torn:
        yield [rest]


class Link:
    """The sink's end of the link protocol."""

    def __init__(self):
        self.frames = os.fdopen(int(os.environ.get("PATCHBAY_ACK_FD", 1)), "w", encoding="utf-8", buffering=1)
        self.say({"link": 1})

    def say(self, frame):
        self.frames.write(json.dumps(frame, ensure_ascii=False, separators=(",", ":")) + "\n")

    def run(self, table):
        """Writes what arrives together in one transaction, and then answers it."""
        self.say({"status": "ready"})
        self.say({"credit": CREDIT})
        number = 0
        for lines in chunks(torn=False):
            first, stop = number + 1, False
            try:
                for line in lines:
                    number += 1
                    frame = decode(line) if line else {}
                    if not isinstance(frame, dict):
                        raise ValueError(f"line {number} of the driver is no frame")
                    if frame.get("record") is not None:
                        table.write(frame["record"])
                    stop = stop or bool(frame.get("stop"))
                table.save()
                self.say({"ack": f"{first}-{number}"})
            except sqlite3.Error as e:
                table.forget()
                number = first + len(lines) - 1
                log(e)
                self.say({"nack": f"{first}-{number}", "error": str(e), "delay_ms": 1000})
            if stop:
                return


def run(options):
    link = Link() if options.get("acks") else None
    try:
        table = Table(options)
    except sqlite3.Error as e:
        if link:
            link.say({"status": "failed", "error": str(e)})
        log(f"{options['database']}: {e}")
        return 1
    if link:
        link.run(table)
        return 0
    for lines in chunks(torn=True):
        for line in lines:
            table.write({"value": line.decode("utf-8", "replace")})
        table.save()
    return 0


def check(options):
    """Tells whether the database can be written, and changes nothing."""
    path = options["database"]
    if os.path.exists(path):
        sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=rw", uri=True).execute("PRAGMA schema_version")
    elif not os.access(os.path.dirname(path) or ".", os.W_OK):
        raise OSError(f"{path} is not there and cannot be made")
    print("system: ok")
    return 0


def main(args):
    if args == ["metadata"]:
        print(DOCUMENT.strip())
        return 0
    words, other, options, found = command_line(args)
    command = words[0] if words else "run"
    if "help" in other:
        return usage()
    if "version" in other:
        return print("sqlite-sink", METADATA["version"])
    if command == "completion" and words[1:] in (["bash"], ["zsh"], ["fish"]):
        return completion(words[1])
    if command == "validate" and other.get("batch") == "-":
        for line in sys.stdin.buffer:
            print(judge(line))
        return 0
    if command not in ("run", "validate", "check"):
        found = [f"unknown command {' '.join(words)}; see sqlite-sink --help"]
    for problem in found:
        log(problem)
    if found:
        return 2
    if command == "validate":
        print("sqlite-sink: the options are valid")
        return 0
    return check(options) if command == "check" else run(options)


def stop(*_):
    # What is not answered is not saved either: it comes again.
    os._exit(0)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        os._exit(0)  # nobody reads any more
    except (OSError, ValueError, sqlite3.Error) as e:
        log(e)
        sys.exit(1)
