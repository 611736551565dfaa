"""What eventbusctl prints."""

import json


def rows(table: str) -> list[list[str]]:
    """The words of a table's lines, without its heading."""
    return [line.split() for line in table.splitlines()[1:]]


def objects(lines: str) -> list[dict]:
    """The objects of lines of JSON."""
    return [json.loads(line) for line in lines.splitlines()]
