"""Asks a replica set how it is, or its primary to step down. Changes no data.

usage: mongo_ask.py [--secrets DIR] primary|step-down|healthy|equal HOST:PORT HOST:PORT HOST:PORT

  primary    prints the primary's HOST:PORT
  step-down  the primary gives its role up for ten seconds
  healthy    waits until one member is primary and the others follow it
  equal      waits until all have the same operations, then compares the hashes of their data
"""

import argparse
import pathlib
import sys
import time

from mongo_init import direct, primary_of, until
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

DATABASE = "daraa"
STEP_DOWN_S = 10


def states(client):
    return [member["stateStr"] for member in client.admin.command("replSetGetStatus")["members"]]


def is_healthy(hosts, root):
    primary = primary_of(hosts)
    if primary is None:
        return False
    with direct(primary, **root) as client:
        return sorted(states(client)) == ["PRIMARY", "SECONDARY", "SECONDARY"]


def step_down(hosts, root):
    with direct(until("a primary", lambda: primary_of(hosts)), **root) as client:
        try:
            client.admin.command("replSetStepDown", STEP_DOWN_S, secondaryCatchUpPeriodSecs=5)
        except AutoReconnect:
            # Older servers close the connection instead of answering.
            pass


def hashes(host, root):
    with direct(host, **root) as client:
        optime = client.admin.command("replSetGetStatus")["optimes"]["appliedOpTime"]["ts"]
        return optime, client[DATABASE].command("dbHash")["collections"]


def are_equal(hosts, root):
    """The hashes of all members once they were taken at one point of the history; None while they were not."""
    found = [hashes(host, root) for host in hosts]
    again = [hashes(host, root)[0] for host in hosts]
    points = {str(optime) for optime, _ in found} | {str(optime) for optime in again}
    return [collections for _, collections in found] if len(points) == 1 else None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--secrets", type=pathlib.Path)
    arguments.add_argument("what", choices=["primary", "step-down", "healthy", "equal"])
    arguments.add_argument("hosts", nargs=3)
    given = arguments.parse_args()
    if given.what == "primary":
        print(until("a primary", lambda: primary_of(given.hosts)))
        return
    if given.secrets is None:
        arguments.error("--secrets is needed")
    root = {"username": "root", "password": (given.secrets / "mongo_root_password").read_text().strip()}
    if given.what == "step-down":
        step_down(given.hosts, root)
    elif given.what == "healthy":
        until("a healthy replica set", lambda: is_healthy(given.hosts, root))
    else:
        first, *others = until("one point of history", lambda: are_equal(given.hosts, root))
        different = sorted({name for other in others for name in first.keys() | other.keys() if first.get(name) != other.get(name)})
        if different:
            sys.exit(f"the members differ in {', '.join(different)}")


if __name__ == "__main__":
    main()
