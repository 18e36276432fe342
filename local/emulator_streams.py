"""Streams and buses of the emulator (MiniStack 1.5.33), changed for a process that runs for days and is restarted.

The emulator keeps records of streams for a day, and all events of buses forever: about 5 KB for each change. It saves the positions of
readers, but not the records: after a restart, a reader would wait until there are as many new records as it had read before.
"""

from collections import deque

from ministack.services import dynamodb, eventbridge, lambda_svc

MOST_EVENTS = 100

restore_state = lambda_svc._restore_state
poll_streams = lambda_svc._poll_dynamodb_streams
events_log = deque(maxlen=MOST_EVENTS)


def restore_without_positions(data: dict | None) -> None:
    restore_state({**data, "dynamodb_stream_positions": {}} if data else data)


def positions_of_readers() -> dict[tuple[str, str, str], int]:
    """Lowest position of the mappings that read a table, by account, region and table."""
    positions = {}
    for (account, region, mapping_id), position in list(lambda_svc._dynamodb_stream_positions.all_items()):
        mapping = lambda_svc._esms.get_scoped(account, region, mapping_id)
        if mapping is None:
            continue
        table = mapping["EventSourceArn"].split("/stream/")[0].split("/")[-1]
        key = (account, region, table)
        positions[key] = min(position, positions.get(key, position))
    return positions


def poll_and_forget() -> bool:
    """Polls, then drops records that all mappings have read. Those of tables without mappings stay, for GetRecords."""
    has_processed = poll_streams()
    for key, position in positions_of_readers().items():
        records = dynamodb._stream_records.get_scoped(*key)
        read = position - dynamodb._stream_trimmed.get_scoped(*key, 0)
        if records and read > 0:
            # Writers may append to the same list meanwhile.
            del records[:read]
            dynamodb._stream_trimmed.set_scoped(*key, position)
    return has_processed


def install() -> None:
    lambda_svc._restore_state = restore_without_positions
    lambda_svc._poll_dynamodb_streams = poll_and_forget
    eventbridge._events_log_list = lambda: events_log
