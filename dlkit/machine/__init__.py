"""What the machine offers, starting TensorFlow on it, and how a process is stopped."""
