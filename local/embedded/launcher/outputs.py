"""Standard output and error of a container."""
import os

_SPLICED_BYTES = 1024 * 1024


def start_relay(target):
    """
    Starts a process that forwards a pipe's content to a descriptor of the launcher, at the reader's pace. The launcher's own
    descriptors are sockets, which no program can open as /dev/stdout. @returns the process and the pipe's other end
    """
    source, output = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(output)
        try:
            while os.splice(source, target, _SPLICED_BYTES):
                pass
        finally:
            os._exit(0)  # the container or the reader has ended
    os.close(source)
    return process, output
