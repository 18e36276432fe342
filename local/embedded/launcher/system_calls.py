"""System calls that a container may not make, as a seccomp filter (classic BPF, seccomp(2))."""
import errno
import struct

from kernel import MACHINE

# Names with their numbers on x86_64 and aarch64 (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
# Calls that a program without privileges does not need, and that Docker's default profile allows to privileged containers only:
# mounts and namespaces, kernel keys, modules, clocks, tracing of the whole machine, and calls with known exploits.
REFUSED = {
    'acct': (163, 89), 'add_key': (248, 217), 'adjtimex': (159, 171), 'bpf': (321, 280), 'clock_adjtime': (305, 266),
    'clock_settime': (227, 112), 'delete_module': (176, 106), 'fanotify_init': (300, 262), 'finit_module': (313, 273),
    'fsconfig': (431, 431), 'fsmount': (432, 432), 'fsopen': (430, 430), 'fspick': (433, 433), 'init_module': (175, 105),
    'io_uring_enter': (426, 426), 'io_uring_register': (427, 427), 'io_uring_setup': (425, 425), 'ioperm': (173, None),
    'iopl': (172, None), 'kcmp': (312, 272), 'kexec_file_load': (320, 294), 'kexec_load': (246, 104), 'keyctl': (250, 219),
    'lookup_dcookie': (212, 18), 'mount': (165, 40), 'mount_setattr': (442, 442), 'move_mount': (429, 429),
    'name_to_handle_at': (303, 264), 'nfsservctl': (180, 42), 'open_by_handle_at': (304, 265), 'open_tree': (428, 428),
    'perf_event_open': (298, 241), 'pivot_root': (155, 41), 'quotactl': (179, 60),
    'quotactl_fd': (443, 443), 'reboot': (169, 142), 'request_key': (249, 218), 'setdomainname': (171, 162),
    'sethostname': (170, 161), 'setns': (308, 268), 'settimeofday': (164, 170), 'swapoff': (168, 225),
    'swapon': (167, 224), 'syslog': (103, 116), 'umount2': (166, 39), 'unshare': (272, 97), 'uselib': (134, None),
    'userfaultfd': (323, 282), 'ustat': (136, None), 'vhangup': (153, 58),
}
# AUDIT_ARCH_*, and the numbers of the calls whose arguments are checked: clone, clone3, socket.
_MACHINES = {'x86_64': (0xC000003E, 56, 435, 41), 'aarch64': (0xC00000B7, 220, 435, 198)}
# Any CLONE_NEW* flag. The low byte is the signal of the child's end, where CLONE_NEWTIME would be.
_NEW_NAMESPACES = 0x7E020000
# Sockets to a hypervisor, and the kernel's own cryptography, which no known task needs.
_REFUSED_FAMILIES = {'AF_ALG': 38, 'AF_VSOCK': 40}
# 32-bit calls of the x86_64 kind (x32) start here.
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW = 0x7FFF0000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16


def _error(number):
    return 0x00050000 | number


def filter_program(machine=MACHINE):
    """The filter as an array of struct sock_filter. Calls of another architecture return ENOSYS, refused ones EPERM."""
    architecture, clone, clone3, socket = _MACHINES[machine]
    unknown, refused = (_RETURN, 0, 0, _error(errno.ENOSYS)), (_RETURN, 0, 0, _error(errno.EPERM))
    lines = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), unknown, (_LOAD, 0, 0, _NUMBER)]
    if machine == 'x86_64':
        lines += [(_AT_LEAST, 0, 1, _X32), unknown]
    for numbers in REFUSED.values():
        number = numbers[0 if machine == 'x86_64' else 1]
        if number is not None:
            lines += [(_EQUAL, 0, 1, number), refused]
    # The flags of clone3 are in memory, which a filter cannot read. The C library falls back to clone.
    lines += [(_EQUAL, 0, 1, clone3), unknown]
    lines += [(_EQUAL, 0, 3, clone), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), refused]
    lines += [(_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, 1 + 2 * len(_REFUSED_FAMILIES), socket), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    for family in _REFUSED_FAMILIES.values():
        lines += [(_EQUAL, 0, 1, family), refused]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b''.join(struct.pack('<HBBI', *line) for line in lines)
