"""Runs the AWS emulator (MiniStack) and keeps its state on disk.

The emulator itself saves only when it is stopped. Here it saves while it runs too, so that one that was killed starts again with the state
of at most INTERVAL_SECONDS before. It ends when the process that started it is gone.
"""

import logging
import os
import signal
import threading
import time
import urllib.request

import emulator_maps
import emulator_streams
import uvloop
from foreign_pages import refusing_foreign_pages
from ministack import app
from ministack.core.persistence import save_all

INTERVAL_SECONDS = 15
# Saving stops the emulator's answers: it may take this part of the time at most.
LARGEST_SHARE = 0.05
POLL_SECONDS = 1
# Seconds since 1970 at which the last complete save began.
SAVED_AT = "saved-at"
# As long as the starting process waits (local/child.ts).
STOP_SECONDS = 8

logger = logging.getLogger("emulator-process")


def wait_until_ready(url: str) -> None:
    """Before it has loaded its state, saving would replace that by nothing."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)


def note_save(begun: float) -> None:
    """Each service has a file of its own, so a part of them may be older. This one tells from when all of them are at the earliest."""
    folder = os.environ["STATE_DIR"]
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, SAVED_AT)
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(str(begun))
    os.replace(f"{path}.new", path)


def save_regularly(url: str) -> None:
    wait_until_ready(url)
    while True:
        begun, started = time.time(), time.monotonic()
        save_all(app._build_persistence_save_dict())
        note_save(begun)
        took = time.monotonic() - started
        time.sleep(max(INTERVAL_SECONDS, took / LARGEST_SHARE))


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    # It waits for executions and connections under way, which nobody follows any more.
    time.sleep(STOP_SECONDS)
    os._exit(1)


def main() -> None:
    url = f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}/_ministack/ready"
    threading.Thread(target=save_regularly, args=(url,), daemon=True).start()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    uvloop.install()
    emulator_maps.install()
    emulator_streams.install()
    app.app = refusing_foreign_pages(app.app)
    app.main()


if __name__ == "__main__":
    main()
