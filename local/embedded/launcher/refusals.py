"""Explains which setting of the machine forbids a namespace, and how to allow it. @see user_namespaces(7)"""
import errno

from kernel import KernelError, read

_OR_ENGINE = 'or install docker or podman'


def explain(error):
    """One sentence for the user. Errors that are not the kernel's are returned unchanged."""
    if not isinstance(error, KernelError):
        return str(error) or repr(error)
    return f'{error}: {_reason(error)}' if _reason(error) else str(error)


def _reason(error):
    if error.step == 'user namespace':
        return _namespace_reason(error.errno)
    if error.errno in (errno.EPERM, errno.EACCES):
        if _setting('kernel/apparmor_restrict_unprivileged_userns') == 1:
            return (
                'AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns=1): allow them with '
                f'"sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", {_OR_ENGINE}')
        if error.step == 'mount proc on /proc':
            return (
                'this is a container whose own /proc is partly hidden, so the kernel allows no new one: start it with '
                '"--security-opt unmask=ALL" (podman) or "--security-opt systempaths=unconfined" (docker)')
    if error.step == 'pivot_root' and error.errno == errno.EINVAL:
        return 'this is a chroot whose root is not a mount point: run "mount --bind FOLDER FOLDER" before chroot, or use a container'
    if error.step == 'namespaces' and error.errno == errno.ENOSPC:
        return f'one of the limits user.max_*_namespaces is reached: raise it with "sudo sysctl -w", {_OR_ENGINE}'
    return ''


def _namespace_reason(number):
    if number == errno.ENOSPC or _setting('user/max_user_namespaces') == 0:
        return (
            'user namespaces are switched off or used up (user.max_user_namespaces): allow them with '
            f'"sudo sysctl -w user.max_user_namespaces=15000", {_OR_ENGINE}')
    if _setting('kernel/unprivileged_userns_clone') == 0:
        return (
            'ordinary users may not create user namespaces (kernel.unprivileged_userns_clone=0): allow them with '
            f'"sudo sysctl -w kernel.unprivileged_userns_clone=1", {_OR_ENGINE}')
    if _is_filtered():
        return (
            'a seccomp filter, as container engines set it, forbids namespaces here: start this container with '
            '"--security-opt seccomp=unconfined", or start the App Engine outside of it')
    if _is_in_chroot():
        return 'in a chroot the kernel forbids namespaces to ordinary users: start as root, or use a container instead'
    return (
        'a chroot or a security module of the kernel forbids user namespaces to ordinary users (user_namespaces(7)): start as root, '
        f'use a container in place of a chroot, {_OR_ENGINE}')


def _setting(name):
    try:
        return int(read(f'/proc/sys/{name}'))
    except (OSError, ValueError):
        return None


def _is_filtered():
    return any(line.split() == ['Seccomp:', '2'] for line in read('/proc/self/status').splitlines())


def _is_in_chroot():
    """The root of a mount namespace is a mount point. That of a chroot can be one too, and then looks the same."""
    return all(line.split()[4] != '/' for line in read('/proc/self/mountinfo').splitlines())
