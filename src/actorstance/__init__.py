"""actorstance: who stands where on whom, from the raw page to a number."""

__version__ = "0.1.0"
