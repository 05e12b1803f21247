"""Export a tiny run of many recipes in every format: python benchmarks/format_table.py DATA [RECIPE...]

DATA has isbi2012/, hymenoptera/ and rt-polarity/, and weights/ with MobileNetV2's; MNIST and CIFAR-10 are those of
TFDS_DATA_DIR. The runs are trained for one epoch on a few examples: only equality counts here, not the metric.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = ["data.limit=240", "data.validation={fraction: 0.2, seed: 0}", "training.epochs=1"]


def recipes(data):
    """The settings of every recipe."""
    weights = next(iter(sorted((data / "weights").rglob("mobilenet_v2*notop*.h5"))), None)
    photos = [
        f"data.source.image_folder.directory={data / 'hymenoptera'}",
        f"model.pretrained.weights={weights or 'null'}",
        "training.phases=[{epochs: 1, trainable: [head]}]",
    ]
    masks = [f"data.source.image_mask_folder.directory={data / 'isbi2012' / 'train'}", "data.patch.per_image=1"]
    plain = dict.fromkeys(["digits_mlp", "mnist_cnn", "cifar_cnn_fast", "ae_conv", "vae", "wine_csv"], LIMIT)
    texts = [f"data.source.text_lines.directory={data / 'rt-polarity'}", *LIMIT]
    reviews = dict.fromkeys(["reviews_bow", "reviews_cnn", "reviews_lstm"], texts)
    sequences = dict.fromkeys(["lstm_sine", "mnist_rows_lstm", "rnn_adder"], LIMIT)
    return plain | sequences | reviews | {"mobilenet_photos": photos + LIMIT, "unet": [*masks, "training.epochs=1"]}


def dlkit(*words):
    """The JSON that a verb prints."""
    done = subprocess.run([sys.executable, "-m", "dlkit", *words, "--json"], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"message": done.stderr.strip()[-300:]}


def cell(row):
    """What a format's row says, in a few words."""
    certificate = row["certificate"]
    if certificate is None:
        return f"{row['status']}: {row['reason']}"
    agreement, difference = certificate["label_agreement"], certificate["largest_absolute_difference"]
    labels = "" if agreement is None else f", labels {agreement:.3f}"
    at = f" at {row['certificate']['diverges']}" if row["status"] == "differs" else ""
    return f"{row['status']}, {difference}{labels}, from {certificate['starts_at']}{at}"


def main(data, *chosen):
    """Train, export and print; one line per recipe and format."""
    with tempfile.TemporaryDirectory() as runs:
        for name, settings in recipes(Path(data)).items():
            if chosen and name not in chosen:
                continue
            words = [word for text in [*settings, "expect={}"] for word in ("--set", text)]
            trained = dlkit("train", name, "--runs-dir", runs, *words)
            if "run" not in trained:
                print(f"{name}: {trained['message']}", flush=True)
                continue
            found = dlkit("export", trained["run"], "--format", "all", "--rounds", "0", "--examples", "32")
            for row in found.get("formats", []):
                print(f"{name:18} {row['format']:15} {cell(row)}", flush=True)
            if "formats" not in found:
                print(f"{name}: {found['message']}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
