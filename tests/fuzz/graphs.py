"""Mutations of an exported SavedModel: what an attacker could put into its graph, its object graph and its files."""

import os

import mutators
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

raw = tf.raw_ops
PATHS = ("file:///", "/etc/passwd", "../../../etc/passwd", "gs://bucket/x", "http://localhost:9/x")
# Operations that read, write, send or run code; a node's operation is exchanged for one of them.
_ACTING = """
ReadFile WriteFile RestoreV2 Restore RestoreSlice SaveV2 Save SaveSlices PyFunc EagerPyFunc PyFuncStateless PrintV2
Print MergeV2Checkpoints InitializeTableFromTextFileV2 InitializeTableFromTextFile InitializeTableFromDataset
MatchingFiles LoadAndRemapMatrix DebugIdentity DebugIdentityV2 DebugIdentityV3 TextLineDataset TFRecordDatasetV2
SaveDatasetV2 LoadDataset CacheDatasetV2 SnapshotDatasetV2 FixedLengthRecordDatasetV2 RegisterDatasetV2
DataServiceDatasetV4 IteratorV2 OneShotIterator WholeFileReaderV2 TFRecordReaderV2 TextLineReaderV2 ReaderReadV2
CreateSummaryFileWriter WriteSummary WriteGraphSummary CreateSummaryDbWriter RemoteCall _Send _Recv CollectiveReduceV2
ConfigureDistributedTPU ShardedFilename ShardedFilespec GenerateVocabRemapping LmdbDataset SqlDataset
TfLiteSubgraphExecute XlaLaunch SymbolicGradient Unknown
"""


def bodies(path):
    """Functions that reach outside at `path`, each as an eager TensorFlow function of a string."""

    def write(x):
        raw.WriteFile(filename=path, contents=x)

    def save(x):
        raw.SaveV2(prefix=path, tensor_names=["a"], shape_and_slices=[""], tensors=[x])

    def merge(x):
        del x
        raw.MergeV2Checkpoints(checkpoint_prefixes=[path], destination_prefix=path, delete_old_dirs=True)

    def restore(x):
        del x
        raw.RestoreV2(prefix=path, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])

    def read(x):
        del x
        raw.ReadFile(filename=path)

    def show(x):
        raw.PrintV2(input=x, output_stream=f"file://{path}")

    def match(x):
        del x
        raw.MatchingFiles(pattern=f"{path}*")

    def table(x):
        del x
        handle = raw.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string, shared_name="t")
        raw.InitializeTableFromTextFileV2(
            table_handle=handle, filename=path, key_index=-1, value_index=-2, vocab_size=-1, delimiter="\t"
        )

    def summary(x):
        del x
        writer = raw.SummaryWriter(shared_name="w")
        raw.CreateSummaryFileWriter(
            writer=writer, logdir=path, max_queue=1, flush_millis=1, filename_suffix=".x", name="s"
        )

    def debug(x):
        raw.DebugIdentityV2(input=x, debug_urls=[f"file://{path}", "grpc://localhost:9"], op_name="x")

    def lines(x):
        del x
        raw.TextLineDataset(filenames=[path], compression_type="", buffer_size=0)

    return (write, save, merge, restore, read, show, match, table, summary, debug, lines)


def evil_function(random, meta, path):
    """Add a function that reaches outside; its name may be one that the saver's functions have. Returns its name."""
    body = random.choice(bodies(path))

    def run(x):
        body(x)
        return tf.identity(x)

    compiled = tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec([], tf.string))
    added = meta.graph_def.library.function.add()
    added.CopyFrom(compiled.function_def)
    added.signature.name = random.choice(
        ("__inference__traced_save_99", "__inference__traced_restore_99", "__inference_serve_99", "x")
    )
    added.signature.is_stateful = True
    act = [node.name for node in added.node_def if node.op not in ("Const", "Identity", "NoOp")][-1]
    added.control_ret["act"] = act
    added.signature.control_output.append("act")
    return added.signature.name


def call(nodes, name, source):
    """Add a node that calls a function of a string."""
    node = nodes.add(name="evil_call", op="StatefulPartitionedCall")
    node.input.append(source)
    node.attr["Tin"].list.type.append(tf.string.as_datatype_enum)
    node.attr["Tout"].list.type.append(tf.string.as_datatype_enum)
    node.attr["f"].func.name = name
    return node


def restore_by(random, meta, path):
    name = evil_function(random, meta, path)
    call(meta.graph_def.node, name, meta.saver_def.filename_tensor_name.split(":")[0])
    meta.saver_def.restore_op_name = "evil_call"
    if random.random() < 0.7:
        meta.ClearField("object_graph_def")


def offered(random, meta, path):
    """The function is what the object graph calls: as a signature, a method or an initializer."""
    name = evil_function(random, meta, path)
    graph = meta.object_graph_def
    if random.random() < 0.5:
        graph.concrete_functions[name].SetInParent()
    kind = random.choice(("bare_concrete_function", "function"))
    items = [item for item in graph.nodes if item.HasField(kind)]
    item = random.choice(items)
    if kind == "function":
        item.function.concrete_functions[0] = name
    else:
        item.bare_concrete_function.concrete_function_name = name


def called_inside(random, meta, path):
    name = evil_function(random, meta, path)
    function = random.choice([f for f in meta.graph_def.library.function if f.signature.name != name])
    constant = function.node_def.add(name="evil_input", op="Const")
    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("x"))
    constant.attr["dtype"].type = tf.string.as_datatype_enum
    call(function.node_def, name, "evil_input:output:0")
    function.control_ret["evil"] = "evil_call"
    function.signature.control_output.append("evil")


def exchanged(random, meta, path):
    """TensorFlow's optimizer may call one function in place of another with the same interface."""
    name = evil_function(random, meta, path)
    for function in meta.graph_def.library.function:
        if function.signature.name == name or random.random() < 0.3:
            function.attr["api_implements"].s = b"x"
            function.attr["api_preferred_device"].s = b"CPU"


def gradient(random, meta, path):
    name = evil_function(random, meta, path)
    function = random.choice(meta.graph_def.library.function)
    meta.graph_def.library.gradient.add(function_name=function.signature.name, gradient_func=name)


def nested(random, meta, path):
    name = evil_function(random, meta, path)
    node = random.choice([node for node in nodes(meta) if node.attr["f"].func.name])
    node.attr["f"].func.attr["g"].func.name = name


def nodes(meta):
    found = [*meta.graph_def.node]
    return found + [node for function in meta.graph_def.library.function for node in function.node_def]


def operation(random, meta, path):
    del path
    random.choice(nodes(meta)).op = random.choice(_ACTING.split())


def text(random, meta, path):
    """Replace a text constant by a path."""
    constants = [node for node in nodes(meta) if node.op == "Const" and node.attr["value"].tensor.string_val]
    values = random.choice(constants).attr["value"].tensor.string_val
    values[random.randrange(len(values))] = random.choice((path, *PATHS)).encode()


def saver(random, meta, path):
    del path
    field = random.choice(("restore_op_name", "save_tensor_name", "filename_tensor_name"))
    name = random.choice(meta.graph_def.node).name
    setattr(meta.saver_def, field, name if field == "restore_op_name" else f"{name}:0")


def object_graph(random, meta, path):
    """Change a node of the object graph, or its place."""
    graph = meta.object_graph_def
    item, other = random.choice(graph.nodes), random.choice(graph.nodes)
    kind = random.choice(("clear", "swap", "saver", "registered", "child", "bound", "device", "asset"))
    if kind == "clear":
        item.Clear()
    elif kind == "swap":
        item.CopyFrom(other)
    elif kind == "saver":
        item.saveable_objects["x"].save_function = item.saveable_objects["x"].restore_function = 1
    elif kind == "registered":
        item.registered_saver = path
    elif kind == "child" and item.children:
        random.choice(item.children).node_id = random.randrange(len(graph.nodes) + 1)
    elif kind == "bound" and graph.concrete_functions:
        function = graph.concrete_functions[random.choice(sorted(graph.concrete_functions))]
        function.bound_inputs[:] = [random.randrange(len(graph.nodes)) for _ in function.bound_inputs]
    elif kind == "device":
        item.resource.device = "/job:worker/task:0"
    else:
        item.asset.asset_file_def_index = random.choice((0, 1, 2**30))


def assets(random, meta, path):
    for asset in meta.asset_file_def:
        asset.filename = random.choice((path, path.strip("/"), f"../..{path}", *PATHS, "", "..", "a/../../../x"))


def signatures(random, meta, path):
    del path
    item = meta.signature_def[random.choice(sorted(meta.signature_def))]
    tensors = random.choice((item.inputs, item.outputs))
    for tensor in tensors.values():
        tensor.name = f"{random.choice(meta.graph_def.node).name}:0"


def collections(random, meta, path):
    del path
    key = random.choice(("legacy_init_op", "saved_model_main_op", "saved_model_assets", "queue_runners"))
    meta.collection_def[key].node_list.value.append(random.choice(meta.graph_def.node).name)


def functions(random, meta, path):
    """Rename, remove or exchange functions, or reconnect what calls them."""
    del path
    library = meta.graph_def.library.function
    one, other = random.choice(library), random.choice(library)
    kind = random.choice(("rename", "remove", "exchange", "rewire", "rewire"))
    if kind == "rename":
        one.signature.name = random.choice(("__inference__traced_save_1", "__inference__traced_restore_1", "Abs", "x"))
    elif kind == "remove":
        library.remove(one)
    elif kind == "exchange":
        one.signature.name, other.signature.name = other.signature.name, one.signature.name
    else:
        calls = [node for node in nodes(meta) if node.attr["f"].func.name]
        random.choice(calls).attr["f"].func.name = one.signature.name


def wires(random, meta, path):
    del path
    node = random.choice([node for node in nodes(meta) if node.input])
    node.input[random.randrange(len(node.input))] = random.choice(random.choice(nodes(meta)).input or [""])


def device(random, meta, path):
    del path
    random.choice(nodes(meta)).device = random.choice(("/job:worker/task:0", "/device:GPU:9", "/job:localhost/task:5"))


GRAPHS = (
    *(restore_by, offered, offered, called_inside, exchanged, gradient, nested, operation, operation, text, saver),
    *(object_graph, object_graph, assets, signatures, collections, functions, functions, wires, device),
)


def variables_file(random, folder, path):
    """A variables file is a link, a pipe, or changed."""
    file = random.choice(sorted((folder / "variables").iterdir()))
    kind = random.choice(("link", "pipe", "bytes", "bytes", "bytes"))
    content = file.read_bytes()
    file.unlink()
    if kind == "link":
        file.symlink_to(path)
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.write_bytes(mutators.change_bytes(random, content))


def other_file(random, folder, path):
    """A fingerprint, another graph, debugging information, a link among the assets."""
    kind = random.choice(("fingerprint.pb", "saved_model.cpb", "saved_model.pbtxt", "debug/x.pb", "asset", "keras"))
    if kind == "asset":
        (folder / "assets").mkdir(exist_ok=True)
        (folder / "assets" / "names.txt").symlink_to(path)
    elif kind == "keras":
        (folder / "keras_metadata.pb").write_bytes(random.randbytes(100))
    else:
        (folder / kind).parent.mkdir(exist_ok=True)
        (folder / kind).write_bytes(random.choice((random.randbytes(100), (folder / "saved_model.pb").read_bytes())))


def graph_bytes(random, folder, path):
    del path
    file = folder / "saved_model.pb"
    file.write_bytes(mutators.change_bytes(random, file.read_bytes()))


# Ways that must be refused whatever they change.
ALWAYS_REFUSED = ("restore_by", "offered", "called_inside", "exchanged", "gradient", "nested")
FILES = (variables_file, other_file, graph_bytes)


def mutate(random, folder, path):
    """Change a copy of an export in one way, so that it might reach `path`; returns the name of the way."""
    way = random.choice((*GRAPHS, *FILES))
    if way in FILES:
        way(random, folder, path)
        return way.__name__
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    way(random, model.meta_graphs[0], path)
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return way.__name__
