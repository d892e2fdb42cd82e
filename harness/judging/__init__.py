"""Recorded traffic judged by the rules, with no case running (docs/conformance.md)."""
