"""Trees of files that a container wrote or will get: no link in them is followed."""
import errno
import fcntl
import os
import stat

_FICLONE = 0x40049409
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_COPY_BYTES = 16 * 1024 * 1024


def remove_tree(path):
    """
    Removes a folder with its content, whatever its modes and depth. Each folder in it is first moved to the top, so that two
    open folders are enough for any depth, and no path is too long.
    """
    try:
        top = _open_whole(path)
    except FileNotFoundError:
        return
    token, count = os.urandom(8).hex(), 0
    try:
        while names := os.listdir(top):
            for name in names:
                if not _is_folder(name, top):
                    os.unlink(name, dir_fd=top)
                    continue
                folder = _open_whole(name, top)
                try:
                    for child in os.listdir(folder):
                        if _is_folder(child, folder):
                            count += 1
                            os.close(_open_whole(child, folder))
                            os.rename(child, f'.{token}-{count}', src_dir_fd=folder, dst_dir_fd=top)
                        else:
                            os.unlink(child, dir_fd=folder)
                finally:
                    os.close(folder)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _is_folder(name, parent):
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _open_folder(name, parent=None):
    """Opens a folder, but not a link to one, even if its mode denies access to its owner."""
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        pass
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        os.chmod(f'/proc/self/fd/{handle}', 0o700)
        return os.open(f'/proc/self/fd/{handle}', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(handle)


def _open_whole(name, parent=None):
    """Opens a folder, and gives its owner all permissions on it."""
    folder = _open_folder(name, parent)
    os.fchmod(folder, 0o700)
    return folder


def walk_tree(path):
    """Yields the folder and each one below it, opened, with its names. At most 400 levels deep, since each level stays open."""
    stack = [_open_folder(path)]
    pending = [os.listdir(stack[0])]
    yield stack[0], list(pending[0])
    while stack:
        if not pending[-1]:
            os.close(stack.pop())
            pending.pop()
            continue
        name = pending[-1].pop()
        if len(stack) > 400 or not _is_folder(name, stack[-1]):
            continue
        folder = _open_folder(name, stack[-1])
        names = os.listdir(folder)
        stack.append(folder)
        pending.append(names)
        yield folder, list(names)


def give_tree(path, owner):
    """Makes a user of the host the owner of a folder and its content."""
    for folder, names in walk_tree(path):
        os.fchown(folder, owner, owner)
        for name in names:
            os.chown(name, owner, owner, dir_fd=folder, follow_symlinks=False)


def make_readable(path):
    """Lets the owner read every file and remove every folder, and drops set-user-id and set-group-id bits."""
    for folder, names in walk_tree(path):
        mode = os.fstat(folder).st_mode
        if mode & 0o700 != 0o700:
            os.fchmod(folder, mode & 0o1777 | 0o700)
        for name in names:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if stat.S_ISREG(mode) and (mode & 0o6000 or not mode & 0o400):
                os.chmod(name, mode & 0o1777 | 0o400, dir_fd=folder)


def copy_tree(source, target):
    """Copies a folder with owners, modes and times; by reference if the file system supports it."""
    os.mkdir(target)
    for entry in os.scandir(source):
        path, copy, status = entry.path, f'{target}/{entry.name}', entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            os.symlink(os.readlink(path), copy)
        elif entry.is_dir(follow_symlinks=False):
            copy_tree(path, copy)
            continue
        elif entry.is_file(follow_symlinks=False):
            _copy_file(path, copy)
        else:
            os.mkfifo(copy)
        _copy_status(status, copy)
    _copy_status(os.stat(source), target)


def _copy_file(source, target):
    with open(source, 'rb') as reader, open(target, 'xb') as writer:
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL):
                raise
            while os.sendfile(writer.fileno(), reader.fileno(), None, _COPY_BYTES):
                pass


def _copy_status(status, target):
    try:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EPERM):
            raise  # otherwise the user does not exist here, and all files belong to the present user
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
