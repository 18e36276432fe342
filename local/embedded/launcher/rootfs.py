"""The file system of a container: the image with a writable layer, the kernel's folders, the volumes."""
import fcntl
import os
import stat

from kernel import (
    HARMLESS, MS_BIND, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC, MS_REMOUNT, KernelError, detach, mount, pivot_here)
from trees import copy_tree
from users import ImageError

# Files that container engines mask, and files that list keys or timers of the whole machine.
_MASKED = (
    '/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/key-users', '/proc/keys', '/proc/kmsg',
    '/proc/latency_stats', '/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/proc/timer_stats', '/proc/vmallocinfo',
    '/sys/devices/virtual/powercap', '/sys/firmware', '/sys/fs/selinux', '/sys/kernel/debug', '/sys/kernel/security',
    '/sys/kernel/tracing')
_READ_ONLY = ('/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger')
_DEVICES = ('null', 'zero', 'full', 'random', 'urandom', 'tty')
_LINKS = {
    'fd': '/proc/self/fd', 'stdin': '/proc/self/fd/0', 'stdout': '/proc/self/fd/1', 'stderr': '/proc/self/fd/2',
    'ptmx': 'pts/ptmx'}
_KERNEL_ONLY = HARMLESS | MS_NOEXEC
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Default size of docker and podman.
_SHARED_MEMORY = 'mode=1777,size=65536k'


def open_path(path):
    """A handle that stays valid when the root changes."""
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _path_of(descriptor):
    """A path without special characters, whatever the real path is."""
    return f'/proc/self/fd/{descriptor}'


def open_devices():
    return {name: open_path(f'/dev/{name}') for name in _DEVICES if os.path.exists(f'/dev/{name}')}


def _bind(descriptor, target, flags=0):
    """Binds a path. Flags are set in a second step, which the kernel refuses without the restrictions of the source's mount."""
    mount(_path_of(descriptor), target, None, MS_BIND)
    _restrict(target, flags)


def _restrict(target, flags):
    found = os.statvfs(target).f_flag
    kept = found & (os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC)  # the same bits as MS_*
    mount(None, target, None, MS_REMOUNT | MS_BIND | flags | kept)


def mount_root(host, image):
    """
    Mounts a writable layer over the opened image, in the current folder, and opens the result. The layer is on disk if the file
    system supports it, otherwise in memory; if neither works, the image is copied.
    """
    problem = None
    for lay in (_overlay_on_disk, _overlay_in_memory, _copy):
        target = lay.__name__.strip('_')
        os.mkdir(target, 0o700)
        try:
            merged = lay(host, image, target)
            return os.open(merged, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except KernelError as error:
            problem = error
    raise problem


def _overlay_on_disk(host, image, target):
    return _overlay(host, image, target)


def _overlay_in_memory(host, image, target):
    mount('tmpfs', target, 'tmpfs', HARMLESS)
    return _overlay(host, image, target)


def _overlay(host, image, target):
    folders = []
    for name in ('upper', 'work'):
        os.mkdir(f'{target}/{name}', 0o755)
        folders.append(os.open(f'{target}/{name}', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    top = os.fstat(image)
    if host.is_root:
        os.fchown(folders[0], top.st_uid, top.st_gid)
    os.fchmod(folders[0], stat.S_IMODE(top.st_mode))
    upper, work = (_path_of(folder) for folder in folders)
    options = f'lowerdir={_path_of(image)},upperdir={upper},workdir={work}'
    os.mkdir(f'{target}/merged')
    try:
        mount('overlay', f'{target}/merged', 'overlay', HARMLESS, options if host.is_root else f'{options},userxattr')
    finally:
        for descriptor in folders:
            os.close(descriptor)
    return f'{target}/merged'


def _copy(host, image, target):
    copy_tree(_path_of(image), f'{target}/merged')
    mount(f'{target}/merged', f'{target}/merged', None, MS_BIND)
    _restrict(f'{target}/merged', HARMLESS)
    return f'{target}/merged'


def enter_root(merged):
    """Makes an opened mount the root. @returns a descriptor of the old root; what was opened below it can be mounted until leave_root()"""
    old = os.open('/', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fchdir(merged)
    pivot_here()
    os.close(merged)
    return old


def leave_root(old):
    """Detaches the old root, which covers the new one."""
    os.fchdir(old)
    detach('.')
    os.close(old)
    os.chdir('/')


def mount_kernel_folders(devices):
    """Mounts /proc, /sys and /dev. Links or files that the image has in their places are removed."""
    for folder in ('/proc', '/sys', '/dev'):
        if os.path.lexists(folder) and (os.path.islink(folder) or not os.path.isdir(folder)):
            os.unlink(folder)
        os.makedirs(folder, exist_ok=True)
    mount('proc', '/proc', 'proc', _KERNEL_ONLY)
    mount('tmpfs', '/dev', 'tmpfs', MS_NOSUID | MS_NOEXEC, 'mode=755,size=65536k')
    for name, descriptor in devices.items():
        os.close(os.open(f'/dev/{name}', os.O_CREAT | os.O_WRONLY, 0o666))
        mount(_path_of(descriptor), f'/dev/{name}', None, MS_BIND)
    for name in ('pts', 'shm', 'mqueue'):
        os.mkdir(f'/dev/{name}')
    mount('devpts', '/dev/pts', 'devpts', MS_NOSUID | MS_NOEXEC, 'newinstance,ptmxmode=0666,mode=0620')
    mount('shm', '/dev/shm', 'tmpfs', _KERNEL_ONLY, _SHARED_MEMORY)
    mount('mqueue', '/dev/mqueue', 'mqueue', _KERNEL_ONLY)
    for name, target in _LINKS.items():
        os.symlink(target, f'/dev/{name}')
    try:
        mount('sysfs', '/sys', 'sysfs', _KERNEL_ONLY | MS_RDONLY)
    except KernelError:
        # The kernel refuses sysfs to an ordinary user if parts of the host's /sys are covered by other mounts.
        mount('tmpfs', '/sys', 'tmpfs', _KERNEL_ONLY, 'mode=755,size=64k')
        os.makedirs('/sys/fs/cgroup')


def show_limits(groups, limits):
    """Shows programs their limits: the container's own control groups, or files with the same values."""
    cgroup = '/sys/fs/cgroup'
    if not os.path.isdir(cgroup):
        return
    if [target for _, target in groups] == [cgroup]:
        return _bind(groups[0][0], cgroup, _KERNEL_ONLY | MS_RDONLY)
    mount('tmpfs', cgroup, 'tmpfs', _KERNEL_ONLY, 'mode=755,size=64k')
    for descriptor, target in groups:
        os.mkdir(target)
        _bind(descriptor, target, _KERNEL_ONLY | MS_RDONLY)
    if not groups:
        cpus = limits.get('cpus')
        texts = {
            'memory.max': limits.get('memoryBytes', 'max'), 'pids.max': limits['processes'],
            'cpu.max': 'max 100000' if cpus is None else f'{int(cpus * 100_000)} 100000'}
        for name, value in texts.items():
            with open(f'{cgroup}/{name}', 'x') as file:
                file.write(f'{value}\n')
    _restrict(cgroup, _KERNEL_ONLY | MS_RDONLY)


def mount_volumes(volumes):
    """
    Mounts volumes: each is an opened folder, its path in the container and whether it is read-only. No link of the image is followed,
    because the old root is still open, and a link through /proc would lead there.
    """
    for descriptor, target, is_read_only in volumes:
        try:
            place = _make_place(target)
        except OSError as error:
            raise ImageError(f'error mounting a volume to rootfs at "{target}": not a directory') from error
        mount(_path_of(descriptor), _path_of(place), None, MS_BIND)
        os.close(place)
        _restrict(target, HARMLESS | (MS_RDONLY if is_read_only else 0))


def _make_place(path, root='/'):
    """Opens a folder below a root. Creates it, and the folders on its path, if they are missing."""
    folder = os.open(root, _PLACE)
    for name in path.strip('/').split('/'):
        parent = folder
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            pass
        try:
            folder = os.open(name, _PLACE, dir_fd=parent)
        finally:
            os.close(parent)
    return folder


def hide_kernel(null):
    """Hides files that reveal or change the state of the host. Comes last, so that no volume covers it."""
    for path in _MASKED:
        if os.path.isdir(path):
            mount('tmpfs', path, 'tmpfs', _KERNEL_ONLY | MS_RDONLY, 'size=0,mode=555')
        elif os.path.exists(path):
            mount(_path_of(null), path, None, MS_BIND)
    for path in _READ_ONLY:
        if os.path.exists(path):
            mount(path, path, None, MS_BIND | MS_REC)
            _restrict(path, _KERNEL_ONLY | MS_RDONLY)


def write_host_files(name):
    """Writes /etc/hosts as container engines do. An image's own content stays."""
    try:
        if os.path.isdir('/etc') and not (os.path.exists('/etc/hosts') and os.path.getsize('/etc/hosts')):
            # An image may have a pipe there, whose opening would block.
            descriptor = os.open('/etc/hosts', os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
            os.write(descriptor, f'127.0.0.1 localhost {name}\n::1 localhost\n'.encode())
            os.close(descriptor)
    except OSError:
        pass  # a dangling link


def set_loopback_up():
    """Enables the loopback interface, the only one, for programs that connect to themselves."""
    import _socket  # the C module only: the module socket takes longer to load
    import struct
    up_and_running, set_flags = 0x1 | 0x40, 0x8914
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(any_socket.fileno(), set_flags, struct.pack('16sH14x', b'lo', up_and_running))
    any_socket.close()
