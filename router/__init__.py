"""smallfirst: easy requests to a small fine-tuned model, hard ones to a large one, and a line between them that learns."""

__version__ = "0.1.0"
