"""Runs the engine of LocalStack on the loopback only, on Python 3.13 or newer.

It ends when the process that started it is gone.
"""

import functools
import os
import signal
import threading
import time

from twisted.internet import endpoints

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 1


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    # LocalStack's server takes no notice of the host in GATEWAY_LISTEN (runtime/server/twisted.py: "TODO: interface = host?").
    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface=LOOPBACK)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()

    from localstack.runtime import main as runtime

    runtime.main()


if __name__ == "__main__":
    main()
