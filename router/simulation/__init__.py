"""Control in a made-up world, where the truth is known.

::

    world       traffic by difficulty, two tiers, and people who judge
"""
