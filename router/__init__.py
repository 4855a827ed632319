"""smallfirst: easy requests to a small fine-tuned model, hard ones to a large one, and thresholds that learn the line."""

__version__ = "0.1.0"
