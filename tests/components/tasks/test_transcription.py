"""A small network on recordings of tones: trained, stopped and resumed, evaluated, exported, and asked for text."""

import csv
import shutil

import numpy as np
import pytest
import soundfile

from dlkit.components.tasks.transcription import Transcription
from dlkit.errors import InputError
from dlkit.evaluation.evaluate import evaluate
from dlkit.evaluation.predict import predict
from dlkit.export.export import export
from dlkit.interfaces.data import ArraySpec, Description, Split
from dlkit.interfaces.ragged import Ragged
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.runs.answers import read_answers

RECIPE = """
recipe: 1
name: tones
task: transcription
data:
  source: {{audio_folder: {{directory: {folder}, sampling_rate: 4000, alphabet: ab, test_fraction: 0.25}}}}
  validation: {{fraction: 0.25, seed: 0}}
  augment:
    - time_shift: {{samples: 20}}
    - gain
    - noise
    - spec_augment: {{frequencies: 2}}
  preprocess:
    - Reshape: {{target_shape: [-1, 1]}}
    - STFTSpectrogram: {{mode: psd, frame_length: 64, frame_step: 40}}
    - LogMel: {{sampling_rate: 4000, num_mel_bins: 8, lowest: 100}}
    - Normalization: {{axis: -1}}
model:
  deepspeech: {{units: 6, dropout: 0.1}}
training: {{batch_size: 4, epochs: 1, seed: 0, optimizer: {{Adam: {{learning_rate: 0.01}}}}}}
"""


def tones(text, take):
    """A recording in which every letter is a tone of its own height, with pauses of random lengths."""
    draws = np.random.default_rng([take, *text.encode()])
    parts = []
    for letter in text:
        time = np.arange(300) / 4000
        parts += [0.3 * np.sin(2 * np.pi * {"a": 400, "b": 1100}[letter] * time), np.zeros(draws.integers(60, 160))]
    sound = np.concatenate(parts)
    return np.round((sound + draws.normal(0, 0.002, len(sound))) * 2**15) / 2**15


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    for text in ("a", "b", "ab", "ba"):
        for take in range(5):
            (folder / text).mkdir(exist_ok=True)
            soundfile.write(folder / text / f"{take}.wav", tones(text, take), 4000)
    return folder


@pytest.fixture(scope="module")
def recipe(sounds, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tones.yaml"
    path.write_text(RECIPE.format(folder=sounds))
    return path


@pytest.fixture(scope="module")
def run(recipe, places, silent):
    from dlkit.training.run import train_recipe

    return train_recipe(load_recipe(str(recipe)), places / "tones", silent()).run


def test_evaluation_counts_edits_over_all_letters_and_lists_the_worst_first(run, drawn):
    trained = open_run(run)
    found = evaluate(trained, "test")
    with (run.path / "per_recording_test.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    edits = [int(row["edits"]) for row in rows]
    assert edits == sorted(edits, reverse=True)
    assert found["label_error_rate"] == pytest.approx(sum(edits) / sum(len(row["truth"]) for row in rows))
    assert found["exact_match"] == pytest.approx(np.mean([row["truth"] == row["text"] for row in rows]))
    assert (run.path / "figures" / "transcripts_test.png").stat().st_size > 5_000
    answers, _ = read_answers(run, "test")
    assert answers["error"].tolist() == [
        int(row["edits"]) for row in sorted(rows, key=lambda row: int(row["recording"]))
    ]


def test_a_stopped_training_continues_bit_for_bit_with_augmentation(run, recipe, places, stopped, silent):
    from dlkit.model.digest import weights_digest
    from dlkit.training.request import TrainingRequest
    from dlkit.training.run import train

    unfinished = stopped(load_recipe(str(recipe)), places / "stopped_tones", silent(), 2)
    request = TrainingRequest(str(recipe), root=places / "stopped_tones", resume=True)
    again = train(request.resolve(), silent()).run
    assert again.path == unfinished.path
    first, second = (weights_digest(open_run(one).built.network.variables) for one in (run, again))
    assert first == second


def test_a_recording_alone_and_in_a_batch_has_the_same_text_and_log_probabilities(run, sounds):
    trained = open_run(run)
    files = sorted(sounds.glob("*/0.wav"))
    together = predict(trained, files)
    assert [sorted(one) for one in together] == [["confidence", "input", "text"]] * 4
    for file, one in zip(files, together, strict=True):
        (alone,) = predict(trained, [file])
        assert alone["text"] == one["text"]
        assert alone["confidence"] == pytest.approx(one["confidence"], rel=1e-5)
    batch = Ragged.of([soundfile.read(file, dtype="float32")[0] for file in files])
    whole = np.asarray(trained.built.predict_raw(batch[:])["log_probabilities"])
    for row in range(4):
        alone = np.asarray(trained.built.predict_raw(batch[np.array([row])])["log_probabilities"])[0]
        np.testing.assert_allclose(whole[row, : len(alone)], alone, atol=1e-5)


def test_an_export_takes_samples_and_wav_bytes_and_gives_text(run, sounds, places, reload_here):
    import tensorflow as tf

    trained = open_run(run)
    folder, certificate = export(trained, "saved_model", places / "tones_export")
    assert certificate["passed"]
    one = "samples of one length"
    assert set(certificate["checks"]) == {f"serving_default on {kind}" for kind in ("samples", one)} | {
        f"serve_encoded on {one}"
    }
    assert certificate["label_agreement"] == 1
    served = tf.saved_model.load(str(folder)).signatures
    files = sorted(sounds.glob("*/1.wav"))
    wanted = predict(trained, files)
    found = served["serve_encoded"](encoded=tf.constant([file.read_bytes() for file in files]))
    assert [text.decode() for text in found["text"].numpy()] == [one["text"] for one in wanted]
    np.testing.assert_allclose(found["confidence"], [one["confidence"] for one in wanted], rtol=1e-4)
    samples, rate = soundfile.read(files[0], dtype="float32")
    raw = served["serving_default"](inputs=tf.constant(samples[np.newaxis]))
    assert raw["text"].numpy()[0].decode() == wanted[0]["text"]
    flac, fast = places / "a.flac", places / "fast.wav"
    soundfile.write(flac, samples, rate)
    soundfile.write(fast, samples, 8000)
    for path, words in ((flac, "is FLAC, which this model does not decode"), (fast, "4000 samples per second")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            served["serve_encoded"](encoded=tf.constant([path.read_bytes()]))


def test_predict_reads_folders_and_refuses_what_is_no_recording_or_too_short(run, sounds, tmp_path):
    trained = open_run(run)
    assert len(predict(trained, [sounds / "ab"])) == 5
    soundfile.write(tmp_path / "short.wav", tones("a", 0)[:50], 4000)
    with pytest.raises(InputError, match=r"short\.wav is too short: its 50 samples give no frame"):
        predict(trained, [tmp_path / "short.wav"])
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"a\.png is an image, but this model takes recordings"):
        predict(trained, [tmp_path / "a.png"])


def test_a_recording_that_is_too_short_for_its_transcript_is_named(recipe, sounds, tmp_path, places, silent):
    from dlkit.training.run import train_recipe

    folder = tmp_path / "tones"
    shutil.copytree(sounds, folder)
    (folder / "aabb").mkdir()
    for take in range(12):
        soundfile.write(folder / "aabb" / f"{take}.wav", tones("a", take)[:250], 4000)
    loaded = load_recipe(str(recipe), [f"data.source.audio_folder.directory={folder}"])
    with pytest.raises(InputError, match=r"aabb/\d+\.wav is too short: its 250 samples give 5 frames, but .* needs 6"):
        train_recipe(loaded, places / "short_tones", silent())


def test_frames_are_needed_for_letters_and_between_equal_neighbours():
    lengths = {"frames": 6}

    def outputs_of(raw):
        return np.zeros((1, lengths["frames"], 3))

    letters = Ragged.of([np.array([0, 0, 1, 1], np.int32)], padding=-1)
    split = Split(Ragged.of([np.zeros(10, "float32")]), letters)
    Transcription().check_examples(split, "train", outputs_of)
    lengths["frames"] = 5
    with pytest.raises(InputError, match=r"train\[0\] is too short: its 10 samples give 5 frames"):
        Transcription().check_examples(split, "train", outputs_of)


def test_other_data_and_other_heads_are_refused():
    with pytest.raises(InputError, match="needs a transcript for every recording"):
        Transcription().target_spec(Description(ArraySpec((None,), "float32"), ArraySpec((), "int64"), ("a", "b")))
