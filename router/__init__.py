"""smallfirst: easy requests to a small fine-tuned model, hard ones to a large one, the line between them learnt."""

__version__ = "0.1.0"
