"""Reports of the conformance harness: on a terminal, as JSON, JUnit XML and one HTML file."""
