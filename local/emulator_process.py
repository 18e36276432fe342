"""Runs the AWS emulator (MiniStack) and keeps its state on disk.

The emulator itself saves only when it is stopped. This program also saves while it runs, so that after a kill it restarts with a state
of the last complete save. Saves begin every 15 seconds; those of a large state are rarer, and take at most 5 % of the time
(emulator_saver.py). It ends when the process that started it has ended.
"""

import os
import signal
import threading
import time
import urllib.request

import emulator_garbage
import emulator_logs
import emulator_maps
import emulator_priorities
import emulator_streams
import uvloop
from emulator_saver import Saver
from foreign_pages import refusing_foreign_pages
from ministack import app
from ministack.core.persistence import save_all

POLL_SECONDS = 1
# Time limit of the end, like that of the starting process (local/child.ts).
STOP_SECONDS = 8


def wait_until_ready(url: str) -> None:
    """Waits until the emulator has loaded its state: saving before would replace it with an empty one."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)


def save_regularly(saver: Saver, url: str) -> None:
    wait_until_ready(url)
    saver.save_regularly()


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    # The emulator waits for executions and connections in progress, which no client uses any more.
    time.sleep(STOP_SECONDS)
    os._exit(1)


def main() -> None:
    url = f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}/_ministack/ready"
    saver = Saver(os.environ["STATE_DIR"], app._build_persistence_save_dict, save_all)
    app._build_persistence_save_dict = saver.build_at_end
    threading.Thread(target=save_regularly, args=(saver, url), daemon=True).start()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    uvloop.install()
    emulator_garbage.install()
    emulator_logs.install()
    emulator_maps.install()
    emulator_priorities.install()
    emulator_streams.install()
    app.app = refusing_foreign_pages(app.app)
    app.main()


if __name__ == "__main__":
    main()
