"""dlkit turns a YAML recipe into a trained, evaluated, deployable Keras model, with proof."""

__version__ = "0.1.0"
