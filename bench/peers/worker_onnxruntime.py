"""ONNX Runtime: a model of one node, its input and output bound to the shared memory. It computes no gradients of these."""
import sys

try:
    import onnx
    import onnxruntime
    import worker
except ImportError as error:
    sys.exit(print("absent", error))

THREADS = int(sys.argv[1])
NODES = {"relu": ("Relu", {}), "leaky_relu": ("LeakyRelu", {"alpha": worker.LEAKY_SLOPE}),
         "elu": ("Elu", {"alpha": worker.ELU_ALPHA}), "prelu": ("PRelu", {})}
TYPES = {"f32": onnx.TensorProto.FLOAT, "f16": onnx.TensorProto.FLOAT16, "bf16": onnx.TensorProto.BFLOAT16,
         "f64": onnx.TensorProto.DOUBLE}


def model(case):
    kind, attributes = NODES[case.operation]
    of_slope = ["slope"] if case.operation == "prelu" else []
    node = onnx.helper.make_node(kind, ["x", *of_slope], ["y"], **attributes)
    info = onnx.helper.make_tensor_value_info
    type_of = TYPES[case.format]
    inputs = [info("x", type_of, case.dims), *(info(name, type_of, case.slope_dims) for name in of_slope)]
    graph = onnx.helper.make_graph([node], case.operation, inputs, [info("y", type_of, case.dims)])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)


def prepare(case, folder):
    if case.direction != "forward":
        raise worker.Unsupported("has no gradients")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = THREADS
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model(case).SerializeToString(), settings, ["CPUExecutionProvider"])
    x, _, slope, out = worker.tensors(case, folder)
    out[...] = 0
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, TYPES[case.format], x.shape, x.ctypes.data)
    if case.operation == "prelu":
        binding.bind_input("slope", "cpu", 0, TYPES[case.format], slope.shape, slope.ctypes.data)
    binding.bind_output("y", "cpu", 0, TYPES[case.format], out.shape, out.ctypes.data)
    kept = (x, slope, out)
    return lambda kept=kept: session.run_with_iobinding(binding), lambda: (out, None)


worker.serve("onnxruntime", onnxruntime.__version__, prepare)
