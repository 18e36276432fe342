"""Keeps Python's garbage collector from searching the whole state of the emulator (MiniStack 1.5.33).

A collection of the oldest generation visits all objects in it, and no thread answers meanwhile: with 4 000 runs in the table it took 0.3 s.
Objects that survive one are therefore left out of the next ones. They are freed when nothing refers to them, except cycles: the state has
none, and of the requests only those in progress during a collection can leave some.
"""

import gc

OLDEST_GENERATION = 2


def leave_survivors_out(phase: str, info: dict) -> None:
    if phase == "stop" and info["generation"] == OLDEST_GENERATION:
        gc.freeze()


def install() -> None:
    gc.callbacks.append(leave_survivors_out)
