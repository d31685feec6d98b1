"""run.py FOLDER: the networks that oracle_onnx_written wrote, by the checker of ONNX and by ONNX Runtime.

Prints each difference beyond a few roundings, and what the runtime has no kernel for (of f64, mostly), and
ends with 1 if there was a difference.
"""

import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper
import onnxruntime


def tensors(folder, kind):
    found = {}
    for path in sorted(folder.glob(kind + ".*")):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(path.read_bytes())
        found[tensor.name] = onnx.numpy_helper.to_array(tensor)
    return found


def difference(got, want):
    """The greatest one, in roundings of the greatest element."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{list(got.shape)} for {want.dtype}{list(want.shape)}"
    if not numpy.issubdtype(want.dtype, numpy.floating):
        return 0 if numpy.array_equal(got, want) else numpy.inf
    if not numpy.array_equal(numpy.isnan(got), numpy.isnan(want)):
        return "NaN elsewhere"
    same = (got == want) | numpy.isnan(want)
    if same.all():
        return 0
    scale = max(1, numpy.abs(want[numpy.isfinite(want)]).max(initial=0))
    return float(numpy.abs(got - want)[~same].max() / scale / numpy.finfo(want.dtype).eps)


def run(folder):
    path = folder / "model.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    want = tensors(folder, "output")
    got = session.run(list(want), tensors(folder, "input"))
    return [difference(g, w) for g, w in zip(got, want.values())]


def main():
    onnxruntime.set_default_logger_severity(4)
    worst, unknown, wrong, count = 0, [], 0, 0
    for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        count += 1
        try:
            differences = run(folder)
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
            unknown.append(f"{folder.name}: {str(error).splitlines()[0]}")
            continue
        except Exception as error:  # whatever the checker or the runtime says is a failure of ours
            print(f"{folder.name}: {error}")
            wrong += 1
            continue
        bad = [d for d in differences if isinstance(d, str) or d > 16]
        if bad:
            print(f"{folder.name}: {bad}")
            wrong += 1
        worst = max([worst, *(d for d in differences if not isinstance(d, str))])
    for line in unknown:
        print("not run,", line)
    print(f"{count} networks, {len(unknown)} of them without a kernel; greatest difference {worst:.1f} eps")
    return 1 if wrong else 0


sys.exit(main())
