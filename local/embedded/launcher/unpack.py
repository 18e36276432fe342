"""Unpacks the layers of an image over each other, each a plain tar on descriptor 0."""
import os
import resource
import stat
import sys
import tarfile

from kernel import CLONE_NEWNS, CLONE_NEWUSER, forbid_imports, hide_mounts, unshare, write
from trees import remove_tree
from users import Host

_READ_BYTES = 1024 * 1024
# Memory limit: a header may request any amount, and a layer has at most a few million names.
_MEMORY_BYTES = 2 * 1024 ** 3
_WHITEOUT, _OPAQUE, _AUFS = '.wh.', '.wh..wh..opq', '.wh..wh.'
# Id for users that do not exist here, as in user namespaces.
_NOBODY = 65534


def unpack(folder):
    """Unpacks the tar on descriptor 0 over the content of the folder. After a failure, the folder is incomplete."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    # Loads the codecs: Python loads them at their first use, when its files are no longer accessible.
    'x'.encode('latin-1'), 'x'.encode('ascii'), 'x'.encode('utf-8')
    host = Host()
    _enter(host, folder)
    os.umask(0)
    layer = _Layer(has_owners=host.is_root, ids=host.ids)
    if not sys.stdin.buffer.peek(1):
        return layer.finish()  # engines accept zero bytes as an empty layer
    with tarfile.open(fileobj=sys.stdin.buffer, mode='r|', bufsize=_READ_BYTES, ignore_zeros=False) as tar:
        for entry in tar:
            tar.members = []  # tarfile would keep all of them
            layer.add(tar, entry)
    layer.finish()
    while os.read(0, _READ_BYTES):
        pass  # bytes after the end of the archive are ignored


def _enter(host, folder):
    """Makes the folder the root, so that no link or name leads out of it. Root becomes the container's root before."""
    os.chdir(folder)
    if host.is_root:
        here = os.open('.', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        unshare(CLONE_NEWNS, 'namespaces')
        hide_mounts()
        os.fchdir(here)
        os.close(here)
    if host.has_range:
        os.chown('.', host.first_id, host.first_id)
        _become_mapped(host)
    elif not host.is_root:
        host.enter_own_namespace()
    forbid_imports()
    os.chroot('.')


def _become_mapped(host):
    """Enters a user namespace as its root. A child writes the namespace's map, which only a process outside may do."""
    (ready, is_ready), (mapped, is_mapped) = os.pipe(), os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        # While this copy is open, the child cannot notice the end of the parent.
        os.close(is_ready)
        if os.read(ready, 1):
            for kind in ('uid', 'gid'):
                write(f'/proc/{parent}/{kind}_map', host.map_for(0))
            os.write(is_mapped, b'.')
        os._exit(0)
    os.close(is_mapped)
    unshare(CLONE_NEWUSER, 'user namespace')
    os.write(is_ready, b'.')
    os.read(mapped, 1)
    os.waitpid(child, 0)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


class _Layer:
    """A layer that is being unpacked over the earlier ones."""

    def __init__(self, has_owners, ids):
        self._has_owners, self._ids = has_owners, ids
        self._written, self._folder_times, self._sound = set(), {}, {'/'}

    def add(self, tar, entry):
        path = os.path.normpath('/' + entry.name.lstrip('/'))
        folder, name = os.path.split(path)
        if name.startswith(_WHITEOUT):
            return self._hide(folder, name)
        if path != '/':
            self._make_folders(folder)
            if not self._make_room(path, entry.isdir()):
                return self._finish_folder(path, entry)
        self._written.add(path)
        if entry.isdir():
            if path != '/':
                os.mkdir(path)
            self._finish_folder(path, entry)
        elif entry.islnk():
            os.link(os.path.normpath('/' + entry.linkname.lstrip('/')), path, follow_symlinks=False)
        elif entry.issym():
            os.symlink(entry.linkname, path)
            self._own(path, entry)
        elif entry.isreg() or entry.isfifo():
            self._create(tar, entry, path)
        # Devices are omitted: a container has its own in /dev.

    def _create(self, tar, entry, path):
        if entry.isfifo():
            os.mkfifo(path)
        else:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(descriptor, 'wb', buffering=0) as file:
                content = tar.extractfile(entry)
                while chunk := content.read(_READ_BYTES):
                    file.write(chunk)
        self._own(path, entry)
        os.chmod(path, _mode(entry))
        os.utime(path, (entry.mtime, entry.mtime))

    def _finish_folder(self, path, entry):
        self._written.add(path)
        self._own(path, entry)
        # If all files belong to the user of this machine, that user must be able to remove them.
        os.chmod(path, _mode(entry) if self._has_owners else _mode(entry) | 0o700)
        self._folder_times[path] = entry.mtime

    def _own(self, path, entry):
        if self._has_owners:
            owner, group = (number if number < self._ids else _NOBODY for number in (entry.uid, entry.gid))
            os.chown(path, owner, group, follow_symlinks=False)

    def _hide(self, folder, name):
        """Applies a whiteout, which removes entries of earlier layers but not of its own."""
        if name == _OPAQUE:
            names = os.listdir(folder) if self._is_real_folder(folder) else []
        elif name.startswith(_AUFS):
            return  # aufs's own records
        else:
            names = [name[len(_WHITEOUT):]]
        for hidden in names:
            path = os.path.join(folder, hidden)
            if hidden not in ('', '.', '..') and path not in self._written and os.path.lexists(path):
                _remove(path)

    @staticmethod
    def _is_real_folder(path):
        return os.path.isdir(path) and not os.path.islink(path)

    def _make_room(self, path, is_folder):
        """Removes an entry that is in the way. @returns whether the new one has to be created"""
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return True
        if is_folder and stat.S_ISDIR(status.st_mode):
            return False
        _remove(path)
        self._sound = {'/'}
        return True

    def _make_folders(self, path):
        """
        Creates a folder for which the layer has no entry. It replaces a link of an earlier layer, as in overlayfs; a link of the
        layer itself is followed.
        """
        if path in self._sound:
            return
        self._make_folders(os.path.dirname(path))
        is_link = os.path.islink(path)
        if not (os.path.isdir(path) and (not is_link or path in self._written)):
            if os.path.lexists(path):
                _remove(path)
            os.mkdir(path, 0o755)
            self._written.add(path)
        self._sound.add(path)

    def finish(self):
        """Sets the times of folders last, since writing into folders changes them."""
        for path, time in self._folder_times.items():
            if self._is_real_folder(path):
                os.utime(path, (time, time))
        if '/' not in self._written:
            os.chmod('/', 0o755)


def _mode(entry):
    """Mode without set-user-ID and set-group-ID bits, so that no task gains privileges."""
    return entry.mode & 0o1777


def _remove(path):
    if stat.S_ISDIR(os.lstat(path).st_mode):
        remove_tree(path)
    else:
        os.unlink(path)
