"""What bench/compare holds crease to: times the limit of the machine, times faster than PyTorch, and with two threads."""


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
SCALAR = {"size": 10000, "c": 1.5, "compile_ms": 500}
COMPILE = [{"workload": "W2", "size": 128, "compile_ms": 60}, {"workload": "W8", "size": 100000, "compile_ms": 30000}]
