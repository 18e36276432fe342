"""Makes functions of the emulator (MiniStack 1.5.33), other than that of the API, yield to it.

All functions run as processes of this machine. While hundreds of runs proceed, dozens of them would make a response of the API wait.
"""

import subprocess

from ministack.core import lambda_runtime

# Niceness: a process gets about a tenth of the time that one without it gets.
BACKGROUND = "10"
# Part of the API function's name.
API = "-ApiFunction"


class FunctionProcess(subprocess.Popen):
    def __init__(self, command: list[str], **options) -> None:
        name = options["env"].get("AWS_LAMBDA_FUNCTION_NAME", "")
        super().__init__(command if API in name else ["nice", "-n", BACKGROUND, *command], **options)


class SubprocessWithPriorities:
    """The module `subprocess`, as the emulator uses it to start functions."""

    Popen = FunctionProcess

    def __getattr__(self, name: str) -> object:
        return getattr(subprocess, name)


def install() -> None:
    lambda_runtime.subprocess = SubprocessWithPriorities()
