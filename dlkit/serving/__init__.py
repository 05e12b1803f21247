"""Serve exported models over HTTP: TensorFlow Serving's REST API, the Open Inference Protocol, and a page."""
