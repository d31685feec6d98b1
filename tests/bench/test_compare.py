"""What bench/compare takes, asks and records, without any measurement: python3 tests/bench/test_compare.py."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "peers"))
import programs
import record
import targets

MACHINE = "Zen (family 25, model 17), 2 cores, load 1.0, Linux 6"
TARGET = {"limit": 2, "pytorch": 1.5}


def row(workload, **times):
    known = {"workload": workload, "size": 1, "times_us": times, "limit_us": 10, "target": TARGET, "load": 1.0}
    return known | targets.judged(known)


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "compare_zen.json")

    def test_rows_measured_now_take_their_places_and_the_others_stay(self):
        record.write_results(self.path, MACHINE, [row("W1", crease=19, torch=40), row("W2", crease=15)])
        rows = record.merged(self.path, MACHINE.replace("load 1.0", "load 9.0"), [row("W1", crease=12)])
        self.assertEqual([r["workload"] for r in rows], ["W1", "W2"])
        self.assertEqual(rows[0]["times_us"], {"crease": 12, "torch": 40})
        self.assertEqual(rows[0]["recorded_before"], ["torch"])
        self.assertEqual((rows[0]["held"], rows[0]["faster_than_pytorch"]), (True, 3.33))

    def test_a_program_that_computes_something_else_now_loses_its_recorded_time(self):
        record.write_results(self.path, MACHINE, [row("W1", crease=19, torch=40)])
        rows = record.merged(self.path, MACHINE, [row("W1", crease=12) | {"not_run": {"torch": "computes something else"}}])
        self.assertEqual(rows[0]["times_us"], {"crease": 12})

    def test_another_processor_of_the_same_name_starts_anew(self):
        record.write_results(self.path, MACHINE, [row("W1", crease=19)])
        other = MACHINE.replace("model 17", "model 1")
        self.assertEqual(record.path_of(Path(), other), record.path_of(Path(), MACHINE))
        self.assertEqual([r["workload"] for r in record.merged(self.path, other, [row("W2", crease=1)])], ["W2"])

    def test_a_name_of_a_processor_makes_a_name_of_a_file(self):
        machine = "Intel(R) Xeon(R) CPU @ 2.70GHz (family 6, model 143), 2 cores, load 1, Linux"
        self.assertEqual(record.path_of(Path(), machine).name, "compare_intel_r_xeon_r_cpu_2.70ghz.json")


class Programs(unittest.TestCase):
    def test_updates_agree_up_to_rounding_and_near_ties(self):
        right, parameters = [1.0, 2.0, 0.001, 0.002], [("W", 2), ("b", 2)]
        self.assertIsNone(programs.off_by([1.001, 2.001, 0.001, 0.002], right, parameters))
        self.assertIn("update of b", programs.off_by([1.0, 2.0, 0.002, 0.001], right, parameters))
        self.assertIn("update of W", programs.off_by([float("nan"), 2.0, 0.001, 0.002], right, parameters))
        self.assertIn("3 parameters", programs.off_by([1.0, 2.0, 0.001], right, parameters))

    def test_losses_that_are_no_numbers_or_too_few_are_no_agreement(self):
        self.assertIsNone(programs.off([1.0, 0.5], [1.0001, 0.5]))
        for losses in ([1.0], [1.0, float("nan")], [1.0, 0.6], [1.0, 0.5, 0.2]):
            self.assertIsNotNone(programs.off(losses, [1.0, 0.5]))

    def test_a_program_that_ends_or_hangs_is_missing_and_starts_again(self):
        script = "while read -r word rest; do case $rest in end*) exit 3;; hang*) exec sleep 60;; *) echo noise; echo '{\"ok\": 1}';; esac; done"
        peer = programs.Peer("shell", ["bash", "-c", script], seconds=0.5)
        self.assertEqual(peer.ask("prepare a"), {"ok": 1})
        self.assertEqual(peer.ask("prepare end"), {"missing": "the process ended"})
        self.assertEqual(peer.ask("time 1"), {"missing": "the process ended"})
        self.assertEqual(peer.ask("prepare a"), {"ok": 1})
        self.assertEqual(peer.ask("prepare hang"), {"missing": "no answer in 0.5 s"})
        self.assertEqual(peer.ask("prepare a"), {"ok": 1})
        peer.close()

    def test_a_program_gets_the_processors_it_is_measured_with(self):
        child = "import json, os; input(); print(json.dumps(dict(ok=len(os.sched_getaffinity(0)))))"
        peer = programs.Peer("python", [sys.executable, "-c", child], processors=1)
        self.assertEqual(peer.ask("prepare"), {"ok": 1})
        peer.close()

    def test_only_what_is_measured_keeps_real_time_priority(self):
        child = "import json, os; input(); print(json.dumps(dict(ok=os.sched_getscheduler(0))))"
        script = f"""
import os, sys
sys.path.insert(0, {str(programs.PEERS)!r})
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except PermissionError:
    sys.exit("refused")
import programs
programs.wait_at_leisure()
peer = programs.Peer("python", [sys.executable, "-c", {child!r}])
print(os.sched_getscheduler(0) == os.SCHED_OTHER, peer.ask("prepare") == dict(ok=os.SCHED_FIFO))
peer.close()"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        if done.stderr == "refused\n":
            self.skipTest("real-time priority is refused here")
        self.assertEqual(done.stdout, "True True\n", done.stderr)


class Arguments(unittest.TestCase):
    def test_names_that_are_not_known_are_refused(self):
        for option, name, want in (("--only", "W9", "W1, W2"), ("--peers", "torhc", "torch, torch_compiled"), ("--rounds", "0", "at least 1")):
            done = subprocess.run([sys.executable, programs.PEERS.parent / "compare", option, name], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{option}: got {name}, want", done.stderr)
            self.assertIn(want, done.stderr)


if __name__ == "__main__":
    unittest.main()
