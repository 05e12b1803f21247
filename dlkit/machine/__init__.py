"""Query the machine, start TensorFlow, and handle requests to stop a process."""
