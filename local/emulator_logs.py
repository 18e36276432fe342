"""Logs and metrics of functions in the emulator (MiniStack 1.5.33), bounded for a process that runs for days.

The emulator keeps a stream and four metrics for each call of a function, forever: about 100 KB for each run.
"""

from ministack.services import cloudwatch_logs, lambda_svc

# Number of streams that are kept of a log group. Each call of a function has a stream.
MOST_CALLS = 1000
# Number of calls after which logs are removed, since finding the oldest takes longer than a call.
CALLS_AT_ONCE = 100

emit_logs = lambda_svc._emit_lambda_logs


def group_of(function: dict) -> str:
    config = function.get("config") or function
    return (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName', 'unknown')}"


def emit_and_forget(function: dict, *rest: object, **options: object) -> None:
    emit_logs(function, *rest, **options)
    streams = cloudwatch_logs._log_groups.get(group_of(function), {}).get("streams", {})
    if len(streams) < MOST_CALLS + CALLS_AT_ONCE:
        return
    # A copy, because other threads add streams meanwhile.
    for name in list(streams)[:-MOST_CALLS]:
        streams.pop(name, None)


def emit_no_metrics(*_: object, **__: object) -> None:
    """No part of the local stack reads the metrics of functions."""


def install() -> None:
    lambda_svc._emit_lambda_logs = emit_and_forget
    lambda_svc._emit_lambda_metrics = emit_no_metrics
