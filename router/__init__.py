"""smallfirst: easy requests to a small fine-tuned model, hard ones to a large prompted one, and thresholds that learn where the line is."""

__version__ = "0.1.0"
