"""Calls of the Linux kernel that Python's standard library lacks, by ctypes."""
import ctypes
import errno
import os
import sys

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
# Flags of a mount from which no program gains privileges, and which gives no access to devices.
HARMLESS = MS_NOSUID | MS_NODEV
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 22, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER = 4, 2
CAPABILITY_VERSION_3 = 0x20080522

MACHINE = os.uname().machine
_PIVOT_ROOT = {'x86_64': 155, 'aarch64': 41}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


class KernelError(OSError):
    """A system call that the kernel refused; `step` names it in messages."""

    def __init__(self, step, number):
        super().__init__(number, os.strerror(number))
        self.step = step

    def __str__(self):
        return f'{self.step}: {self.strerror}'


def _check(result, step):
    if result < 0:
        raise KernelError(step, ctypes.get_errno())
    return result


def _bytes(text):
    return None if text is None else os.fsencode(text)


def mount(source, target, kind=None, flags=0, data=None):
    """mount(2)."""
    result = _libc.mount(_bytes(source), _bytes(target), _bytes(kind), flags, _bytes(data))
    _check(result, f'mount {kind or "bind"} on {target}')


def detach(path):
    """Hides the mount at the path at once, and unmounts it when it is no longer used."""
    _check(_libc.umount2(_bytes(path), MNT_DETACH), f'unmount {path}')


def unshare(flags, step):
    """unshare(2)."""
    _check(_libc.unshare(flags), step)


def join_namespace(descriptor, kind, step):
    """setns(2)."""
    _check(_libc.setns(descriptor, kind), step)


def hide_mounts():
    """
    Makes later mounts in this process's namespace invisible outside of it. In a chroot, whose root is not a mount point, the
    namespace's real root is entered, so paths mean something else afterwards.
    """
    try:
        mount(None, '/', None, MS_REC | MS_PRIVATE)
    except KernelError as error:
        if error.errno != errno.EINVAL:
            raise
        own = os.open('/proc/self/ns/mnt', os.O_RDONLY | os.O_CLOEXEC)
        join_namespace(own, CLONE_NEWNS, 'leave the chroot')
        os.close(own)
        mount(None, '/', None, MS_REC | MS_PRIVATE)


def pivot_here():
    """Makes the current folder, which is a mount point, the root; the old root covers it until it is detached."""
    _check(_libc.syscall(ctypes.c_long(_PIVOT_ROOT[MACHINE]), b'.', b'.'), 'pivot_root')


def set_host_name(name):
    """sethostname(2). Python's socket module has it too, but takes time to load."""
    text = name.encode()
    _check(_libc.sethostname(text, len(text)), 'sethostname')


def prctl(option, *words):
    """prctl(2). @throws KernelError"""
    numbers = [ctypes.c_ulong(word) for word in (*words, 0, 0, 0, 0)[:4]]
    return _check(_libc.prctl(option, *numbers), f'prctl {option}')


def drop_all_capabilities():
    """Drops effective, permitted and inheritable capabilities, but not the bounding set."""
    header = ctypes.create_string_buffer(CAPABILITY_VERSION_3.to_bytes(4, 'little') + bytes(4), 8)
    none = ctypes.create_string_buffer(24)
    _check(_libc.capset(header, none), 'capset')


def install_seccomp(program):
    """Filters all later system calls of this process; `program` is an array of struct sock_filter."""
    code = ctypes.create_string_buffer(program, len(program))
    count = (len(program) // 8).to_bytes(8, 'little')
    fprog = ctypes.create_string_buffer(count + ctypes.addressof(code).to_bytes(8, 'little'), 16)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(fprog))


def forbid_imports():
    """Prevents further imports: the root is now the image's, and modules found there would be foreign code."""
    sys.path.clear()
    sys.meta_path.clear()


def has_capability(number):
    """Whether this process has a capability in its user namespace."""
    line = next(line for line in read('/proc/self/status').splitlines() if line.startswith('CapEff'))
    return int(line.split()[1], 16) >> number & 1 == 1


def read(path):
    """Content of a small file of the kernel."""
    with open(path) as file:
        return file.read()


def write(path, text):
    """Writes in one call, as files of the kernel require."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(text).encode())
    finally:
        os.close(descriptor)
