"""Control in a made-up world, where the truth is known.

::

    world       traffic by difficulty, two tiers, and people who judge
    scenarios   what happens to a world: harder traffic, a model that degrades, prices, outages, weekends …
    run         the closed loop: a window, a judgement, a move
    oracle      the best that anybody could do with the same labels
    report      how soon objectives hold again, how far from the best, how often control was wrong
"""
