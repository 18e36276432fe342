"""Streams and buses of the emulator (MiniStack 1.5.33) in a process that lives for days and is started again.

It keeps records of streams for a day and all events of buses for ever. It saves the positions of readers, but not the records: after a
start, a reader would wait until as many new records are there as it had read before.
"""

from collections import deque

from ministack.services import dynamodb, eventbridge, lambda_svc

RETENTION_SECONDS = 600
MOST_EVENTS = 100

restore_state = lambda_svc._restore_state
events_log = deque(maxlen=MOST_EVENTS)


def restore_without_positions(data: dict | None) -> None:
    restore_state({**data, "dynamodb_stream_positions": {}} if data else data)


def install() -> None:
    dynamodb._STREAM_RETENTION_SECONDS = RETENTION_SECONDS
    lambda_svc._restore_state = restore_without_positions
    eventbridge._events_log_list = lambda: events_log
