"""Redis servers that belong together: replicas, Sentinels, a cluster."""

import contextlib
import socket

from processes import DEADLINE, until
from redis_server import VOLATILE, Server, free_port

from systemevent._redis_entries import key_of, slot_of

#: A master that has no reason to let a replica wait.
MASTER = (*VOLATILE, "--repl-diskless-sync-delay", 0)
#: What the Sentinels of tests call the master.
SERVICE = "main"


def replica_of(master, *options):
    """A Server, not yet started, that copies from the master."""
    follow = "--replicaof", master.host, master.port
    return Server(*MASTER, *follow, *options)


def until_synchronous(replica, master):
    """Return when the replica has all that the master has."""

    def synchronous():
        with replica.client() as one, master.client() as other:
            up = one.info("replication").get("master_link_status") == "up"
            # A replica gets nothing from the end of its first copy until it has answered once.
            other.publish("synchronous", "")
            return up and other.wait(1, 1000) > 0

    until(synchronous, "the replica has all of the master's data")


def sentinel_of(master, quorum):
    """A Sentinel, not yet started, that looks after the master."""
    server = Server(program="redis-sentinel")
    server.configuration = (
        f"sentinel monitor {SERVICE} {master.host} {master.port} {quorum}\n"
        f"sentinel down-after-milliseconds {SERVICE} {DEADLINE * 1000:.0f}\n"
        f"sentinel failover-timeout {SERVICE} 2000\n"
    )
    return server


class Failover:
    """A master, its replica, and `count` Sentinels that replace it; a context manager.

    They do so if it is away when begin() is called: what only comes late, is not.
    """

    def __init__(self, count, *options):
        self.master = Server(*MASTER, *options)
        self.replica = replica_of(self.master, "--repl-ping-replica-period", 1)
        self.sentinels = [sentinel_of(self.master, count // 2 + 1) for _ in range(count)]
        self._ends = contextlib.ExitStack()

    def begin(self):
        """From now on, the master counts as down if it has been silent for half a second."""
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                client.sentinel_set(SERVICE, "down-after-milliseconds", 500)

    @property
    def url(self):
        """Of the service."""
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def has_failed_over(self):
        """Is the replica the master now, and do all Sentinels say so?"""
        return all(self._master(one) == self.replica.port for one in self.sentinels)

    def _master(self, sentinel):
        with sentinel.client(decode_responses=True) as client:
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return int(port)

    def _is_ready(self):
        return all(self._knows_all(one) for one in self.sentinels)

    def _knows_all(self, sentinel):
        with sentinel.client(decode_responses=True) as client:
            state = client.execute_command("SENTINEL", "MASTER", SERVICE)
        if isinstance(state, list):  # redis-py 5 and 8 differ
            state = dict(zip(state[::2], state[1::2], strict=True))
        others = int(state["num-slaves"]), int(state["num-other-sentinels"])
        return others == (1, len(self.sentinels) - 1)

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            ends.enter_context(self.master)
            ends.enter_context(self.replica)
            until_synchronous(self.replica, self.master)
            for one in self.sentinels:
                ends.enter_context(one)
            until(self._is_ready, "the Sentinels know each other and the replica")
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *exception):
        self._ends.close()


class Cluster:
    """Three masters without replicas, each with a third of the slots; a context manager."""

    def __init__(self):
        self.nodes = [self._node() for _ in range(3)]
        self.ids = []
        #: Slots that have left the node that had them at first, and who has them.
        self.moved = {}
        self._ends = contextlib.ExitStack()

    def _node(self):
        server = Server(
            *VOLATILE,
            # A handshake that takes longer, on a busy machine, is forgotten; and two nodes that are
            # late together would have no majority.
            *("--cluster-enabled", "yes", "--cluster-node-timeout", int(1000 * DEADLINE)),
            *("--cluster-require-full-coverage", "no"),
            *("--cluster-port", free_port()),
        )
        server.bus = server.options[-1]
        return server

    def url_of(self, *ports, options=""):
        """Of the cluster, by these ports."""
        return f"redis+cluster://{','.join(f'127.0.0.1:{port}' for port in ports)}{options}"

    @property
    def url(self):
        """Of the cluster, by its first node alone."""
        return self.url_of(self.nodes[0].port)

    def node_of(self, slot):
        """The index of the node that has the slot."""
        first = next(i for i in range(3) if slot in self.slots(i))
        return self.moved.get(slot, first)

    def slots(self, i):
        """The slots of a node at first."""
        return range(16384 * i // 3, 16384 * (i + 1) // 3)

    def tell(self, i, *words):
        """Let a node carry out a command, and return the bytes of the answer."""
        text = f"*{len(words)}\r\n" + "".join(f"${len(str(w))}\r\n{w}\r\n" for w in words)
        with socket.create_connection(("127.0.0.1", self.nodes[i].port)) as one:
            one.sendall(text.encode())
            return one.recv(65536)

    def until_ready(self):
        """Return when each node says that all slots are there, and takes nobody for dead.

        (Who was, is for some seconds more; if a second one is silent then, the cluster is down.)
        """
        until(self._is_ready, "the cluster is ready")

    def _is_ready(self):
        return all(
            b"cluster_state:ok" in (info := self.tell(i, "CLUSTER", "INFO"))
            and b"cluster_slots_ok:16384" in info
            and b"cluster_known_nodes:3" in info
            and b"cluster_size:3" in info
            for i in range(3)
        )

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            for i, node in enumerate(self.nodes):
                ends.enter_context(node)
                first, *_, last = self.slots(i)
                self.tell(i, "CLUSTER", "ADDSLOTSRANGE", first, last)
                self.tell(i, "CLUSTER", "SET-CONFIG-EPOCH", i + 1)
                self.ids.append(self.tell(i, "CLUSTER", "MYID").split()[1].decode())
                for other in self.nodes[:i]:
                    self.tell(i, "CLUSTER", "MEET", other.host, other.port, other.bus)
            self.until_ready()
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *exception):
        self._ends.close()


class Migration:
    """The slot of a name moves from the node that has it to the next one; a context manager."""

    def __init__(self, cluster, name, prefix="SystemEvent."):
        self._cluster = cluster
        self.slot = slot_of(key_of(name, prefix))
        self._from = cluster.node_of(self.slot)
        self._to = (self._from + 1) % 3
        self.source, self.target = cluster.nodes[self._from], cluster.nodes[self._to]

    def move_keys(self):
        """All keys of the slot are on the target; both know that the slot is on its way."""
        with self.source.client() as source:
            while keys := source.cluster("GETKEYSINSLOT", self.slot, 100):
                source.migrate(self.target.host, self.target.port, keys, 0, int(1000 * DEADLINE))

    def finish(self):
        """The target has the slot."""
        self.move_keys()
        for i in (self._to, self._from, 3 - self._to - self._from):
            self._set_slot(i, "NODE", self._to)
        self._cluster.moved[self.slot] = self._to

    def _set_slot(self, i, what, node):
        ids = self._cluster.ids
        answer = self._cluster.tell(i, "CLUSTER", "SETSLOT", self.slot, what, ids[node])
        assert answer == b"+OK\r\n"

    def __enter__(self):
        self._set_slot(self._to, "IMPORTING", self._from)
        self._set_slot(self._from, "MIGRATING", self._to)
        return self

    def __exit__(self, *exception):
        self.finish()
