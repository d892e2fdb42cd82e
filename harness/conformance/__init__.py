"""The conformance harness: cases that any implementation can be led through, and their results."""
