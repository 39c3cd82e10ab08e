"""What a finished grid says: `runs/` -> one tidy frame -> matrices, correlations, figures, a report.

    import analysis
    frame = analysis.load("runs/")

    python -m analysis report runs/ --out reports/demo

Pure functions on pandas frames. Needs no torch and no model: a laptop with only the `runs/` folder is enough.
"""

from analysis.load import load

__all__ = ["load"]
