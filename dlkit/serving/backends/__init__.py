"""The runtimes that compute answers: TensorFlow, ONNX Runtime and LiteRT. Only those that models need are imported."""
