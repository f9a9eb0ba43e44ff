"""Where a key stands in a TOML file: tomllib tells what a file says, not on which line."""

import re

Path = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[|\[)\s*([A-Za-z0-9_.-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=\s*(.*)")


def lines_of(text: str) -> dict[Path, int]:
    """The line of every table, key, and row of a list that begins a line of its own."""
    found: dict[Path, int] = {}
    count: dict[Path, int] = {}
    here: Path = ()
    rows: Path | None = None  # the list whose rows are being passed
    inside_text = False
    for number, line in enumerate(text.splitlines(), start=1):
        was_inside = inside_text
        inside_text ^= (line.count('"""') + line.count("'''")) % 2 == 1
        if was_inside:
            continue
        if header := _HEADER.match(line):
            here, rows = _table(header[1] == "[[", header[2].split("."), count), None
            found[here] = number
        elif rows is not None and line.lstrip().startswith("{"):
            found[*rows, count[rows]] = number
            count[rows] += 1
        elif key := _KEY.match(line):
            found[*here, key[1]] = number
            rows = (*here, key[1]) if key[2].strip() == "[" else None
            if rows is not None:
                count[rows] = 0
    return found


def _table(is_list: bool, names: list[str], count: dict[Path, int]) -> Path:
    """The path of a table's header: the last row so far of each list on the way, a new one at the end."""
    path: Path = ()
    for depth, name in enumerate(names, start=1):
        path = (*path, name)
        if depth == len(names) and is_list:
            count[path] = count.get(path, 0) + 1
        if path in count:
            path = (*path, count[path] - 1)
    return path


def line_at(path: Path, lines: dict[Path, int]) -> int:
    """The line of a path, or of the nearest thing around it that has one."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
