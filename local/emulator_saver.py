"""Saves the emulator's state from a forked copy of its process."""

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable

INTERVAL_SECONDS = 15
# Maximum share of the time for saving, which takes a processor.
LARGEST_SHARE = 0.05
# Limit of the first save. A copy never ends if it waits for a lock that a thread held during the fork.
FIRST_LIMIT_SECONDS = 20
# Largest limit. A table of 1 GB takes two minutes on a slow machine.
LONGEST_SAVE_SECONDS = 300
# Limit of a save, in multiples of the last one's duration.
LIMIT_FACTOR = 4
SAVE_POLL_SECONDS = 0.05
# First descriptor after standard input, output and error.
FIRST_INHERITED = 3
# Number of descriptors to close if the system has no limit.
MANY_DESCRIPTORS = 65536
# Niceness of the copy: answers of the emulator come first, and functions other than the API's (10) last.
BACKGROUND = 5
# Name of the file with the time at which the last complete save began, in seconds since 1970.
SAVED_AT = "saved-at"

logger = logging.getLogger("emulator-process")

States = dict[str, Callable[[], object]]


class SaveFailures(logging.Handler):
    """Whether the emulator logged an error of a save: it raises none."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.has_any = False

    def emit(self, record: logging.LogRecord) -> None:
        self.has_any = True


class Saver:
    """Saves in a copy of this process: answers do not wait, and the state does not change meanwhile."""

    def __init__(self, folder: str, build: Callable[[], States], save_all: Callable[[States], None]) -> None:
        self.folder = folder
        self.build = build
        self.save_all = save_all
        self.saving = threading.Lock()
        self.is_ending = False
        self.limit = FIRST_LIMIT_SECONDS

    def save(self) -> bool:
        """Returns whether the save is complete."""
        begun, parent = time.time(), os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns of locks that other threads hold, for which the copy would wait: see `wait`.
            warnings.simplefilter("ignore", DeprecationWarning)
            copy = os.fork()
        if copy != 0:
            return self.wait(copy)
        exit_code = 1
        try:
            exit_code = 0 if self.save_here(begun, parent) else 1
        except Exception:
            logger.exception("a save failed")
        finally:
            os._exit(exit_code)

    def save_here(self, begun: float, parent: int) -> bool:
        os.nice(BACKGROUND)
        # Sockets that stayed open here would outlive a process that is killed: its port, and requests that nobody answers.
        limit = os.sysconf("SC_OPEN_MAX")
        os.closerange(FIRST_INHERITED, limit if limit > 0 else MANY_DESCRIPTORS)
        failures = SaveFailures()
        logging.getLogger("persistence").addHandler(failures)
        for name, get_state in self.build().items():
            # The next process may have loaded this state already.
            if os.getppid() != parent:
                return False
            self.save_all({name: get_state})
        if failures.has_any or os.getppid() != parent:
            return False
        self.note_save(begun)
        return True

    def note_save(self, begun: float) -> None:
        """Records the start of a complete save: the file of each service is at least as new."""
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, SAVED_AT)
        with open(f"{path}.new", "w", encoding="ascii") as file:
            file.write(str(begun))
        os.replace(f"{path}.new", path)

    def wait(self, copy: int) -> bool:
        """Waits for the copy's end, and kills it at the limit. Returns whether it saved everything."""
        started = time.monotonic()
        while True:
            ended, status = os.waitpid(copy, os.WNOHANG)
            took = time.monotonic() - started
            if ended != 0:
                break
            if self.is_ending or took > self.limit:
                os.kill(copy, signal.SIGKILL)
                os.waitpid(copy, 0)
                logger.warning("a save was stopped after %.1f s, before its end", took)
                self.limit = min(2 * self.limit, LONGEST_SAVE_SECONDS)
                return False
            time.sleep(SAVE_POLL_SECONDS)
        exit_code = os.waitstatus_to_exitcode(status)
        if exit_code != 0:
            logger.error("a save failed: its process ended with exit code %d", exit_code)
            return False
        self.limit = min(max(FIRST_LIMIT_SECONDS, LIMIT_FACTOR * took), LONGEST_SAVE_SECONDS)
        return True

    def save_unless_ending(self) -> float:
        """Returns the seconds until the next save."""
        started = time.monotonic()
        with self.saving:
            # The emulator's own save may have begun while this one waited for the lock.
            if self.is_ending or not self.save():
                return INTERVAL_SECONDS
        return max(INTERVAL_SECONDS, (time.monotonic() - started) / LARGEST_SHARE)

    def build_at_end(self) -> States:
        """The emulator's own save, at its end, writes the same files."""
        self.is_ending = True
        with self.saving:
            return self.build()

    def save_regularly(self) -> None:
        while not self.is_ending:
            time.sleep(self.save_unless_ending())
