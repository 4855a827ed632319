"""A start looks for no garbage among what it imports, and for garbage as ever once it is there."""

import subprocess
import sys


def test_what_was_imported_is_not_looked_through_again() -> None:
    told = """
import gc
looked = []
gc.callbacks.append(lambda phase, _: looked.append(phase))
import router.cli
print(len(looked) < 10, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "True", "True"]
