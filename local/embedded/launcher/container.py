"""
Runs one container. The launcher stays outside. Its child becomes the first process of the container's namespaces, sets
everything up and becomes the image's program, which may start more processes.

Orders are read from descriptor 0, reports are written to descriptor 3. Both are fields `name=value`, each with a NUL after it,
since no value can contain one (orders.py). Reports are `started=control groups v2`, then `exitCode=1`, with `outOfMemory=` after
an out-of-memory kill, or `error=…`. After the last report, the launcher removes what the container leaves.
"""
# The C module only: loading the module `signal` around it takes a tenth of a container's start.
import _signal as signal
import errno
import os
import resource

from kernel import (
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG,
    forbid_imports, hide_mounts, install_seccomp, prctl, set_host_name, unshare, write)
from limits import create_limits
from orders import read_orders
from outputs import start_relay
from refusals import explain
from rootfs import (
    enter_root, hide_kernel, leave_root, mount_kernel_folders, mount_root, mount_volumes, open_devices, open_path,
    set_loopback_up, show_limits, write_host_files)
from system_calls import filter_program
from trees import give_tree, make_readable, remove_tree
from users import Host, ImageError, become, find_user

_REPORT = 3
_NOT_STARTED = 125
_DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_MOST_FILES = 1024
_LONGEST_PROBLEM = 2000


def run(name):
    """Runs the container that the orders describe. @returns its exit code, or 125 if it could not be started"""
    orders = read_orders(0)
    limits = orders['limits']
    os.set_inheritable(_REPORT, False)
    host = Host()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, *_ENDING])
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    volumes = [volume['source'] for volume in orders['volumes']]
    if host.has_range:
        for volume in volumes:
            give_tree(volume, host.first_id)
    groups = create_limits(limits, name, host.is_root)
    try:
        report = _supervise(_Child(host, orders, limits, groups), groups)
    except OSError as error:
        report = {'error': explain(error)}
    try:
        if not host.is_root:
            for volume in volumes:
                make_readable(volume)
    except OSError as error:
        report = {'error': f'the volumes cannot be read: {error}'}
    _tell(**report)
    # The report is complete: the caller continues while the container's remains are removed.
    for descriptor in (1, 2, _REPORT):
        os.close(descriptor)
    groups.remove()
    remove_tree(orders['scratch'])
    return int(report.get('exitCode', _NOT_STARTED))


def _tell(**fields):
    try:
        os.write(_REPORT, ''.join(f'{name}={value}\0' for name, value in fields.items()).encode())
    except OSError:
        pass  # the caller has ended; the container's remains are removed all the same


class _Child:
    """The launcher's side of the container's first process, while that sets itself up."""

    def __init__(self, host, orders, limits, groups):
        self._host, self._groups = host, groups
        # Started before the namespaces, which are for the container's own processes only.
        self.relays, self._outputs = zip(*(start_relay(number) for number in (1, 2)))
        if not host.is_root:
            host.enter_own_namespace()
        unshare(CLONE_NEWPID, 'process namespace')
        (answered, self._answers), (self._questions, asked), (self._problem, told) = os.pipe(), os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            # The child notices the end of the launcher by the end of its pipe, so it must not keep that end open.
            for descriptor in (self._answers, self._questions, self._problem):
                os.close(descriptor)
            _Inside(host, orders, limits, groups).become_program((answered, asked, told), self._outputs)
        for descriptor in (answered, asked, told):
            os.close(descriptor)

    def set_up(self):
        """Answers the child's questions until it becomes the program. @returns why it did not; empty if it did"""
        while word := os.read(self._questions, _WORD).split():
            if word[0] == b'limits':
                self._groups.add(self.pid)
            elif word[0] == b'users':
                self._map_users(int(word[1]), int(word[2]))
            os.write(self._answers, b'.')
            if word[0] == b'ready':
                break
        for output in self._outputs:
            os.close(output)
        with open(self._problem, 'rb') as file:
            return file.read().decode(errors='replace')

    def _map_users(self, uid, gid):
        if self._host.has_range or not self._host.is_root:
            write(f'/proc/{self.pid}/uid_map', self._host.map_for(uid))
            write(f'/proc/{self.pid}/gid_map', self._host.map_for(gid))
        if self._host.is_root:
            # A program may open /dev/stdout, which requires permissions on the pipe.
            for output in self._outputs:
                os.fchown(output, self._host.first_id + uid, self._host.first_id + gid)


_WORD = 64


def _supervise(child, groups):
    """Follows a container to its end. @returns fields of the report"""
    problem = child.set_up()
    if not problem:
        _tell(started=groups.kind)
    _wait_for_end(child.pid, groups)
    _, status = os.waitpid(child.pid, 0)
    for relay in child.relays:
        os.waitpid(relay, 0)
    if problem:
        return {'error': problem}
    code = os.waitstatus_to_exitcode(status)
    memory = {'outOfMemory': ''} if groups.ran_out_of_memory() else {}
    return {'exitCode': code if code >= 0 else 128 - code, **memory}


def _wait_for_end(pid, groups):
    """Waits until the container's first process, and with it all others, has ended. Signals and exceeded limits end it."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if groups.poll_seconds is None:
            received = signal.sigwaitinfo([signal.SIGCHLD, *_ENDING])
        else:
            received = signal.sigtimedwait([signal.SIGCHLD, *_ENDING], groups.poll_seconds)
        if (received is not None and received.si_signo in _ENDING) or groups.is_exceeded():
            os.kill(pid, signal.SIGKILL)


class _Inside:
    """The container's first process, from the fork to the image's program."""

    def __init__(self, host, orders, limits, groups):
        self._host, self._orders, self._limits = host, orders, limits
        self._groups = groups

    def become_program(self, pipes, outputs):
        """Never returns: becomes the program, or exits with 125 after reporting why."""
        self._answers, self._questions, problem = pipes
        try:
            self._set_up()
            self._execute(outputs)
        except ImageError as error:
            os.write(problem, str(error).encode()[:_LONGEST_PROBLEM])
        except BaseException as error:
            os.write(problem, explain(error).encode()[:_LONGEST_PROBLEM])
        finally:
            os._exit(_NOT_STARTED)

    def _ask(self, *words):
        os.write(self._questions, b' '.join(str(word).encode() for word in words).ljust(_WORD))
        if os.read(self._answers, 1) != b'.':
            os._exit(_NOT_STARTED)  # the launcher has ended

    def _set_up(self):
        orders = self._orders
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        self._ask('limits')
        network = 0 if orders['hasNetwork'] else CLONE_NEWNET
        unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | network, 'namespaces')
        # Opened in the new mount namespace: handles of another one cannot be mounted.
        scratch, image = open_path(orders['scratch']), os.open(orders['image'], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        devices = open_devices()
        volumes = [(open_path(one['source']), one['target'], one['readOnly']) for one in orders['volumes']]
        groups = [(open_path(folder), target) for folder, target in self._groups.folders()]
        hide_mounts()
        os.fchdir(scratch)
        try:
            set_host_name(orders['hostName'])
        except OSError:
            pass  # forbidden within a container of another engine; its host name then stays
        if network:
            set_loopback_up()
        os.umask(0o022)
        forbid_imports()
        old = enter_root(mount_root(self._host, image))
        os.chdir('/')
        mount_kernel_folders(devices)
        show_limits(groups, self._limits)
        mount_volumes(volumes)
        hide_kernel(devices['null'])
        leave_root(old)
        write_host_files(orders['hostName'])

    def _execute(self, outputs):
        orders = self._orders
        uid, gid, more, home = find_user(orders['user'])
        folder = orders['workingDirectory'] or '/'
        if not os.path.isdir(folder):
            try:
                os.makedirs(folder)
            except OSError as error:
                raise ImageError(f'mkdir {folder}: not a directory') from error
        self._limit_process()
        become(self._host, (uid, gid, more), lambda: self._ask('users', uid, gid))
        try:
            os.chdir(folder)
        except OSError as error:
            raise ImageError(f'chdir to cwd ("{folder}"): {error.strerror.lower()}') from error
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of the user resets it
        self._ask('ready')  # shows that the launcher was running after that call
        self._take_descriptors(outputs)
        _reset_signals()
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        install_seccomp(filter_program())
        environment = {'PATH': _DEFAULT_PATH, 'HOME': home, 'HOSTNAME': orders['hostName'], **orders['environment']}
        _execute_first(orders['words'], environment)

    def _limit_process(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_MOST_FILES, most), most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, most = resource.getrlimit(resource.RLIMIT_NPROC)
        processes = self._limits['processes']
        processes = processes if most == resource.RLIM_INFINITY else min(processes, most)
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        if self._groups.poll_seconds is not None and 'cpus' in self._limits:
            allowed = sorted(os.sched_getaffinity(0))
            count = max(1, -(-int(self._limits['cpus'] * 1000) // 1000))
            first = os.urandom(1)[0] % len(allowed)
            os.sched_setaffinity(0, (allowed[first:] + allowed[:first])[:count])

    def _take_descriptors(self, outputs):
        null = os.open('/dev/null', os.O_RDONLY)
        for number, descriptor in enumerate((null, *outputs)):
            os.dup2(descriptor, number)
        for name in os.listdir('/proc/self/fd'):
            if int(name) > 2:
                try:
                    os.set_inheritable(int(name), False)
                except OSError:
                    pass  # the descriptor of the listing itself


def _reset_signals():
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass  # cannot be changed
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _execute_first(words, environment):
    """Becomes the program, which is searched in PATH as by a shell. @throws ImageError with the message of runc"""
    program = words[0]
    folders = [''] if '/' in program else [f'{folder or "."}/' for folder in environment['PATH'].split(':')]
    problem = FileNotFoundError(2, 'No such file or directory')
    for folder in folders:
        try:
            os.execve(f'{folder}{program}', words, environment)
        except NotADirectoryError:
            pass
        except OSError as error:
            is_there = os.path.exists(f'{folder}{program}')
            if is_there and error.errno in (errno.ENOENT, errno.ENOEXEC):
                # The interpreter of a script is missing, or the kernel does not accept the file as a program. Runtimes notice
                # this after the container has started, and write it to its log.
                os.write(2, f'exec {folder}{program}: {error.strerror.lower()}\n'.encode())
                os._exit(255)
            problem = error if is_there else problem
    if isinstance(problem, FileNotFoundError) and '/' not in program:
        raise ImageError(f'exec: "{program}": executable file not found in $PATH')
    raise ImageError(f'exec: "{program}": {problem.strerror.lower()}')
