"""Users of a container: those that the image names, and the users of the host to which they are mapped."""
import os

from kernel import (
    CLONE_NEWUSER, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAPBSET_DROP, KernelError, drop_all_capabilities,
    has_capability, prctl, read, unshare, write)

_CAP_SETUID, _CAP_SYS_ADMIN = 7, 21
# Capabilities that podman leaves to a container's root, here within the container's own user namespace: CHOWN, DAC_OVERRIDE, FOWNER,
# FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, SETFCAP.
_KEPT_CAPABILITIES = frozenset((0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31))
# systemd reserves this range for containers (systemd.io/UIDS-GIDS), so no account of the host has one of these numbers.
_FIRST_ID, _IDS = 0x6000_0000, 0x0FFF_0000
LARGEST_ID = 2**32 - 2


class ImageError(Exception):
    """The image requests something impossible; the message is for the task's author."""


class Host:
    """Privileges of the user who started this process."""

    def __init__(self):
        self.uid, self.gid = os.geteuid(), os.getegid()
        has_all_ids = read('/proc/self/uid_map').split() == ['0', '0', '4294967295']
        # Root within a container often lacks these privileges, and is treated as an ordinary user.
        self.is_root = self.uid == 0 and has_all_ids and has_capability(_CAP_SYS_ADMIN) and has_capability(_CAP_SETUID)
        # Root works without a user namespace if none can be created, as docker and podman do by default.
        self.has_range = self.is_root and _has_user_namespaces()
        self.first_id = _FIRST_ID if self.has_range else 0
        self.ids = _IDS if self.has_range else LARGEST_ID

    def map_for(self, uid):
        """Line of a uid_map or gid_map that maps the container's `uid`."""
        return f'0 {_FIRST_ID} {_IDS}' if self.has_range else f'{uid} 0 1'

    def enter_own_namespace(self):
        """Makes an ordinary user root of a user namespace, which may create all other namespaces."""
        unshare(CLONE_NEWUSER, 'user namespace')
        try:
            write('/proc/self/setgroups', 'deny')
            write('/proc/self/uid_map', f'0 {self.uid} 1')
            write('/proc/self/gid_map', f'0 {self.gid} 1')
        except OSError as error:
            raise KernelError('map of users', error.errno) from error


def _has_user_namespaces():
    """Tries to create one, since a chroot (user_namespaces(7)) and a limit of zero forbid them to root as well."""
    child = os.fork()
    if child == 0:
        try:
            unshare(CLONE_NEWUSER, 'user namespace')
        except KernelError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def find_user(wanted):
    """uid, gid, further groups and home of `user[:group]`, by the passwd and group files of this process's root."""
    user, _, group = (wanted or '0').partition(':')
    person = next((one for one in _records('/etc/passwd', 6) if user in (one[0], one[2])), None)
    uid = _number(person[2] if person else user, f'unable to find user {user}: no matching entries in passwd file')
    gid = _number(person[3], f'group of user {user}') if person else 0
    groups = _records('/etc/group', 4)
    more = [int(one[2]) for one in groups if person and person[0] in one[3].split(',') and one[2].isdigit()]
    if group:
        found = next((one for one in groups if group in (one[0], one[2])), None)
        gid = _number(found[2] if found else group, f'unable to find group {group}: no matching entries in group file')
        more = []
    return uid, gid, more, (person[5] if person else '') or '/'


def _number(text, problem):
    if text.isascii() and text.isdigit() and int(text) <= LARGEST_ID:
        return int(text)
    raise ImageError(problem)


def _records(path, fields):
    # Far more than any real file has; a container's file may have any size, or be endless.
    largest_bytes = 4 * 1024 * 1024
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, 'rb') as file:
            lines = file.read(largest_bytes).decode(errors='replace').splitlines()
    except OSError:
        return []
    records = [line.split(':') for line in lines]
    return [record for record in records if len(record) >= fields]


def become(host, user, ask_for_map):
    """
    Takes the user's ids, and drops capabilities that the container's root must not have. A further user namespace separates the
    container from the mounts and namespaces that were made for it, so that even its root cannot change them.
    """
    uid, gid, more = user
    if max(uid, gid) >= host.ids:
        raise ImageError(f'the user {uid}:{gid} exceeds {host.ids - 1}, the maximum id on this machine')
    if host.has_range or not host.is_root:
        unshare(CLONE_NEWUSER, 'user namespace of the container')
        ask_for_map()
    for capability in range(int(read('/proc/sys/kernel/cap_last_cap')) + 1):
        if capability not in _KEPT_CAPABILITIES:
            prctl(PR_CAPBSET_DROP, capability)
    if host.is_root:
        os.setgroups([one for one in more if one < host.ids])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    if uid != 0:
        drop_all_capabilities()
