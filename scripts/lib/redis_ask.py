"""Talks to Redis servers and Sentinels. Changes nothing but what it is asked for.

usage: redis_ask.py --secrets DIR ping HOST:PORT
       redis_ask.py --secrets DIR master|flush|failover|healthy --servers A,B,C --sentinels A,B,C

  ping      succeeds when the server answers
  master    prints the HOST:PORT the Sentinels name
  flush     empties the master
  failover  asks the Sentinels to make a replica the master
  healthy   waits until one server is the master for all Sentinels and the others follow it

A Sentinel's password is the file redis_sentinel_password, a server's redis_password.
"""

import argparse
import pathlib
import socket
import sys
import time

# The name under which the Sentinels watch; platform/src/config.rs has the same default.
MASTER = "daraa"
# One answer on this machine; a frozen server gives none.
ANSWER_WITHIN_S = 2
# A Sentinel takes some 10 s to make a replica of a master that came back.
PATIENCE_S = 60


class Refused(Exception):
    """It answered with an error."""


def read(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("the connection was closed")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise Refused(rest.decode())
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind == b"*":
        return None if rest == b"-1" else [read(stream) for _ in range(int(rest))]
    return rest.decode()


def say(address, password, *command):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=ANSWER_WITHIN_S) as peer:
        stream = peer.makefile("rb")
        for words in (("AUTH", password), command):
            parts = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
            peer.sendall(b"*%d\r\n" % len(words) + parts)
            answer = read(stream)
        return answer


def fields(flat):
    return dict(zip(flat[::2], flat[1::2]))


class Parts:
    def __init__(self, given):
        self.servers, self.sentinels = given.servers.split(","), given.sentinels.split(",")
        self.password = (given.secrets / "redis_password").read_text().strip()
        self.sentinel_password = (given.secrets / "redis_sentinel_password").read_text().strip()

    def sentinel(self, address, *command):
        return say(address, self.sentinel_password, "SENTINEL", *command)

    def master(self):
        """The address of the latest choice; None when no Sentinel answers."""
        known = {}
        for address in self.sentinels:
            try:
                epoch = int(fields(self.sentinel(address, "MASTER", MASTER))["config-epoch"])
                known[epoch] = ":".join(self.sentinel(address, "GET-MASTER-ADDR-BY-NAME", MASTER))
            except (OSError, Refused):
                continue
        return known[max(known)] if known else None

    def failover(self):
        for address in self.sentinels:
            try:
                return self.sentinel(address, "FAILOVER", MASTER) == "OK"
            except (OSError, Refused):
                continue
        return False

    def healthy(self):
        try:
            masters = set()
            for address in self.sentinels:
                about = fields(self.sentinel(address, "MASTER", MASTER))
                masters.add(f"{about['ip']}:{about['port']}")
                replicas = [fields(one) for one in self.sentinel(address, "REPLICAS", MASTER)]
                if (
                    about["flags"] != "master"
                    or int(about["num-other-sentinels"]) != len(self.sentinels) - 1
                    or len(replicas) != len(self.servers) - 1
                    or any(one["flags"] != "slave" or one["master-link-status"] != "ok" for one in replicas)
                ):
                    return False
            roles = {address: say(address, self.password, "ROLE")[0] for address in self.servers}
        except (OSError, Refused):
            return False
        return {address for address, role in roles.items() if role == "master"} == masters


def until(what, holds):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--secrets", type=pathlib.Path, required=True)
    arguments.add_argument("--servers")
    arguments.add_argument("--sentinels")
    arguments.add_argument("what", choices=["ping", "master", "flush", "failover", "healthy"])
    arguments.add_argument("address", nargs="?")
    given = arguments.parse_args()
    if given.what == "ping":
        password = (given.secrets / "redis_password").read_text().strip()
        try:
            sys.exit(say(given.address, password, "PING") != "PONG")
        except (OSError, Refused):
            sys.exit(1)
    parts = Parts(given)
    if given.what == "master":
        print(until("a master", parts.master))
    elif given.what == "flush":
        say(until("a master", parts.master), parts.password, "FLUSHALL")
    elif given.what == "failover":
        until("a fail-over begins", parts.failover)
    else:
        until("a healthy set of Redis servers", parts.healthy)


if __name__ == "__main__":
    main()
