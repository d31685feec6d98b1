"""What bench/compare keeps of its runs: bench/results/compare_<processor>.json, and the same as a page."""
import json
import os
import platform
import re

import targets


def machine_line():
    """The processor (family and model where the name alone tells little), cores, load, system."""
    facts = {}
    if os.path.exists("/proc/cpuinfo"):
        pairs = (line.split(":", 1) for line in open("/proc/cpuinfo") if ":" in line)
        facts = {key.strip(): value.strip() for key, value in pairs}
    name = facts.get("model name") or facts.get("CPU part") or platform.machine() or "unknown processor"
    kind = f" (family {facts['cpu family']}, model {facts['model']})" if {"cpu family", "model"} <= set(facts) else ""
    return f"{name.replace(',', ' ')}{kind}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.system()} {platform.release()}"


def path_of(folder, machine):
    name = machine.split(",")[0].split(" (family")[0]
    return folder / f"compare_{re.sub('[^a-z0-9.]+', '_', name.lower()).strip('_')}.json"


def processor(machine):
    """The part of the line that must be the same for two runs to be of the same machine."""
    return machine.split(", load")[0]


def speed_lines(rows):
    """The rows of one thread against limit and PyTorch, as a table."""
    yield "| workload | limit, us | crease, us | x limit (target) | PyTorch, us | x faster than PyTorch (target) | most that the limit allows | JAX, libtorch, OpenBLAS, oneDNN, us |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in (r for r in rows if "limit_us" in r):
        torch = min((t for n, t in row["times_us"].items() if n.startswith("torch")), default=None)
        ahead = f"{row['faster_than_pytorch']} ({row['target']['pytorch']})" if torch else "not measured"
        most = f"{torch / row['limit_us']:.2f}" if torch else ""
        near = f"{row['ratio_to_limit']} ({row['target']['limit'] or '-'})"
        others = ", ".join(f"{row['times_us'][n]:.4g}" if n in row["times_us"] else "-" for n in ("jax", "libtorch", "openblas", "onednn"))
        yield (f"| {row['workload']}, {row['size']} | {row['limit_us']:.4g} | {row['times_us']['crease']:.4g} | {near} "
               f"| {f'{torch:.4g}' if torch else ''} | {ahead} | {most} | {others} |")


def told(value):
    return f"({', '.join(f'{k}: {v:.4g}' for k, v in value.items())})" if isinstance(value, dict) else value


def other_lines(rows):
    """Everything else that is held to a target."""
    yield "| what | measured | target | held |"
    yield "| --- | --- | --- | --- |"
    for row in (r for r in rows if "limit_us" not in r):
        measured = {k: v for k, v in row.items() if k not in ("workload", "size", "target", "held", "why", "load")}
        texts = [", ".join(f"{k} {told(v)}" for k, v in part.items()) for part in (measured, row.get("target", {}))]
        yield f"| {row.get('workload')} {row.get('size')} | {texts[0]} | {texts[1]} | {'yes' if row['held'] else 'no'} |"


def merged(results, machine, rows):
    """The rows that are recorded of this machine, those that were measured now in their places."""
    known = recorded(results, machine)
    now = {key(row): row for row in rows}
    kept = [with_recorded(now.pop(key(row), row), row) for row in known]
    return kept + list(now.values())


def key(row):
    return row.get("workload"), str(row.get("size"))


def recorded(results, machine):
    """Rows of another processor of the same name are not kept."""
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    return lines[1:] if lines and processor(lines[0]["machine"]) == processor(machine) else []


def with_recorded(row, known):
    """Programs that were not run now keep the times that are recorded of them; the row names them."""
    missing = {n: t for n, t in known.get("times_us", {}).items() if n not in row.get("times_us", {}) and n not in row.get("not_run", {})}
    if "limit_us" not in row or not missing:
        return row
    row = row | {"times_us": row["times_us"] | missing, "recorded_before": sorted(missing)}
    return row | targets.judged(row)


def replaced(path, text):
    """Never half a file, whenever it ends."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)


def write_results(results, machine, rows):
    replaced(results, "".join(json.dumps(row) + "\n" for row in [{"machine": machine}, *rows]))
    shared = [row["load"] for row in rows if row.get("load", 0) > os.cpu_count()]
    note = [f"The machine was shared: load {min(shared)} to {max(shared)} on {os.cpu_count()} cores.", ""] if shared else []
    before = sorted({name for row in rows for name in row.get("recorded_before", [])})
    note += [f"Times of {', '.join(before)} are of an earlier run on the same machine.", ""] if before else []
    held = f"{sum(row['held'] for row in rows)} of {len(rows)} targets hold."
    lines = [machine, "", *note, held, "", *speed_lines(rows), "", *other_lines(rows)]
    replaced(results.with_suffix(".md"), "\n".join(lines) + "\n")
