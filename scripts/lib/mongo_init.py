"""Makes a replica set out of three running mongod and gives it the users of mongo-init/users.json.

The same work as mongo-init/*.js does with mongosh in compose, from the same definition. May run any number of
times: it creates what is missing and sets what differs. Passwords are read from files, never from arguments.

usage: mongo_init.py --secrets DIR [--test-users] HOST:PORT HOST:PORT HOST:PORT
"""

import argparse
import json
import pathlib
import sys
import time

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

SET_NAME = "daraa"
DEADLINE_S = 60
ALREADY_INITIALISED = 23
UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18


def direct(host, **options):
    """One member, whatever its state."""
    return pymongo.MongoClient(
        f"mongodb://{host}/", directConnection=True, serverSelectionTimeoutMS=1000, connectTimeoutMS=1000, **options
    )


def until(what, attempt):
    """Repeats until `attempt` returns something true; an error of the driver means not yet."""
    deadline, last = time.monotonic() + DEADLINE_S, None
    while time.monotonic() < deadline:
        try:
            result = attempt()
            if result:
                return result
        except PyMongoError as error:
            last = error
        time.sleep(0.1)
    sys.exit(f"{what}: not within {DEADLINE_S} s ({last})")


def primary_of(hosts):
    for host in hosts:
        try:
            with direct(host) as client:
                if client.admin.command("hello").get("isWritablePrimary"):
                    return host
        except PyMongoError:
            continue
    return None


def configuration(hosts, settings, version):
    return {
        "_id": SET_NAME,
        "version": version,
        "members": [{"_id": i, "host": host} for i, host in enumerate(hosts)],
        "settings": settings,
    }


def form_set(hosts, settings, root):
    """Initiates a fresh set, or moves a known one to the ports it has this time."""
    for host in hosts:
        until(f"mongod at {host}", lambda host=host: direct(host).admin.command("hello"))
    try:
        # Allowed without a password only from this machine and only while no user exists.
        direct(hosts[0]).admin.command("replSetInitiate", configuration(hosts, settings, 1))
        return
    except OperationFailure as error:
        if error.code not in (ALREADY_INITIALISED, UNAUTHORIZED):
            raise
    with direct(hosts[0]) as client:
        known = client.admin.command("hello")
    if known.get("setName") == SET_NAME and known.get("hosts") == hosts:
        return
    with direct(hosts[0], username="root", password=root) as client:
        old = client.admin.command("replSetGetConfig")["config"]
        if [member["host"] for member in old["members"]] != hosts:
            new = configuration(hosts, settings, old["version"] + 1)
            client.admin.command("replSetReconfig", new, force=True)


def make_root(primary, password):
    with direct(primary, username="root", password=password) as client:
        try:
            client.admin.command("ping")
            return
        except OperationFailure as error:
            if error.code != AUTHENTICATION_FAILED:
                raise
    try:
        with direct(primary) as client:
            client.admin.command(
                "createUser", "root", pwd=password, roles=["root"], writeConcern={"w": "majority", "wtimeout": 20000}
            )
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        sys.exit("the password in the secrets folder is not the one of this database's root user")


def privileges(definition, role):
    lists = {"all": [""], "writable": definition["writable"], "appendOnly": definition["appendOnly"]}
    rows = []
    for row in role["privileges"]:
        if row.get("cluster"):
            rows.append({"resource": {"cluster": True}, "actions": row["actions"]})
            continue
        names = row["collections"]
        for name in lists[names] if isinstance(names, str) else names:
            rows.append({"resource": {"db": definition["database"], "collection": name}, "actions": row["actions"]})
    return rows


def make_users(admin, definition, users, secrets):
    there = {row["role"] for row in admin.command("rolesInfo", 1)["roles"]}
    for role in definition["roles"]:
        verb = "updateRole" if role["role"] in there else "createRole"
        admin.command(verb, role["role"], privileges=privileges(definition, role), roles=role["inherits"])
    there = {row["user"] for row in admin.command("usersInfo", 1)["users"]}
    for user in users:
        name = user["user"]
        verb = "updateUser" if name in there else "createUser"
        admin.command(verb, name, pwd=(secrets / f"mongo_{name}_password").read_text().strip(), roles=user["roles"])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--secrets", type=pathlib.Path, required=True)
    arguments.add_argument("--test-users", action="store_true")
    arguments.add_argument("hosts", nargs=3)
    given = arguments.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    definition = json.loads((root / "mongo-init" / "users.json").read_text())
    password = (given.secrets / "mongo_root_password").read_text().strip()

    form_set(given.hosts, definition["settings"], password)
    primary = until("a primary", lambda: primary_of(given.hosts))
    make_root(primary, password)
    users = definition["users"] + (definition["testUsers"] if given.test_users else [])

    def apply():
        # Found anew each time: an election may come in between.
        with direct(primary_of(given.hosts) or primary, username="root", password=password) as client:
            make_users(client.admin, definition, users, given.secrets)
        return True

    until("users and roles", apply)


if __name__ == "__main__":
    main()
