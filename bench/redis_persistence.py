"""What a Redis server has lost of acknowledged set() calls when it comes back, or is replaced.

``python bench/redis_persistence.py`` prints a Markdown table. In each round a process sets one new
event after the other, until the server is killed (SIGKILL) in the midst of it; then the server is
started again, or its replica is promoted, and every event whose set() had returned is looked for.
"""

import contextlib
import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import redis
from processes import Worker, until
from redis_proxy import Proxy
from redis_server import VOLATILE, Server
from redis_topologies import MASTER, replica_of, until_synchronous

from systemevent import SystemEvent, list_events
from systemevent._redis_entries import CHANGE, key_of

ROUNDS = 5
#: So many are acknowledged before the server is killed.
ACKNOWLEDGED = 1000
PREFIX = "persistence."
SNAPSHOTS = "--save", "3600 1 300 100 60 10000", "--appendonly", "no"
APPEND = "--save", "", "--appendonly", "yes", "--appendfsync"


def set_until_it_fails(url: str, progress: int) -> int:
    """Set one event after the other; how many calls have returned."""
    count = 0
    with contextlib.suppress(OSError):
        while True:
            SystemEvent(str(count), PREFIX, url=url).set()
            count += 1
            os.write(progress, b".")
    return count


def set_and_wait_until_it_fails(url: str, progress: int) -> int:
    """The same script by hand, and WAIT 1 on the same connection; how many a replica has."""
    count = 0
    with redis.Redis.from_url(url, single_connection_client=True, socket_timeout=5) as client:
        while True:
            try:
                client.execute_command("EVAL", CHANGE, 1, key_of(str(count), PREFIX), b"1")
                if client.execute_command("WAIT", 1, 2000) < 1:
                    break  # no replica has it, and the caller knows
            except redis.RedisError:
                break
            count += 1
            os.write(progress, b".")
    return count


def acknowledged_by(server, setter, count=ACKNOWLEDGED):
    """Kill the server when so many calls have returned; how many had, in the end."""
    reader, writer = os.pipe()
    worker = Worker(setter, server.url, writer)
    os.close(writer)
    try:
        seen = 0
        while seen < count and (more := os.read(reader, 65536)):
            seen += len(more)
        time.sleep(random.uniform(0, 0.02))  # so that it is not always between two calls
        server.kill()
        while os.read(reader, 65536):
            pass
        return int(worker.result())
    finally:
        worker.end()
        os.close(reader)


def lost(server, count):
    """How many of the events 0 to count - 1 the server does not have."""
    return len({str(i) for i in range(count)} - set(list_events(PREFIX, server.url)))


def restarted(*options):
    """One round with one server."""
    with Server(*options) as server:
        count = acknowledged_by(server, set_until_it_fails)
        server.start()
        return count, lost(server, count)


def after_a_snapshot():
    """One round with a snapshot between two halves; what is lost is of the second."""
    with Server(*SNAPSHOTS) as server:
        with server.client() as client:
            for i in range(ACKNOWLEDGED):
                SystemEvent(f"before.{i}", PREFIX, url=server.url).set()
            client.save()
        count = acknowledged_by(server, set_until_it_fails)
        server.start()
        kept = sum(name.startswith("before.") for name in list_events(PREFIX, server.url))
        return ACKNOWLEDGED + count, ACKNOWLEDGED - kept + lost(server, count)


def promoted(setter, trouble=""):
    """One round with a master and a replica, between which there may be trouble."""
    with Server(*MASTER) as master, Proxy(master.port) as network:
        master_port, master.port = master.port, network.port
        replica = replica_of(master)
        master.port = master_port
        with replica:
            until_synchronous(replica, master)
            if trouble == "stopped":
                replica.stop()
            elif trouble == "cut off":
                network.hold()
            count = acknowledged_by(master, setter)
            network.cut()
            replica.go_on()
            with replica.client() as client:
                until(lambda: _is_promoted(client), "the replica is a master")
            return count, lost(replica, count)


def _is_promoted(client):
    info = client.info("replication")
    if info["role"] == "slave" and info["master_link_status"] == "down":
        client.replicaof("NO", "ONE")
    return info["role"] == "master"


SETTINGS = {
    'no persistence (`save ""`)': lambda: restarted(*VOLATILE),
    "default snapshots (`save 3600 1 300 100 60 10000`)": lambda: restarted(*SNAPSHOTS),
    "the same, and a snapshot (`SAVE`) before the second half": after_a_snapshot,
    "`appendonly yes`, `appendfsync everysec`": lambda: restarted(*APPEND, "everysec"),
    "`appendonly yes`, `appendfsync always`": lambda: restarted(*APPEND, "always"),
    "replica promoted, replication running": lambda: promoted(set_until_it_fails),
    "replica promoted, its process stopped meanwhile": lambda: promoted(
        set_until_it_fails, "stopped"
    ),
    "replica promoted, cut off from the master meanwhile": lambda: promoted(
        set_until_it_fails, "cut off"
    ),
    "replica promoted, `WAIT 1` after each call, replication running": lambda: promoted(
        set_and_wait_until_it_fails
    ),
    "replica promoted, `WAIT 1` after each call, cut off": lambda: promoted(
        set_and_wait_until_it_fails, "cut off"
    ),
}


def main() -> None:
    """Measure, and print."""
    version = subprocess.run(["redis-server", "--version"], capture_output=True, text=True)
    print(version.stdout.split()[2], platform.platform(), f"Python {platform.python_version()}")
    print(f"\n{ROUNDS} rounds each\n")
    print("| setting | acknowledged, all rounds | lost, all rounds | lost, per round |")
    print("|---|---:|---:|---|")
    for setting, measure in SETTINGS.items():
        rounds = [measure() for _ in range(ROUNDS)]
        counts, losses = zip(*rounds, strict=True)
        each = ", ".join(f"{loss:,} of {count:,}" for count, loss in rounds)
        print(f"| {setting} | {sum(counts):,} | {sum(losses):,} | {each} |", flush=True)


if __name__ == "__main__":
    main()
