"""Prints the committed insta snapshots whose name no test source mentions.

A snapshot file is named `<path of the module>__<name>.snap`, the name being given in the assertion or taken from the
test function. When neither the name nor the function is found in the sources beside it, nothing reads the file.
"""

import pathlib
import re
import subprocess
import sys

files = subprocess.run(["git", "ls-files", "*.snap"], check=True, capture_output=True, text=True).stdout.split("\n")
for snapshot in map(pathlib.Path, filter(None, files)):
    # insta keeps snapshots in `snapshots/` beside the source file; the last part after `__` is the name.
    name = snapshot.stem.rsplit("__", 1)[-1]
    plain = re.sub(r"-\d+$", "", name)  # the second unnamed snapshot of a test is `name-2`
    sources = "\n".join(path.read_text() for path in snapshot.parent.parent.rglob("*.rs"))
    known = f'"{name}"' in sources or re.search(rf"\bfn (test_)?{re.escape(plain)}\b", sources)
    # A name put together at run time is written with braces: every fixed piece must then occur.
    if not known and not any(
        re.fullmatch(re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(text)), name)
        for text in re.findall(r'"([^"\n]*\{[^"\n]*\}[^"\n]*)"', sources)
        if re.sub(r"\{[^}]*\}", "", text)
    ):
        print(snapshot)
sys.exit(0)
