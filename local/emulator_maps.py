"""Makes a Distributed Map of the emulator (MiniStack 1.5.33) read its limit of concurrency from the state's input.

The emulator reads MaxConcurrency, a number, and ignores MaxConcurrencyPath: every map would run 64 concurrent children.
"""

from ministack.services import stepfunctions

run_distributed_map = stepfunctions._run_distributed_map


def with_concurrency(state_def: dict, raw_input: object, effective: object, *rest: object) -> object:
    path = state_def.get("MaxConcurrencyPath")
    if path is None:
        return run_distributed_map(state_def, raw_input, effective, *rest)
    limit = stepfunctions._resolve_path_or_ctx(path, effective, rest[-1])
    return run_distributed_map({**state_def, "MaxConcurrency": limit}, raw_input, effective, *rest)


def install() -> None:
    stepfunctions._run_distributed_map = with_concurrency
