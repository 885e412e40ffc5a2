"""Compares the queries that the whole test suite issued with the committed list of all query shapes.

usage: queries.py [--write] RECORDED_DIR

Every shape that was seen must be in domain/src/queries.json, every operation named in the code must be there, and every
operation there must still be named in the code. --write brings the list up to date instead: what was seen is added, what
the code no longer names is removed. A shape that is listed and was not seen this time stays: some are issued only when
two requests meet.
"""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "domain" / "src" / "queries.json"
NAME = re.compile(r'"(db\.[a-z_]+\.[a-z_]+)"')
# Commands about collections, not queries on documents; and those of the check itself.
NO_QUERIES = {
    "db.check.shape",
    "db.maintenance.stats", "db.maintenance.index_stats", "db.maintenance.log",
    "db.queries.explain", "db.queries.insert", "db.queries.sample",
}
# Issued by no test yet: each is a gap. The list may only become shorter.
NOT_ISSUED = {
    "db.courier.get_many", "db.delivery.get_many", "db.feed.purge", "db.idempotency.purge", "db.job.purge",
    "db.offer.get_many", "db.order.get_many", "db.payment_webhook.postpone", "db.review.of_orders", "db.review.score",
    "db.review.scores", "db.section.set",
}
# Issued only when two requests meet, or after a crash.
RARE = {"db.feed.advance_again", "db.quote.take_over"}
# An insert behind a closure, which the pattern below does not see.
INSERTS = {"db.category.insert"}


def named():
    names = set()
    for file in (ROOT / "domain" / "src").rglob("*.rs"):
        if file.name != "tests.rs":
            names |= set(NAME.findall(file.read_text()))
    return names - NO_QUERIES


def inserts(name, sources=[]):
    """Whether every use of the name is an insert, which has no filter."""
    if not sources:
        sources.extend(file.read_text() for file in (ROOT / "domain" / "src").rglob("*.rs"))
    uses = [source[max(0, at.start() - 90) : at.start()] for source in sources for at in re.finditer(f'"{re.escape(name)}"', source)]
    return all(re.search(r"insert(_many)?(_in_tx)?\(\s*(tx,\s*)?$", use) for use in uses)


def key(shape):
    return tuple(str(shape[field]) for field in ("op", "collection", "command", "filter", "sort", "one"))


def recorded(directory):
    shapes = {}
    for file in directory.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            shape = json.loads(line)
            # Tests ask a few things of their own.
            if not shape["op"].startswith("test."):
                shapes[key(shape)] = shape
    return shapes


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("recorded", type=pathlib.Path)
    given = arguments.parse_args()
    listed = {key(shape): shape for shape in json.loads(LIST.read_text())} if LIST.exists() else {}
    seen, names = recorded(given.recorded), named()
    queries = {name for name in names if not inserts(name)} - INSERTS
    if given.write:
        merged = {k: shape for k, shape in {**listed, **seen}.items() if shape["op"] in names}
        lines = ",\n".join(json.dumps(merged[k], ensure_ascii=False) for k in sorted(merged))
        LIST.write_text(f"[\n{lines}\n]\n")
        print(f"{len(merged)} shapes of {len({shape['op'] for shape in merged.values()})} operations", file=sys.stderr)
        return
    wrong = [f"not listed: {shape['op']} {shape['filter']} {shape['sort']}".rstrip() for k, shape in sorted(seen.items()) if k not in listed and shape["op"] in names]
    operations = {shape["op"] for shape in listed.values()}
    wrong += [f"named in the code and never issued by a test: {name}" for name in sorted(queries - operations - NOT_ISSUED - RARE)]
    wrong += [f"issued by now, take it off NOT_ISSUED: {name}" for name in sorted(operations & NOT_ISSUED)]
    wrong += [f"listed and no longer named in the code: {name}" for name in sorted(operations - names)]
    if wrong:
        for line in wrong:
            print(line, file=sys.stderr)
        sys.exit("domain/src/queries.json is not what the code asks; scripts/test --queries brings it up to date")
    print(f"    {len(listed)} shapes of {len(operations)} operations, {len(listed.keys() & seen.keys())} of them issued this time", file=sys.stderr)


if __name__ == "__main__":
    main()
