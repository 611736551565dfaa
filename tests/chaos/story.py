"""All that a history has about one event. For people."""

from chaos.seen import covers


def story(records: list[dict], event: str) -> list[str]:
    """All that the history has about one event, and about who had it."""
    lines = []
    numbers: dict[str, set] = {}
    for record in records:
        t, kind = record["t"], record["k"]
        sub = record.get("sub", "")
        if kind == "publish":
            for id_, type_, key, outcome in record["events"]:
                if id_ == event:
                    lines.append(
                        f"{record['t0']:.6f} to {t:.6f}: {record['client']} publishes it as {type_}, "
                        f"key {key}, with {len(record['events'])} events: {outcome or 'confirmed'}"
                    )
        elif kind == "recv":
            for stream, position, first, times, ids in record["batches"]:
                if event in ids:
                    number = first + ids.index(event)
                    numbers.setdefault(sub, set()).add(number)
                    lines.append(
                        f"{t:.6f}: {sub} gets it as number {number}, times {times}, in "
                        f"{stream} {position} with {len(ids)} events"
                    )
        elif kind == "settle":
            for number in numbers.get(sub, ()):
                if covers(record["ranges"], number):
                    asked = f", confirm {record['confirm']}" if record["confirm"] else ""
                    lines.append(f"{t:.6f}: {sub} {record['act']}s number {number}{asked}")
        elif kind == "settled":
            for field in ("done", "unknown", "too_late", "failed"):
                for number in numbers.get(sub, ()):
                    if covers(record[field], number):
                        lines.append(f"{t:.6f}: {sub} hears that number {number} is {field}")
        elif kind == "lost":
            for number in numbers.get(sub, ()):
                if covers(record["ranges"], number):
                    lines.append(f"{t:.6f}: {sub} loses number {number}: {record['reason']}")
        elif kind == "end" and sub in numbers:
            lines.append(f"{t:.6f}: {sub} ends: {record['why']}")
        elif kind == "fault":
            until = "the end" if record["until"] is None else f"{record['until']:.6f}"
            lines.append(f"{t:.6f} to {until}: {record['what']} {record['address'] or 'redis'}")
    for sub in numbers:
        for record in records:
            if record["k"] == "open" and record["sub"] == sub:
                lines.append(
                    f"{record['t']:.6f}: {sub} opens on {record['address']} as {record['instance']}"
                )
    # By time, but for the text of it they are as they are.
    return sorted(lines, key=lambda line: float(line.split()[0].rstrip(":")))
