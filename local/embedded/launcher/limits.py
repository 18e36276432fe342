"""Limits of one container: control groups of version 2 or 1 if they can be written, otherwise polling of its memory."""
import os
import time

from kernel import read, write

ROOT = '/sys/fs/cgroup'
CONTROLLERS = ('memory', 'pids', 'cpu')
CPU_PERIOD_US = 100_000
# Minimum share of a period that the kernel accepts.
SMALLEST_QUOTA_US = 1_000
POLL_SECONDS = 0.05
# A group is busy until the last of its killed processes has ended.
REMOVAL_SECONDS = 5


def _quota(cpus):
    return max(SMALLEST_QUOTA_US, int(cpus * CPU_PERIOD_US))


class PolledLimits:
    """Without control groups: memory is polled, the other limits are those of processes (rlimit, affinity)."""
    kind = 'polling'
    poll_seconds = POLL_SECONDS

    def __init__(self, limits):
        self._memory = limits.get('memoryBytes')
        self._first = None
        self._is_over = False

    def add(self, pid):
        self._first = pid

    def folders(self):
        return []

    def is_exceeded(self):
        """Whether the container has to be killed. Shared memory counts once (PSS), files in the page cache do not count."""
        if self._memory is None or self._first is None or self._is_over:
            return self._is_over
        pids = _family(self._first)
        # Resident memory is cheap to read and never less than the proportional share.
        if sum(_kibibytes(pid, 'status', ('RssAnon', 'RssShmem')) for pid in pids) * 1024 > self._memory:
            shares = sum(_kibibytes(pid, 'smaps_rollup', ('Pss_Anon', 'Pss_Shmem')) for pid in pids)
            self._is_over = shares * 1024 > self._memory
        return self._is_over

    def ran_out_of_memory(self):
        return self._is_over

    def remove(self):
        pass


def _family(pid):
    """A process and its descendants. Orphans are adopted by the container's first process, so they are among them."""
    found, ahead = [], [pid]
    while ahead:
        one = ahead.pop()
        found.append(one)
        try:
            for thread in os.listdir(f'/proc/{one}/task'):
                ahead.extend(int(word) for word in read(f'/proc/{one}/task/{thread}/children').split())
        except OSError:
            pass  # ended meanwhile
    return found


def _kibibytes(pid, file, names):
    try:
        lines = read(f'/proc/{pid}/{file}').splitlines()
    except OSError:
        return 0  # ended meanwhile
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


class GroupsV1:
    """One folder in the tree of each controller, below the folder of this process."""
    kind = 'control groups v1'
    poll_seconds = None

    def __init__(self, limits, name):
        self._folders = {}
        try:
            for controller, parent in v1_parents().items():
                os.mkdir(f'{parent}/{name}')
                self._folders[controller] = f'{parent}/{name}'
            self._limit(limits)
        except BaseException:
            self.remove()
            raise

    def _limit(self, limits):
        memory, pids, cpu = (self._folders[controller] for controller in CONTROLLERS)
        if 'memoryBytes' in limits:
            write(f'{memory}/memory.limit_in_bytes', limits['memoryBytes'])
            # Absent where the kernel does not account for swap.
            if os.path.exists(f'{memory}/memory.memsw.limit_in_bytes'):
                write(f'{memory}/memory.memsw.limit_in_bytes', limits['memoryBytes'])
        write(f'{pids}/pids.max', limits['processes'])
        if 'cpus' in limits:
            write(f'{cpu}/cpu.cfs_period_us', CPU_PERIOD_US)
            write(f'{cpu}/cpu.cfs_quota_us', _quota(limits['cpus']))

    def add(self, pid):
        for folder in self._folders.values():
            write(f'{folder}/cgroup.procs', pid)

    def folders(self):
        """Control groups that the container sees: each folder, and its path in the container."""
        return [(folder, f'{ROOT}/{controller}') for controller, folder in self._folders.items()]

    def is_exceeded(self):
        return False  # the kernel sees to it

    def ran_out_of_memory(self):
        return _count(f"{self._folders['memory']}/memory.oom_control") > 0

    def remove(self):
        for folder in self._folders.values():
            remove_group(folder)


class GroupV2:
    """One folder in the unified tree."""
    kind = 'control groups v2'
    poll_seconds = None

    def __init__(self, limits, name, parent):
        self._folder = f'{parent}/{name}'
        os.mkdir(self._folder)
        try:
            if 'memoryBytes' in limits:
                write(f'{self._folder}/memory.max', limits['memoryBytes'])
                if os.path.exists(f'{self._folder}/memory.swap.max'):
                    write(f'{self._folder}/memory.swap.max', 0)
            write(f'{self._folder}/pids.max', limits['processes'])
            # The controller of CPU time is not always delegated to ordinary users.
            if 'cpus' in limits and os.path.exists(f'{self._folder}/cpu.max'):
                write(f'{self._folder}/cpu.max', f"{_quota(limits['cpus'])} {CPU_PERIOD_US}")
        except BaseException:
            self.remove()
            raise

    def add(self, pid):
        write(f'{self._folder}/cgroup.procs', pid)

    def folders(self):
        return [(self._folder, ROOT)]

    def is_exceeded(self):
        return False  # the kernel sees to it

    def ran_out_of_memory(self):
        return _count(f'{self._folder}/memory.events') > 0

    def remove(self):
        remove_group(self._folder)


def _count(path):
    """Number of processes that the kernel killed for lack of memory."""
    words = read(path).split()
    return int(words[words.index('oom_kill') + 1]) if 'oom_kill' in words else 0


def remove_group(folder):
    """Kills the remaining processes of a group, and removes it."""
    give_up_at = time.monotonic() + REMOVAL_SECONDS
    while True:
        try:
            return os.rmdir(folder)
        except FileNotFoundError:
            return None
        except OSError:
            if time.monotonic() > give_up_at:
                raise
        for pid in read(f'{folder}/cgroup.procs').split():
            try:
                os.kill(int(pid), 9)
            except ProcessLookupError:
                pass
        time.sleep(0.005)


def v1_parents():
    """This process's own folder for each controller. @throws OSError when a controller has no tree of version 1"""
    parents = {}
    for line in read('/proc/self/cgroup').splitlines():
        _, controllers, path = line.split(':', 2)
        for controller in controllers.split(','):
            if controller in CONTROLLERS:
                parents[controller] = f'{ROOT}/{controller}{path}'.rstrip('/')
    missing = [controller for controller in CONTROLLERS if not os.path.isdir(parents.get(controller, ''))]
    if missing:
        raise FileNotFoundError(f"no control groups of version 1 for {', '.join(missing)}")
    return parents


def v2_parent(is_root):
    """
    The folder for containers' groups, with its controllers enabled. Root uses the root of the tree; another user needs a group
    that was delegated to it (systemd's `Delegate=yes`). This process moves into a group of its own there, since a group has
    processes or children with controllers, not both.
    @throws OSError when that is not allowed
    """
    own = next(line for line in read('/proc/self/cgroup').splitlines() if line.startswith('0::'))[3:]
    parent = ROOT if is_root else f'{ROOT}{own}'.rstrip('/')
    if not is_root:
        os.makedirs(f'{parent}/launcher', exist_ok=True)
        write(f'{parent}/launcher/cgroup.procs', os.getpid())
    available = read(f'{parent}/cgroup.controllers').split()
    if 'memory' not in available or 'pids' not in available:
        raise FileNotFoundError('the controllers memory and pids are not delegated')
    for controller in CONTROLLERS:
        if controller in available:
            write(f'{parent}/cgroup.subtree_control', f'+{controller}')
    return parent


def create_limits(limits, name, is_root):
    """Sets limits in the strongest way that works here."""
    try:
        if os.path.exists(f'{ROOT}/cgroup.controllers'):
            return GroupV2(limits, name, v2_parent(is_root))
        if os.path.isdir(f'{ROOT}/memory'):
            return GroupsV1(limits, name)
    except (OSError, StopIteration):
        pass
    return PolledLimits(limits)


def remove_groups(prefix, is_root):
    """Removes groups whose name has this prefix, of containers whose launcher was killed."""
    parents = []
    try:
        parents = [v2_parent(is_root)] if os.path.exists(f'{ROOT}/cgroup.controllers') else v1_parents().values()
    except (OSError, StopIteration):
        pass
    for parent in parents:
        for name in os.listdir(parent):
            if name.startswith(prefix):
                remove_group(f'{parent}/{name}')
