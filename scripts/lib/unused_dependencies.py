"""Prints every dependency a member of the workspace names and does not use, and every pinned one nobody names.

A dependency counts as used when its crate name occurs in the member's sources. Features that only switch something
on in another crate are listed in FOR_FEATURES with the reason.
"""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Named only to choose its features for a crate that uses it.
FOR_FEATURES = set()


def main():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    named, wrong = set(), []
    for member in workspace["members"]:
        manifest = tomllib.loads((ROOT / member / "Cargo.toml").read_text())
        sources = "\n".join(path.read_text() for path in (ROOT / member).rglob("*.rs"))
        for table in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name in manifest.get(table, {}):
                named.add(name)
                if name not in FOR_FEATURES and not re.search(rf"\b{name.replace('-', '_')}\b", sources):
                    wrong.append(f"{member}/Cargo.toml: {name} is not used")
    for name in sorted(set(workspace["dependencies"]) - named - set(workspace["members"])):
        if not name.startswith("daraa-"):
            wrong.append(f"Cargo.toml: {name} is pinned and nobody names it")
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
