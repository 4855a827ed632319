"""From outcomes to a model, to figures about it, to a threshold with a guarantee.

Offline: may use scikit-learn and matplotlib.
"""
