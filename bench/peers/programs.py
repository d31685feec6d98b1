"""The programs that bench/compare runs side by side: how they are installed, compiled, started, asked, and held to the same numbers."""
import array
import itertools
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

PEERS = Path(__file__).resolve().parent
ROOT = PEERS.parent.parent
PYTHON_PEERS = {"torch": ["torch_peer.py"], "torch_compiled": ["torch_peer.py", "compile"], "jax": ["jax_peer.py"]}
CPP_PEERS = {"libtorch": None, "openblas": ["-lopenblas"], "onednn": ["-ldnnl"]}
NAMES = [*PYTHON_PEERS, *CPP_PEERS]
PRIORITY = os.sched_getscheduler(0), os.sched_getparam(0)


def say(line):
    print(line, file=sys.stderr, flush=True)


def wait_at_leisure():
    """Under `chrt` only what is measured keeps its real-time priority. What asks and writes files needs none, and spinning in the kernel for
    something that a process of less priority holds on the same core, it would hold that core for ever."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def keep_priority(processors=None):
    """For what is measured, in the new process. A number of processors, since some programs use all that they see, whatever number of threads
    they are told."""
    os.sched_setscheduler(0, *PRIORITY)
    if processors:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-processors:])


class Peer:
    """A process that prepares workloads and times them; see bench/serve.cpp."""

    def __init__(self, name, command, threads=1, seconds=300, processors=None):
        self.name, self.command, self.seconds, self.processors = name, command, seconds, processors
        set_threads = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "COMPARE_THREADS": str(threads)}
        narrower = ("OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA")
        self.environment = {k: v for k, v in os.environ.items() if k not in narrower}
        self.environment |= set_threads | {"OMP_WAIT_POLICY": "passive", "PYTHONWARNINGS": "ignore"}
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env=self.environment,
                                        preexec_fn=lambda: keep_priority(self.processors))

    def ask(self, line):
        """The answer; {"missing": why} where there is none. A process that has ended starts again with what is prepared next."""
        if self.process.poll() is not None and line.startswith("prepare"):
            self.close()
            self.start()
        late = threading.Event()
        timer = threading.Timer(self.seconds, lambda: (late.set(), self.process.kill()))
        timer.start()
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = next((text for text in self.process.stdout if text.startswith("{")), None)
        except BrokenPipeError:
            answer = None
        finally:
            timer.cancel()
        if answer is None:
            self.process.wait()
            return {"missing": f"no answer in {self.seconds} s" if late.is_set() else "the process ended"}
        return json.loads(answer)

    def close(self):
        self.process.communicate()


def modules(python):
    """The frameworks that an interpreter can import, with their versions."""
    found = {}
    for name in ("torch", "jax"):
        ask = [python, "-c", f"import {name}; print({name}.__version__)"]
        if python.exists() and (done := subprocess.run(ask, capture_output=True, text=True)).returncode == 0:
            found[name] = done.stdout.strip()
    return found


def framework_python(build):
    """The interpreter of the virtual environment with the frameworks, and those that it has."""
    folder = build / "compare-venv"
    python = folder / "bin" / "python"
    found = modules(python)
    if len(found) < 2:
        say("frameworks: installing torch and jax (once; some gigabytes)")
        made = subprocess.run([sys.executable, "-m", "venv", folder], stdout=subprocess.DEVNULL)
        for name in {"torch", "jax"} - set(found) if made.returncode == 0 else ():
            subprocess.run([python, "-m", "pip", "install", "-q", "--retries", "2", name, "numpy"])
        found = modules(python)
    for name in {"torch", "jax"} - set(found):
        say(f"{name}: SKIPPED, there is no python3-venv, or the package index is not reachable or has no fitting release")
    if found:
        say(f"frameworks: {', '.join(f'{name} {version}' for name, version in found.items())}")
    return python, found


def torch_flags(python, found):
    """What a C++ program needs to compile and link against PyTorch: that of the virtual environment, else the system's."""
    if "torch" not in found:
        return ["-I/usr/include/torch/csrc/api/include", "-ltorch", "-ltorch_cpu", "-lc10"]
    ask = "import torch, os; print(os.path.dirname(torch.__file__), int(torch._C._GLIBCXX_USE_CXX11_ABI))"
    folder, abi = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    return [f"-D_GLIBCXX_USE_CXX11_ABI={abi}", f"-isystem{folder}/include", f"-isystem{folder}/include/torch/csrc/api/include",
            f"-L{folder}/lib", f"-Wl,-rpath,{folder}/lib", "-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10"]


def compiled(name, flags, folder):
    """The program of bench/peers/NAME.cpp, compiled where something that it may include is newer; or None, and a line says why."""
    program = folder / f"peer_{name}"
    sources = [PEERS / f"{name}.cpp", *PEERS.glob("*.h"), *PEERS.parent.glob("*.h")]
    if program.exists() and program.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return program
    folder.mkdir(parents=True, exist_ok=True)
    command = ["g++", "-std=c++20", "-O3", "-march=native", f"-I{ROOT}", str(sources[0]), "-o", str(program), *flags]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        say(f"{name}: SKIPPED, there is no g++")
        return None
    if done.returncode == 0:
        return program
    error = next((line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line), "the compiler failed")
    say(f"{name}: SKIPPED, {error.strip()[:160]} (packages: cmake/packages_compare.txt)")
    return None


def commands(build, names):
    """How the peers of these names are started, those that can be; name -> command."""
    python, found = framework_python(build) if {"torch", "torch_compiled", "jax", "libtorch"} & set(names) else (None, {})
    made = {}
    for name in names:
        if name in PYTHON_PEERS:
            script, *arguments = PYTHON_PEERS[name]
            if name.split("_")[0] in found:
                made[name] = [str(python), str(PEERS / script), *arguments]
        elif program := compiled(name, CPP_PEERS[name] or torch_flags(python, found), build / "bench"):
            made[name] = [str(program)]
    return made


def floats(path):
    values = array.array("f")
    values.frombytes(path.read_bytes())
    return values


def off(losses, reference):
    """What is wrong with three losses beside those of crease, if anything is."""
    if any(not abs(a - b) <= 1e-3 * max(1, abs(b)) for a, b in itertools.zip_longest(losses, reference, fillvalue=math.nan)):
        return f"computes something else: losses {losses}, crease {reference}"
    return None


def off_by(updates, reference, parameters):
    """The same for what three steps changed in each parameter. Sums in another order move it a little: near ties of max-pooling and relu fall
    to another side. The distance may be a hundredth of the update, or, where the update is rounding alone, a millionth of all together."""
    if len(updates) != len(reference):
        return f"computes something else: {len(updates)} parameters, crease {len(reference)}"
    begin, rounding = 0, 1e-6 * math.hypot(*reference)
    for name, count in parameters:
        own, right = (values[begin:begin + count] for values in (updates, reference))
        begin += count
        if not math.dist(own, right) <= max(1e-2 * math.hypot(*right), rounding):
            return f"computes something else: the update of {name} is {math.dist(own, right) / math.hypot(*right):.2g} of it away from that of crease"
    return None


def disagreements(peers, answers, folder):
    """Those of the prepared peers that compute something else than the first, crease, and in what; name -> text."""
    crease, *others = peers
    parameters = crease.ask(f"updates {folder}/crease").get("parameters", [])
    reference, wrong = floats(Path(folder, "crease")), {}
    for peer in (p for p in others if "missing" not in answers[p.name]):
        text = off(answers[peer.name]["losses"], answers["crease"]["losses"])
        if not text and parameters:
            told = peer.ask(f"updates {folder}/{peer.name}")
            text = off_by(floats(Path(folder, peer.name)), reference, parameters) if told.get("ok") else told.get("missing", "tells no parameters")
        if text:
            wrong[peer.name] = text
    return wrong
