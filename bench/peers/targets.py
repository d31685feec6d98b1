"""What bench/compare holds crease to: times the limit of the machine, times faster than PyTorch, and with two threads.
The networks of bench/models.h are held to be no slower than PyTorch."""


def row(workload, size, limit, pytorch, threads=1.0):
    return {"workload": workload, "size": size, "limit": limit, "pytorch": pytorch, "threads": threads}


SPEED = [
    row("W1", 1, 6, 50),
    row("W1", 32, 5, 30),
    row("W2", 32, 1.2, 2.5),
    row("W2", 128, 1.12, 1.8),
    row("W2", 1024, 1.15, 1.6, threads=1.5),
    row("W3", 10, 1.8, 3),
    row("W3", 128, 1.22, 1.8, threads=1.5),
    row("W4", 64, 1.5, 4),
    row("W5", 128, 1.4, 1.6, threads=1.5),
    row("W6", 16384, 1.6, 8),
    row("W6", 1048576, 1.5, 10),
    row("W7", 32, 1.5, 2),
]
MODELS = [
    row("characters", 32, None, 1),
    row("words", 16, None, 1),
    row("transformer", 8, None, 1),
    row("transformer_f64", 8, None, 1),
    row("residuals", 32, None, 1),
    row("separable", 32, None, 1),
    row("signals", 32, None, 1),
    row("adamw", 128, None, 1),
    row("dense_f64", 128, None, 1),
    row("classes", 128, None, 1),
    row("predict", 32, None, 1),
    row("predict_images", 128, None, 1),
]
BY_HAND = ("openblas", "onednn")
SCALAR = {"size": 10000, "c": 1.5, "compile_ms": 500}
COMPILE = [{"workload": "W2", "size": 128, "compile_ms": 60}, {"workload": "W8", "size": 100000, "compile_ms": 30000}]


def judged(row):
    """What the times of a row say."""
    times, limit, target = row["times_us"], row["limit_us"], row["target"]
    by_hand = [times[n] for n in BY_HAND if n in times]
    frameworks = {n: t for n, t in times.items() if n != "crease" and n not in BY_HAND}
    row = {"ratio_to_limit": round(times["crease"] / limit, 3)}
    pytorch = min((t for n, t in frameworks.items() if n.startswith("torch")), default=None)
    row["faster_than_best_framework"] = round(min(frameworks.values()) / times["crease"], 2) if frameworks else None
    row["faster_than_by_hand"] = round(min(by_hand) / times["crease"], 2) if by_hand else None
    row["faster_than_pytorch"] = round(pytorch / times["crease"], 2) if pytorch else None
    near = target["limit"] is None or row["ratio_to_limit"] <= target["limit"]
    if pytorch is None:
        return row | {"held": False, "why": "PyTorch was not measured"}
    ahead = row["faster_than_pytorch"] >= target["pytorch"] or (target["limit"] is not None and pytorch <= 1.3 * limit)
    why = [] if near else ["too far from the limit"]
    return row | {"held": near and ahead, "why": ", ".join(why + ([] if ahead else ["too little ahead of PyTorch"]))}
